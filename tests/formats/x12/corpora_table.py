"""Every published X12 file with its publisher's verdict, ours, and the reasons where we reject.

    python tests/formats/x12/corpora_table.py > tests/formats/x12/corpora.txt

`test_corpora.py` compares the table with what is read today.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from vagus.formats.finding import Severity
from vagus.formats.x12.findings import GUIDE, Finding
from vagus.formats.x12.reader import read
from vagus.formats.x12.results import Group, Interchange, TransactionSet, Verdict

CORPORA = Path(__file__).parents[4] / "shared/corpora"
#: Names by which a publisher says that a file is meant to be wrong.
_BROKEN = re.compile(r"error|bad_|missing_|out_of_order|invalid|ambiguous")
_MOST_REASONS = 3


def files(corpora: Path) -> list[Path]:
    """The published files; licences and notes of the publishers apart."""
    return sorted(path for path in corpora.glob("x12-*/*/*") if path.is_file())


def rows(corpora: Path) -> Iterator[str]:
    """One line for each file: path, publisher's verdict, ours, reasons."""
    for path in files(corpora):
        name = path.relative_to(corpora).as_posix()
        broken = _BROKEN.search(path.name) and "no_errors" not in path.name
        yield " | ".join([name, "invalid" if broken else "valid", *_ours(path.read_bytes())])


def _ours(data: bytes) -> tuple[str, str]:
    found: list[Finding] = []
    rejected = False
    for result in read([data]):
        found += [item for item in result.findings if item.severity is Severity.ERROR]
        if isinstance(result, TransactionSet | Group):
            rejected = rejected or result.verdict is Verdict.REJECTED
        elif isinstance(result, Interchange):
            rejected = rejected or any(item.severity is Severity.ERROR for item in result.findings)
    reasons = dict.fromkeys(_reason(item) for item in found if item.snip <= GUIDE)
    shown = list(reasons)[:_MOST_REASONS]
    if len(reasons) > _MOST_REASONS:
        shown.append(f"and {len(reasons) - _MOST_REASONS} more")
    return "rejected" if rejected else "accepted", ", ".join(shown)


def _reason(item: Finding) -> str:
    return f"{item.kind} at {item.place}" if item.place else item.kind


if __name__ == "__main__":
    sys.stdout.writelines(f"{row}\n" for row in rows(CORPORA))
