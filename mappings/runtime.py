"""What generated code calls while a message is mapped: the state of one run, and texts (§4).

Every function here is total: it gives a value or nothing, in time linear in its input.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from mappings import coding, dates
from mappings.context import Context
from mappings.tables import Table
from vagus.formats.hl7v2.escapes import unescape_counting
from vagus.formats.hl7v2.separators import Separators
from vagus.kernel.errors import MappingError

NULL = '""'
#: Stands for a separator the message does not have: no text contains it.
NEVER = "\x00\x00\x00\x00"
MAX_ITEMS = 10_000
MAX_RESOURCES = 5_000
MAX_ELEMENTS = 200_000

EXACT = decimal.Context(prec=60)

Site = tuple[str, int, str, str]  # file:line:column, line, position in the message, output element


class State:
    """One run of one mapping over one message."""

    __slots__ = (
        "_offset",
        "charset",
        "component",
        "context",
        "copied",
        "deletes",
        "index",
        "instants",
        "mapping",
        "message",
        "misplaced",
        "nulls",
        "own",
        "read",
        "repetition",
        "rid",
        "rows",
        "separators",
        "sites",
        "sub",
        "times",
        "trace",
        "version",
        "warnings",
    )

    def __init__(self, message: Any, context: Context, mapping: str, version: str) -> None:
        self.message = message
        self.context = context
        self.mapping = mapping
        self.version = version
        self.sites: Sequence[Site] = ()
        self.warnings: list[tuple[str, int]] = []
        self.misplaced: list[str] = []
        self.nulls: list[int] = []
        self.deletes: list[tuple[str, str, int]] = []
        self.read: list[str] = []
        self.trace: list[tuple[str, int, tuple[str, ...]]] = []
        self.rows: list[tuple[str, list[Any], list[str]]] = []
        self.times: dict[str, str] = {}
        self.instants: dict[str, str] = {}
        self.copied: dict[str, str] = {}
        self.index: Any = None
        self.own = ""
        self.rid = context.identity.resource_id
        self._offset: str | None = None
        separators = getattr(message, "separators", None)
        self.separators = separators
        self.component = getattr(separators, "component", "") or NEVER
        self.repetition = getattr(separators, "repetition", "") or NEVER
        self.sub = getattr(separators, "subcomponent", "") or NEVER
        self.charset = getattr(message, "charset", "utf-8")

    def warn(self, code: str, site: int) -> None:
        """Note something to look at; a site below 0 is not worth a note."""
        if site < 0:
            return
        self.warnings.append((code, site))

    def traced(self, element: str, site: int) -> None:
        """Note where an output element came from."""
        self.trace.append((element, site, tuple(self.read)))

    def fail(self, code: str, site: int, detail: str = "") -> MappingError:
        """The error that ends this run."""
        _, line, where, element = self.sites[site]
        return MappingError(
            code, mapping=self.mapping, line=line, path=detail or element, where=where
        )

    def offset_at(self, local: str) -> str:
        """The offset of a time that has none: that of MSH-7, else the endpoint's zone."""
        if self._offset is None:
            self._offset = self._senders_offset()
        return self._offset or dates.zone_offset(self.context.place, local)

    def _senders_offset(self) -> str:
        segments = getattr(self.message, "segments", None)
        if not segments or segments[0][0] != "MSH" or len(segments[0]) < 8:
            return ""
        return dates.offset_of(segments[0][7].split(self.component, 1)[0])

    def key(self) -> str:
        """An id of the message itself, for resources that have no better key."""
        return self.context.identity.resource_id("message", message_parts(self))


def message_parts(state: State) -> list[str]:
    """What tells one message from another: its source, sender, control id and content."""
    message, context = state.message, state.context
    digest = blake2b(digest_size=16)
    segments = getattr(message, "segments", None)
    if segments is None:
        digest.update(repr(message).encode("utf-8", "surrogatepass"))
        return [context.source, "", "", digest.hexdigest()]
    text = "\r".join("|".join(segment) for segment in segments)
    digest.update(text.encode("utf-8", "surrogatepass"))
    return [
        context.source,
        str(getattr(message, "sender", "")),
        str(getattr(message, "control", "")),
        digest.hexdigest(),
    ]


