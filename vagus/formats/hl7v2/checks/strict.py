"""The checks of hl7apy, the `strict` extra, told in our findings: a second opinion, and a slow one.

hl7apy writes a report of its own, in which values stand; it is read here, line by line, and only
what names segments, fields and data types is kept. It does not say which occurrence it means, so
the places have none: `PID-8`.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from threading import Thread
from typing import Any

from vagus.formats.finding import Finding
from vagus.formats.hl7v2.checks.kinds import finding
from vagus.formats.hl7v2.message import Message
from vagus.kernel.errors import ConfigError

_MISSING = "hl7apy is not installed; add it with: pip install 'vagus[strict]'"
_LINES = (
    (re.compile(r"Error: Missing required child (\w+)\.(\w+)"), "strict-missing"),
    (re.compile(r"Error: Child limit exceeded (\w+)\.(\w+)"), "strict-limit"),
    (re.compile(r"Error: Datatype .* is not correct for (\w+)\.(\w+) .*"), "strict-type"),
    (re.compile(r"Error: Invalid children detected for <\w+ (\w+).*>: .*"), "strict-children"),
    (re.compile(r"Warning: Value .* not in table \w+ in element (\w+)\.(\w+)"), "strict-table"),
    (re.compile(r"Warning: Exceeded max length \(\d+\) of (\w+)\.(\w+)"), "strict-length"),
)
_ELEMENT = re.compile(r"([A-Z][A-Z0-9]{1,2})_(\d{1,3})")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")


def check(message: Message) -> list[Finding]:
    """What hl7apy has against a message, each thing once; raises ConfigError without hl7apy."""
    try:
        parser = importlib.import_module("hl7apy.parser")
        validation = importlib.import_module("hl7apy.validation")
        level = importlib.import_module("hl7apy.consts").VALIDATION_LEVEL.TOLERANT
    except ModuleNotFoundError:
        raise ConfigError(_MISSING) from None
    try:
        parsed = parser.parse_message(_text(message), validation_level=level, find_groups=True)
    except Exception:
        return [finding("strict-unreadable", "MSH[1]-9")]
    lines = _report(validation.Validator, parsed)
    return list(dict.fromkeys(found for line in lines for found in _told(line)))


def _text(message: Message) -> str:
    """The message with the structure that its trigger event has, by which hl7apy finds groups."""
    lines = []
    for segment in message.segments:
        fields = segment
        if segment[0] == "MSH":
            fields = [segment[0], *segment[2:]]
            if message.structure and len(fields) > 8:
                mark = message.separators.component
                fields[8] = mark.join((message.code, message.trigger, message.structure))
        lines.append(message.separators.field.join(fields))
    return "\r".join(lines)


def _report(validator: Any, parsed: Any) -> list[str]:
    """The lines of hl7apy's report, which it can only write to a file: a pipe, never a disk."""
    end, start = os.pipe()
    lines: list[str] = []

    def read() -> None:
        with os.fdopen(end, encoding="utf-8", errors="replace") as report:
            lines.extend(report.read().split("\n"))

    reader = Thread(target=read)
    reader.start()
    stopped = False
    try:
        validator.validate(parsed, report_file=f"/dev/fd/{start}")
    except Exception as error:
        stopped = not type(error).__module__.startswith("hl7apy.")
    finally:
        os.close(start)
        reader.join()
    return [*lines, "Error: stopped"] if stopped else lines


def _told(line: str) -> Iterator[Finding]:
    for pattern, code in _LINES:
        if match := pattern.fullmatch(line):
            yield finding(code, _place(*match.groups()))
            return
    if line.startswith("Error:"):
        yield finding("strict-other", "")


def _place(parent: str, child: str = "") -> str:
    """A place of ours: `PID` and `PID_3` make PID-3, `PID_3` and `CX_1` make PID-3.1."""
    element, inner = _ELEMENT.fullmatch(parent), _ELEMENT.fullmatch(child)
    if element:
        field = f"{element[1]}-{element[2]}"
        return f"{field}.{inner[2]}" if inner else field
    if inner:
        return f"{inner[1]}-{inner[2]}"
    return next((name for name in (child, parent) if _SEGMENT.fullmatch(name)), "")
