"""The lexical rules of FHIR's primitive types (R4 §2.24.0.1), as patterns that cannot backtrack.

They are written for the linear-time engine of jsonschema-rs and mean the same in `re`, so white
space is spelled out. Dates are real dates of the calendar; R4's own patterns would let 30
February through.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

_SPACE = " \\t\\r\\n"
_TOKEN = f"^[^{_SPACE}]+$"
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_MONTH = "(?:0[1-9]|1[0-2])"
_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_FULL = f"(?:{_YEAR}-{_DAY}|{_LEAP}-02-29)"
# A leap second is the only second after 59, and the rest of the day has no 24:00.
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:[.][0-9]+)?"
_ZONE = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

PATTERNS: dict[str, str] = {
    "base64Binary": f"^[0-9A-Za-z+/={_SPACE}]+$",
    "canonical": _TOKEN,
    "code": f"^[^{_SPACE}]+(?: [^{_SPACE}]+)*$",
    "date": f"^(?:{_YEAR}(?:-{_MONTH})?|{_FULL})$",
    "dateTime": f"^(?:{_YEAR}(?:-{_MONTH})?|{_FULL}(?:T{_CLOCK}{_ZONE})?)$",
    "id": "^[A-Za-z0-9.-]{1,64}$",
    "instant": f"^{_FULL}T{_CLOCK}{_ZONE}$",
    "markdown": f"[^{_SPACE}]",
    "oid": "^urn:oid:[0-2](?:[.](?:0|[1-9][0-9]*))+$",
    "string": f"[^{_SPACE}]",
    "time": f"^{_CLOCK}$",
    "uri": _TOKEN,
    "url": _TOKEN,
    "uuid": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    "xhtml": f"^[{_SPACE}]*<div[{_SPACE}/>]",
}

_LARGEST = 2147483647
SMALLEST: dict[str, int] = {"integer": -_LARGEST - 1, "unsignedInt": 0, "positiveInt": 1}


def schema(name: str) -> dict[str, Any]:
    """The JSON schema of a primitive type."""
    if name == "boolean":
        return {"type": "boolean"}
    if name == "decimal":
        return {"type": "number"}
    if name in SMALLEST:
        return {"type": "integer", "minimum": SMALLEST[name], "maximum": _LARGEST}
    return {"type": "string", "pattern": PATTERNS[name]}


_PYTHON = {name: re.compile(text.replace("$", r"\Z")) for name, text in PATTERNS.items()}
_DATES = frozenset(("date", "dateTime", "instant", "time"))


def problem(value: object, name: str) -> tuple[str, str] | None:
    """The code and text of what is wrong with a value of a primitive type, or None."""
    if name == "boolean":
        return None if isinstance(value, bool) else ("wrong-type", "true or false is needed")
    if name == "decimal" or name in SMALLEST:
        return _number_problem(value, name)
    if not isinstance(value, str):
        return "wrong-type", f"text is needed, of type {name}"
    if _PYTHON[name].search(value):
        return None
    if not value.strip():
        return "empty", "text cannot be empty"
    if name in _DATES:
        return "bad-date", f"not a real {name}" + _DATE_HINT.get(name, "")
    return "bad-code" if name == "code" else "bad-value", f"not a {name}"


_DATE_HINT = {
    "dateTime": ": a time needs seconds and an offset",
    "instant": ": it needs seconds and an offset",
}


def _number_problem(value: object, name: str) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "wrong-type", "a number is needed"
    if not math.isfinite(value):
        return "bad-value", "a finite number is needed"
    if name == "decimal":
        return None
    if value != int(value):
        return "wrong-type", "a whole number is needed"
    if not SMALLEST[name] <= value <= _LARGEST:
        return "bad-value", f"from {SMALLEST[name]} to {_LARGEST}"
    return None