def cut(value: str, component: str, repetition: str, sub: str) -> str:
    """The first sub-component of the first component of the first repetition of a field."""
    if repetition in value:
        value = value[: value.index(repetition)]
    if component in value:
        value = value[: value.index(component)]
    return value[: value.index(sub)] if sub in value else value


def cut_full(value: str, state: State, site: int) -> str:
    """As `cut`, with nulls noted and escapes resolved."""
    return leaf(cut(value, state.component, state.repetition, NEVER), state, site)


def leaf(value: str, state: State, site: int) -> str:
    """The text of a component: first sub-component, nulls noted, escapes resolved."""
    if state.sub in value:
        value = value[: value.index(state.sub)]
    if value == NULL:
        state.nulls.append(site)
        return ""
    separators = state.separators
    if isinstance(separators, Separators) and separators.escape in value:
        value, unknown = unescape_counting(value, separators, state.charset)
        if unknown:
            state.warn("bad-escape", site)
    return value


def subs(parts: list[str], sub: str) -> list[str]:
    """The first sub-component of each component."""
    return [part.split(sub, 1)[0] if sub in part else part for part in parts]


def part(value: str, separator: str, index: int) -> str:
    """One part of a text, counted from 0; '' beyond the last."""
    if not value:
        return ""
    parts = value.split(separator)
    return parts[index] if index < len(parts) else ""


def parts(values: Sequence[str], separator: str, index: int) -> list[str]:
    """One part of each text, counted from 0, where it holds something."""
    return [found for value in values if (found := part(value, separator, index))]


def reps(rows: Sequence[Sequence[str]], field: int, repetition: str) -> list[str]:
    """Every repetition of a field that holds something, over all rows."""
    found: list[str] = []
    for row in rows:
        value = row[field]
        if not value:
            continue
        if repetition in value:
            found += [item for item in value.split(repetition) if item]
        else:
            found.append(value)
    return found


def spot(
    name: str,
    rows: Sequence[Sequence[Any]],
    field: int,
    repetition: str,
    position: int,
    occurrence: int,
) -> str:
    """How the n-th item of `reps` is called: segment, occurrence, field, repetition."""
    for row in rows:
        for index, item in enumerate(row[field].split(repetition), 1):
            position -= bool(item)
            if position == 0:
                return f"{name}({row[occurrence]})-{field}({index})"
    return f"{name}-{field}"


def without_nulls(items: list[str], state: State, site: int) -> list[str]:
    """The items that are not an explicit null; nulls are noted."""
    if NULL not in items:
        return items
    state.nulls.append(site)
    return [item for item in items if item != NULL]


def drop(state: State, kept: bool, resource: str, element: str) -> None:
    """Record an explicit delete unless the element got a value after all."""
    if not kept:
        state.deletes.append((resource, element, state.nulls[0]))
    state.nulls.clear()


def chunks(row: Sequence[str], start: int, size: int, used: int) -> list[list[str]]:
    """Slices of a segment from an element on; those with nothing in them are left out."""
    fields = list(row[start:used])
    fields += [""] * (-len(fields) % size)
    found = [fields[at : at + size] for at in range(0, len(fields), size)]
    return [item for item in found if any(item)]


def over(state: State, site: int) -> None:
    """Raise the error of a message that would grow beyond the limits."""
    raise state.fail("output-limit", site)


def number(value: str, state: State, site: int) -> Decimal | None:
    """The exact number of a text."""
    text = value.strip()
    body = text[1:] if text[:1] in ("+", "-") else text
    whole, _, fraction = body.partition(".")
    digits = whole + fraction
    if digits.isascii() and digits.isdigit() and len(digits) <= 40:
        return Decimal(text)
    state.warn("bad-value", site)
    return None


def whole(value: Decimal | int, least: int, state: State, site: int) -> int | None:
    """The number as an integer of 32 bits that is not below `least`."""
    if value == int(value) and least <= value < 2**31:
        return int(value)
    state.warn("bad-value", site)
    return None


def date(value: str, state: State, site: int) -> str:
    """The FHIR date of a text."""
    found = dates.date(value)
    if not found:
        state.warn("bad-value", site)
    return found


def datetime(value: str, state: State, site: int) -> str:
    """The FHIR dateTime of a text."""
    found = state.times.get(value)
    if found is None:
        found = state.times[value] = dates.datetime(value, state.offset_at)
    if not found:
        state.warn("bad-value", site)
    return found


