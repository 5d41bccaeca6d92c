"""Writes the code that splits a text into its components, once for all that read them (§3, §14)."""

from __future__ import annotations

from dataclasses import dataclass

from mappings.absence import HIGHEST, gone, touch_always, touch_part
from mappings.emit import Line
from mappings.expressions import Path
from mappings.scopes import Value
from mappings.seen import Field, Pads
from mappings.session import Session


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a text that is split: see `component`."""

    held: Field | None = None
    sure: bool = False
    once: bool = False
    whole: bool = False


def component(
    session: Session,
    code: str,
    raw: str,
    path: Path,
    datatype: str,
    where: str,
    held: Field | None = None,
    sure: bool = False,
    once: bool = False,
    whole: bool = False,
) -> Value:
    """A component or sub-component of the raw text at `code`.

    `held` is what the field held in other messages; `sure` when the text is surely not empty,
    `once` when it has no repetitions, `whole` when it has no sub-components.
    """
    at = path.component - 1
    known = Known(held, sure, once, whole)
    parts, texts = parts_of(session, code, raw, path.component, known)
    if held is not None and at >= held.most:
        return gone(session, many=False)
    item = raw == "rep" and session.scope.var == code
    deeper = path.sub > 1 or (path.sub > 0 and bool(datatype))
    always = not deeper and (sure or item) and _always(session, code, held, at)
    if always:
        touch_always(session)
    else:
        touch_part(session, parts, at, item)
    if deeper:
        text = f"{parts}[{at}]"
        piece = f"part({text}, S, {path.sub - 1})"
        if path.sub > 1:
            piece = f"({piece} if S in {text} else '')"
        raw = "comp" if session.flags.full else ""
        return Value(piece, "T", raw=raw, datatype=datatype, where=where, rawcode=piece)
    return Value(
        f"{texts}[{at}]",
        "T",
        always=always,
        raw="comp" if session.flags.full else "",
        datatype=datatype,
        where=where,
        rawcode=f"{parts}[{at}]",
    )


def _always(session: Session, code: str, held: Field | None, at: int) -> bool:
    """Whether a component is always there; the code that splits the text then looks."""
    if held is None or session.flags.full or not held.always >> at & 1:
        return False
    session.block.least(("always", code))[0] |= 1 << at
    return True


def parts_of(
    session: Session, code: str, raw: str, highest: int, known: Known = Known()
) -> tuple[str, str]:
    """The names of a text's components, as they stand and cut to their first sub-component.

    There are at least `highest` of them; or just as many as the field held at most.
    """
    key = ("parts", code)
    found = session.block.known(key)
    if found is None:
        parts = session.hoisted_name()
        texts = parts if session.flags.full or known.whole else f"{parts}t"
        lines = _splitting(session, code, raw, (parts, texts), known)
        session.block.hoist(key, parts, lines)
        session.block.hoist((key, "texts"), texts, [])
        found = parts
    session.constants.setdefault("E", [""] * HIGHEST)
    if known.held is None:
        least = session.block.least(key)
        least[0] = max(least[0], highest)
        session.constants[f"P{least[0] - 1}"] = ("",) * (least[0] - 1)
    else:
        session.constants.setdefault(f"W{known.held.most}", Pads(known.held.most))
    return found, session.block.known((key, "texts")) or found


def _splitting(
    session: Session, code: str, raw: str, names: tuple[str, str], known: Known
) -> list[tuple[int, Line]]:
    least, always = session.block.open(("parts", code)), session.block.open(("always", code))
    always[0] = 0
    parts, texts = names
    held = known.held
    both = parts if texts == parts else f"{parts} = {texts}"

    def looked_at() -> str:
        """The end of the line: what is relied on must be there."""
        relied = [f"{texts}[{at}]" for at in range(HIGHEST) if always[0] >> at & 1]
        return f"; {' and '.join(relied)} or unfit()" if relied else ""

    def cut() -> str:
        padding = f"W{held.most}[len({parts})]" if held else f"P{least[0] - 1}"
        end = looked_at() if texts == parts else ""
        return f"{parts} = {code}.split(C); {parts} += {padding}{end}"

    def call() -> str:
        split = ("halves" if texts == parts else "split") + ("_to" if held else "")
        into = parts if texts == parts else f"{parts}, {texts}"
        padding = f"W{held.most}" if held else f"P{least[0] - 1}"
        return f"{into} = {split}({code}, C, R, S, {padding}){looked_at()}"

    if raw == "field" and not (known.once and texts == parts):
        if known.sure:
            return [(0, call)]
        return [(0, f"{both} = E"), (0, lambda: f"if {code}: {call()}")]
    lines: list[Line] = [cut]
    if texts != parts:
        lines += [lambda: f"{texts} = subs({parts}, S) if S in {code} else {parts}{looked_at()}"]
    if session.scope.var == code or known.sure:
        return [(0, line) for line in lines]
    return [(0, f"{both} = E"), (0, f"if {code}:"), *((1, line) for line in lines)]


def held(session: Session) -> Field | None:
    """What the field that the current item is a repetition of held in other messages."""
    scope = session.scope
    if session.seen is None or scope.kind != "item" or scope.raw != "rep" or scope.component:
        return None
    return session.seen.field(scope.segment, scope.number)
