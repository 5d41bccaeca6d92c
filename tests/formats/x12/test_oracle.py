"""Agreement with pyx12: what it finds we find, with the same 999 codes or a reason why not."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import pyx12.errors
from formats.x12 import oracle
from formats.x12.conftest import results
from formats.x12.defects import Defect, defects
from formats.x12.samples import lines, several

from vagus.formats.x12.results import TransactionSet

COVERED = ("835", "837I", "837P", "277CA")
#: pyx12 itself falls over these: more components than its map has.
_FATAL = re.compile(r"\d-\d+ too many")
_EVERY = 12


def chosen(transaction: str) -> list[Defect]:
    """A sample of the defects, other ones for each transaction."""
    every = [item for item in defects(transaction) if not _FATAL.search(item.name)]
    return every[len(transaction) + ord(transaction[-1]) % 3 :: _EVERY]


@pytest.mark.parametrize("transaction", COVERED)
def test_pyx12_accepts_our_clean_samples(transaction: str) -> None:
    found = oracle.faults(several(transaction, [lines(transaction)]))
    expected = {("STC", 2, 0, "1")} if transaction == "277CA" else set()
    assert found == [expected]


def test_what_pyx12_finds_in_generated_defects_we_find() -> None:
    same, reasons, unexplained = 0, Counter(), []
    for transaction in COVERED:
        picked = chosen(transaction)
        data = several(transaction, [defect.body for defect in picked])
        theirs = oracle.faults(data)
        sets = [item for item in results(data) if isinstance(item, TransactionSet)]
        assert len(sets) == len(picked) == len(theirs)
        for defect, item, told in zip(picked, sets, theirs, strict=True):
            found = oracle.ours(item.findings)
            lost = told - found
            same += not lost
            for fault in lost:
                why = oracle.reason(fault, found)
                reasons[why] += 1
                if not why:
                    unexplained.append((transaction, defect.name, fault, found))
            if told:
                assert item.findings, defect.name
    assert same >= 100
    assert sum(len(chosen(item)) for item in COVERED) >= 250
    assert not unexplained, unexplained[:10]
    assert all(reasons), reasons


def test_agreement_on_the_corpora(corpora: Path) -> None:
    """Where pyx12 has a map and does not fall over itself: what it finds we find."""
    seen, unexplained = 0, []
    for path in sorted(corpora.glob("x12-*/*/*")):
        if path.parent.name not in COVERED or not path.is_file():
            continue
        data = path.read_bytes()
        try:
            theirs = oracle.faults(data)
        except (pyx12.errors.EngineError, pyx12.errors.X12Error, LookupError):
            continue
        sets = [item for item in results(data) if isinstance(item, TransactionSet)]
        if len(sets) != len(theirs):
            continue
        for item, told in zip(sets, theirs, strict=True):
            seen += 1
            found = oracle.ours(item.findings)
            lost = (fault for fault in told - found if not oracle.reason(fault, found))
            unexplained += [(path.name, fault, sorted(map(str, found))) for fault in lost]
    assert seen > 300
    assert not unexplained, "\n".join(map(str, unexplained[:30]))
