"""What the command line is given in tests, and what comes of it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from vagus.cli.program import execute

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


def execute_here(words: tuple[object, ...], stdin: bytes = b"") -> Outcome:
    """Run a command line in this process, with streams of its own."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    given, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    try:
        with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
            code = execute([str(word) for word in words])
    finally:
        sys.stdin = given
    out, err = (stream.buffer.getvalue().decode() for stream in streams)  # type: ignore[attr-defined]
    return Outcome(code, out, err)


Call = Callable[..., Outcome]
