"""Every defect of every sample is found at its place and level, and does not spill far."""

from __future__ import annotations

import pytest
from formats.x12.conftest import findings
from formats.x12.defects import defects
from formats.x12.samples import BODIES, interchange

from vagus.formats.finding import Severity
from vagus.formats.x12.findings import KINDS


@pytest.mark.parametrize("transaction", BODIES)
def test_every_defect_is_found_at_its_place(transaction: str) -> None:
    missed, spilt, kinds = [], [], set()
    for defect in defects(transaction):
        found = findings(interchange(transaction, defect.body))
        at = [item for item in found if item.kind in defect.kinds and item.place == defect.place]
        kinds.update((item.kind, item.place) for item in at)
        if not at:
            missed.append((defect.name, defect.kinds, defect.place, _told(found)))
        elif len({item.position for item in found if _is_error(item)}) > 2:
            spilt.append((defect.name, _told(found)))
    assert not missed, "\n".join(map(str, missed[:40]))
    assert not spilt, "\n".join(map(str, spilt[:40]))
    assert len(kinds) >= 30
    assert len({kind for kind, _ in kinds}) >= 12


def _told(found) -> list[tuple[str, str]]:
    return [(item.kind, item.place) for item in found]


def _is_error(item) -> bool:
    return item.severity is Severity.ERROR and KINDS[item.kind].snip < 3
