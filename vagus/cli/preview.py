"""What replaying messages with another mapping would change, worked out in this process."""

from __future__ import annotations

from collections.abc import Sequence

from vagus.cli import asking, differences, mapping, output, searching
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.formats.hl7v2 import HL7V2
from vagus.journal.found import FoundMessage
from vagus.kernel.errors import ConfigError, EngineFault, MessageError


def show(
    where: searching.Store,
    found: Sequence[FoundMessage],
    name: str,
    why: str | None,
    form: str,
) -> int:
    """Print the elements in which the channel's mapping and that one differ; the exit code.

    Paths and kinds of change only; values too with a reason `why`, which goes on record.
    """
    new = mapping.named(where.project.catalogue, name)
    columns = ("id", "change", "path", *(("before", "after") if why else ()))
    code = CLEAN
    for item in found:
        if why:
            asking.record(where.project, where.keys, "replay-diff", item.text_id, why)
        try:
            rows = [_row(item, change, why, form) for change in _compared(where, item, new)]
        except (MessageError, EngineFault) as error:
            output.note(f"error: {item.text_id}: {getattr(error, 'code', 'corrupt')}")
            code = FINDINGS
            continue
        output.rows(rows, columns, form)
        if form == output.TEXT and not rows:
            output.say(f"{item.text_id}: no difference")
    return code


def _row(
    item: FoundMessage, change: differences.Difference, why: str | None, form: str
) -> dict[str, object]:
    row: dict[str, object] = {"id": item.text_id, "change": change.change, "path": change.path}
    if why:
        for name, value in (("before", change.before), ("after", change.after)):
            plain = value is None or form == output.JSON
            row[name] = value if plain else output.dumps(value)
    return row


def _compared(
    where: searching.Store, item: FoundMessage, new: mapping.Choose
) -> list[differences.Difference]:
    project = where.project
    file = project.channel(item.channel)
    if file is None:
        raise ConfigError(f"{item.text_id}: its channel '{item.channel}' is no longer there")
    message = HL7V2().decode(where.reader.body(item.id), mapping.terms(file))
    context = mapping.accepted(mapping.context(project, file, where.keys), item.id)
    bundles = []
    for choose in (mapping.chosen(project.catalogue, file), new):
        used = choose(message)
        if used is None:
            raise MessageError("no-mapping", "MSH-9")
        bundles.append(used.apply(message, context).bundle)
    return list(differences.compare(*bundles))
