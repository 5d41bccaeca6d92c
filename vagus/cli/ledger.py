"""`vagus ledger`: accepted = delivered + filtered + dead + pending, recomputed from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from vagus.cli import opening, output
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, folder, form
from vagus.journal.ledger import LedgerReport, verify
from vagus.journal.tally import DELIVERY_WORDS, MESSAGE_WORDS
from vagus.project import placing


@click.command(
    epilog=examples(
        "vagus ledger",
        "vagus ledger samples/riverside_clinic --format json",
        "vagus ledger --quick",
    )
)
@folder()
@click.option("--verify/--quick", "bodies", default=True, help="Open every stored body too.")
@form()
def command(folder: Path | None, bodies: bool, form: str) -> int:
    """Recount every message and delivery, check the seals, and show the sums.

    Works beside a running engine. Exit code 1 when anything does not add up or was altered.
    """
    project = opening.outlined(folder)
    report = verify(placing.place(project), opening.keyset(project), bodies=bodies)
    if form == output.JSON:
        for row in (*_messages(report), *_deliveries(report)):
            output.line(row)
    else:
        output.rows(_messages(report), ("channel", *MESSAGE_WORDS), form)
        output.say()
        output.rows(_deliveries(report), ("destination", *DELIVERY_WORDS), form)
        output.say()
    for item in report.differences:
        output.note(f"error: {item}")
    _conclude(report, form)
    return CLEAN if report.clean else FINDINGS


def _messages(report: LedgerReport) -> Iterator[Mapping[str, object]]:
    for name, counts in report.counts["endpoints"].items():
        yield {"channel": name, **counts}
    yield {"channel": "total", **report.counts["total"]["messages"]}


def _deliveries(report: LedgerReport) -> Iterator[Mapping[str, object]]:
    for name, counts in report.counts["destinations"].items():
        yield {"destination": name, **counts}


def _conclude(report: LedgerReport, form: str) -> None:
    if form == output.JSON:
        output.line({"holds": report.clean, "days": report.days, **_sums(report)})
        return
    total = report.counts["total"]["messages"]
    sums = " + ".join(f"{total[word]} {word}" for word in MESSAGE_WORDS[1:5])
    holds = "holds" if report.clean else "DOES NOT HOLD"
    output.say(
        f"{total['accepted']} accepted = {sums}: {holds} ({report.days} days, seals checked)"
    )


def _sums(report: LedgerReport) -> dict[str, int]:
    return {"differences": len(report.differences)}
