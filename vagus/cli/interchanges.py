"""What `inspect` and `validate` say of X12 files: they may be long, so nothing is kept whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vagus.canonical import events
from vagus.cli import output
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.reading import Opened
from vagus.formats.finding import Severity
from vagus.formats.x12.findings import Finding
from vagus.formats.x12.reader import read
from vagus.formats.x12.results import Interchange, Result, TransactionSet

COLUMNS = ("format", "version", "type", "event", "control_id", "sender", "receiver", "bytes")
MOST_FINDINGS = 1000
_LONG = 4 << 20


def inspect(opened: Opened, form: str) -> int:
    """A line for each interchange, with findings of service segments; returns the exit code."""
    found = list(_lines(_results(opened, form)))
    if form == output.JSON:
        output.rows(found, (), form)
    else:
        told = [{**line, "findings": [item["code"] for item in line["findings"]]} for line in found]
        output.rows(told, (*COLUMNS, "findings"), form)
    return FINDINGS if any(_has_errors(line) for line in found) else CLEAN


def validate(opened: Opened, columns: Sequence[str], form: str) -> int:
    """A line for each finding; returns the exit code."""
    code = CLEAN

    def rows() -> Iterator[dict[str, object]]:
        nonlocal code
        number = 1
        for result in _results(opened, form):
            for item in result.findings:
                if item.severity is Severity.ERROR:
                    code = FINDINGS
                yield {"message": number, **dict(zip(columns[1:], item.plain, strict=False))}
            number += isinstance(result, Interchange)

    output.rows(rows(), columns, form)
    return code


def _results(opened: Opened, form: str) -> Iterator[Result]:
    if form == output.TEXT and opened.size > _LONG and output.is_terminal():
        return read(output.drawing().progress(opened.pieces, opened.size))
    return read(opened.pieces)


def _lines(results: Iterator[Result]) -> Iterator[dict[str, Any]]:
    types: dict[str, None] = {}
    versions: dict[str, None] = {}
    findings: list[Finding] = []
    for result in results:
        room = MOST_FINDINGS - len(findings)
        findings += [item for item in result.findings if item.is_service][:room]
        if isinstance(result, TransactionSet):
            types[result.type] = None
            versions[result.version] = None
        elif isinstance(result, Interchange):
            yield _line(result, list(types), list(versions), findings)
            types, versions, findings = {}, {}, []
    if any(item.severity is Severity.ERROR for item in findings):
        nothing = dict.fromkeys(COLUMNS)
        yield {**nothing, "format": "x12", "bytes": 0, "findings": _told(findings)}


def _line(
    interchange: Interchange, types: list[str], versions: list[str], findings: list[Finding]
) -> dict[str, Any]:
    return {
        "format": "x12",
        "version": " ".join(versions) or interchange.version,
        "type": " ".join(types) or None,
        "event": events.event_of("x12", types[0]) if len(types) == 1 else None,
        "control_id": interchange.control[0],
        "sender": interchange.sender,
        "receiver": interchange.receiver,
        "bytes": interchange.size,
        "findings": _told(findings),
    }


def _told(findings: list[Finding]) -> list[dict[str, str]]:
    return [
        {"severity": item.severity, "code": item.kind, "where": item.where, "text": item.text}
        for item in findings
    ]


def _has_errors(line: dict[str, Any]) -> bool:
    return any(item["severity"] == Severity.ERROR for item in line["findings"])
