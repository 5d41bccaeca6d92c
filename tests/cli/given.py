"""What the command line is given in tests, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ADT = (
    "MSH|^~\\&|EHR|RIVER|VAGUS|HUB|20261122101500+0000||ADT^A04^ADT_A01|{control}|P|2.5.1\r"
    "EVN|A04|20261122101500+0000\r"
    "PID|1||{patient}^^^RIVER^MR||MARKED-NAME^JANE||19800101|F\r"
    "PV1|1|O\r"
)


def adt(control: str = "C1", patient: str = "P1") -> bytes:
    """A registration of an invented patient; MARKED-NAME must never show where it should not."""
    return ADT.format(control=control, patient=patient).encode()


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


Call = Callable[..., Outcome]
