"""The closed list of functions: what each takes, gives and how many arguments it has (§5)."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGE_VERSION = "1"

CONTEXT = (
    "message_id",
    "endpoint",
    "source",
    "facility",
    "received_at",
    "raw_url",
    "mapping",
    "version",
    "type",
    "sender",
    "sender_facility",
    "receiver",
    "receiver_facility",
    "release",
)
ADDRESS = CONTEXT[-5:]
AUTHORITY = ("namespace", "oid", "type")
FORMATS = ("hl7-date", "hl7-datetime", "x12-date", "x12-time")

SOURCE = "source"  # begins an alternative
LIST = "list"  # many to many
FOLD = "fold"  # many to one
SCALAR = "scalar"  # one to one; each item of a list


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `takes` and `gives` are kinds: T text, D date, N number, I item, R reference.

    An empty `takes` accepts every kind; an empty `gives` keeps the kind it was given.
    """

    name: str
    role: str
    takes: str
    gives: str
    least: int = 0
    most: int | None = 0

    @property
    def usage(self) -> str:
        """How many arguments it takes, in words."""
        if self.most is None:
            return f"{self.least} or more"
        return str(self.least) if self.least == self.most else f"{self.least} or {self.most}"


_LIST = (
    Function("now", SOURCE, "", "D"),
    Function("context", SOURCE, "", "T", 1, 1),
    Function("reference", SOURCE, "", "R", 1, 1),
    Function("concat", SOURCE, "", "T", 2, None),
    Function("taken", SOURCE, "", "I", 1, 1),
    Function("absent", SOURCE, "", "T", 1, 1),
    Function("index", SOURCE, "", "N"),
    Function("first", FOLD, "", ""),
    Function("last", FOLD, "", ""),
    Function("join", FOLD, "T", "T", 1, 1),
    Function("where", LIST, "I", "I", 2, None),
    Function("prefer", FOLD, "I", "I", 2, None),
    Function("besides", LIST, "I", "I", 1, 1),
    Function("get", LIST, "I", "", 1, 1),
    Function("resolve", LIST, "R", "I", 1, 1),
    Function("referring", LIST, "I", "I", 1, 1),
    Function("skip", LIST, "", "", 1, 1),
    Function("chunk", LIST, "I", "I", 2, 2),
    Function("sum", FOLD, "N", "N"),
    Function("in", SCALAR, "T", "T", 1, None),
    Function("not_in", SCALAR, "T", "T", 1, None),
    Function("upper", SCALAR, "T", "T"),
    Function("trim", SCALAR, "T", "T"),
    Function("digits", SCALAR, "T", "T"),
    Function("slice", SCALAR, "T", "T", 1, 2),
    Function("before", SCALAR, "T", "T", 1, 1),
    Function("after", SCALAR, "T", "T", 1, 1),
    Function("replace", SCALAR, "T", "T", 2, 2),
    Function("date", SCALAR, "T", "D"),
    Function("datetime", SCALAR, "T", "D"),
    Function("number", SCALAR, "T", "N"),
    Function("times", SCALAR, "N", "N", 1, 1),
    Function("plus", SCALAR, "D", "D", 1, 2),
    Function("until", SCALAR, "D", "N", 1, 1),
    Function("format", SCALAR, "D", "T", 1, 1),
    Function("unlike", SCALAR, "T", "T", 1, 1),
    Function("table", SCALAR, "T", "T", 1, 2),
    Function("code_system", SCALAR, "T", "T", 0, 1),
    Function("system", SCALAR, "I", "T"),
    Function("authority", SCALAR, "T", "T", 0, 1),
    Function("default", SCALAR, "", "", 1, 1),
    Function("then", SCALAR, "", "T", 1, 1),
)
FUNCTIONS = {function.name: function for function in _LIST}