def instant(value: str, state: State, site: int) -> str:
    """The FHIR instant of a text; a text that is less precise gives nothing, and no warning."""
    found = state.instants.get(value)
    if found is None:
        found = state.instants[value] = dates.instant(value, state.offset_at)
    if not found and not dates.date(value[:8]):
        state.warn("bad-value", site)
    return found


def plus(value: str, state: State, site: int, amount: str, unit: str = "") -> str:
    """A FHIR dateTime some minutes later, or as many of the unit named; '' when it cannot be."""
    found = dates.plus(value, amount, unit)
    if not found and amount:
        state.warn("bad-value", site)
    return found


def truth(value: str, state: State, site: int) -> bool | None:
    """The boolean of a text."""
    if value == "true":
        return True
    if value == "false":
        return False
    state.warn("bad-value", site)
    return None


def missing_code(value: str, table: Table, state: State, site: int) -> str:
    """What a code that a table lacks becomes where a code is wanted."""
    if table.unmapped == "error":
        raise state.fail("unmapped-code", site, f"table {table.name}")
    state.warn("unmapped-code", site)
    return value if table.unmapped == "pass" else ""


def missing_coding(value: str, table: Table, state: State, site: int) -> dict[str, str] | None:
    """What a code that a table lacks becomes where a Coding is wanted."""
    return table.passed(value) if missing_code(value, table, state, site) else None


def code_system(value: str, state: State, site: int) -> str:
    """The URI of a code system's short name."""
    uri, known = coding.code_system(value, state.context.source)
    if not known:
        state.warn("unknown-system", site)
    return uri


def system(value: str, separator: str, first: int, state: State, site: int) -> str:
    """The URI of an assigning authority whose namespace is part `first` of a raw text."""
    uris = state.context.uris
    key = f"{first}{separator}{value}"
    found = uris.get(key)
    if found is None:
        found = _system(value, separator, first, state, site)
        if len(uris) < 10_000:
            uris[key] = found
    if not found[1] and found[0]:
        state.warn("unknown-system", site)
    return found[0]


def _system(value: str, separator: str, first: int, state: State, site: int) -> tuple[str, bool]:
    parts = value.split(separator)[first : first + 3]
    texts = ["" if item in ("", NULL) else leaf(item, state, site) for item in parts]
    texts += [""] * (3 - len(texts))
    if not texts[0] and not texts[1]:
        return "", True
    return state.context.systems.uri(*texts)


def tidy(value: str) -> str:
    """A code as FHIR takes it: no blanks at the ends, single ones inside."""
    return " ".join(value.split())


def solid(value: str, state: State, site: int) -> str:
    """A URI or id: one that holds blanks gives nothing."""
    found = value.strip()
    if found and len(found.split()) == 1:
        return found
    state.warn("bad-value", site)
    return ""


def digits(value: str) -> str:
    """The decimal digits of a text."""
    return "".join([char for char in value if char in "0123456789"])


def reference(value: Any) -> str:
    """The text of a FHIR reference; '' when it has none."""
    text = value.get("reference") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""


def total(values: Sequence[Decimal | int]) -> Decimal | int | None:
    """The exact sum; nothing of nothing."""
    if not values:
        return None
    found = Decimal(values[0])
    for value in values[1:]:
        found = EXACT.add(found, value)
    return found


def own_id(state: State, kind: str, name: str, indexes: Sequence[int], site: int) -> str:
    """The id of a resource that has no key of its own: made of the message's identity."""
    if site >= 0:
        state.warn("weak-key", site)
    if not state.own:
        state.own = state.key()
    return state.rid(kind, (state.own, name, *map(str, indexes)))


def missing(state: State, site: int) -> None:
    """Raise the error of a required element that got no value."""
    raise state.fail("required-missing", site)


def as_copied(state: State, source: dict[str, Any], own: str, kind: str) -> dict[str, Any]:
    """A shallow copy of a resource under its new id; references to it will follow."""
    for url in state.index.urls(source):
        state.copied[url] = f"urn:uuid:{own}"
    found = {"resourceType": kind, "id": own}
    found.update((key, value) for key, value in source.items() if key not in found)
    return found
