"""What can be looked for, and the SQL it becomes, with the index it is driven by."""

from __future__ import annotations

from dataclasses import dataclass

from vagus.journal.tokens import Tokens
from vagus.kernel.ids import first_of

Names = dict[str, dict[int, str]]
_OPEN_IDS = (
    "(SELECT id FROM message INDEXED BY m_open WHERE state = 0"
    " UNION SELECT message FROM delivery INDEXED BY d_open WHERE state < 2) AS hit"
    " CROSS JOIN message AS m ON m.id = hit.id"
)
_DEAD_IDS = (
    "(SELECT id FROM message INDEXED BY m_dead WHERE state = 3"
    " UNION SELECT message FROM delivery INDEXED BY d_dead WHERE state = 3) AS hit"
    " CROSS JOIN message AS m ON m.id = hit.id"
)
_HAS = "EXISTS(SELECT 1 FROM delivery WHERE message = m.id AND state {})"
_HAS_OPEN, _HAS_DEAD, _HAS_DONE = (_HAS.format(which) for which in ("< 2", "= 3", "= 2"))
#: What each word of a message's state means, as a condition.
_STATES = {
    "stored": "m.state = 0",
    "pending": f"(m.state = 0 OR (m.state = 1 AND {_HAS_OPEN}))",
    "dead": f"(m.state = 3 OR (m.state = 1 AND {_HAS_DEAD} AND NOT {_HAS_OPEN}))",
    "delivered": f"(m.state = 1 AND {_HAS_DONE} AND NOT {_HAS_DEAD} AND NOT {_HAS_OPEN})",
    "filtered": (
        f"(m.state IN (2, 4) OR (m.state = 1 AND NOT {_HAS_DONE} AND NOT {_HAS_DEAD}"
        f" AND NOT {_HAS_OPEN}))"
    ),
}


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; what is None does not matter. Times are in unix ms, `until` excluded.

    `patient` is the 12-byte keyed hash of the patient key; `state` is stored, pending, delivered,
    filtered or dead; `destination` and `stage` narrow dead letters.
    """

    channel: str | None = None
    type: str | None = None
    state: str | None = None
    since: int | None = None
    until: int | None = None
    patient: bytes | None = None
    control: str | None = None
    stage: str | None = None
    destination: str | None = None

    def __post_init__(self) -> None:
        if self.state is not None and self.state not in _STATES:
            raise ValueError(f"a message is {', '.join(_STATES)}: not '{self.state}'")


def message_query(query: Query, names: Names, tokens: Tokens) -> tuple[str, str, list[object]]:
    """The source of a search for messages, its conditions and their values."""
    conditions, values = filters(query, names, tokens)
    if query.state is not None:
        conditions += f" AND {_STATES[query.state]}"
    if query.stage is not None:
        conditions += " AND m.stage = ?"
        values.append(query.stage)
    return _source(query), f"{conditions} AND m.id < ?", values


def filters(query: Query, names: Names, tokens: Tokens) -> tuple[str, list[object]]:
    """The conditions that hold for messages and dead letters alike, and their values."""
    parts = ["m.id >= ?"]
    values: list[object] = [0 if query.since is None else first_of(query.since)]

    def also(condition: str, *more: object) -> None:
        parts.append(condition)
        values.extend(more)

    if query.until is not None:
        also("m.id < ?", first_of(query.until))
    if query.control is not None:
        also("m.control IN (?, ?)", query.control, tokens.token(query.control))
    if query.patient is not None:
        also("m.subject = ?", query.patient)
    if query.type is not None:
        also("m.type = ?", query.type)
    if query.channel is not None:
        also("m.endpoint = ?", _number(names["endpoint"], query.channel))
    return " AND ".join(parts), values


def _source(query: Query) -> str:
    """The table and the index a query is driven by: the rarest thing asked for."""
    if query.control is not None:
        return "message AS m INDEXED BY m_control"
    if query.patient is not None:
        return "message AS m INDEXED BY m_subject"
    if query.state == "dead":
        return _DEAD_IDS
    if query.state == "pending":
        return _OPEN_IDS
    if query.state == "stored":
        return "message AS m INDEXED BY m_open"
    if query.type is not None:
        return "message AS m INDEXED BY m_type"
    return "message AS m NOT INDEXED"


def dead_filters(query: Query, names: Names) -> tuple[str, str]:
    """What narrows dead letters: one condition for messages, one for deliveries."""
    died, undelivered = "TRUE", "TRUE"
    if query.stage == "deliver":
        died = "FALSE"
    elif query.stage is not None:
        # Stages are plain words; anything else is no stage and must not become SQL.
        word = query.stage if query.stage.isascii() and query.stage.isalpha() else ""
        died, undelivered = f"m.stage = '{word}'", "FALSE"
    if query.destination is not None:
        number = _number(names["destination"], query.destination)
        died, undelivered = "FALSE", f"{undelivered} AND d.destination = {number}"
    return died, undelivered


def _number(names: dict[int, str], name: str) -> int:
    return next((number for number, known in names.items() if known == name), -1)
