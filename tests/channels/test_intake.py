"""Whatever arrives is stored and answered once: mutilated messages on a real journal."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest

from channels.config import Ack
from channels.intake import Intake, Reading
from channels.measure import ChannelMeasures
from connectors.seam import Reply
from integration.site import hl7
from vagus.formats.format import Terms
from vagus.formats.hl7v2.codec import HL7V2
from vagus.journal.entries import Filtered
from vagus.journal.journal import Journal
from vagus.kernel.clock import ManualClock
from vagus.kernel.envelope import Envelope
from vagus.kernel.keys import Keyset

PARTS = (b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"MSH", b"BHS|^~\\&\r", b"BTS|1\r", b"FHS")


def mutilated(chance: Random, number: int) -> bytes:
    """A message, a batch, or what is left of one."""
    bodies = [
        hl7(
            f"C{number}-{at}",
            chance.choice(("P1", "P2", "")),
            chance.choice(("ADT^A08", "ADT^A40^ADT_A39", "", "ACK", "ZZZ^Z99")),
            accept=chance.choice(("", "AL", "NE", "ER", "SU", "??")),
            application=chance.choice(("", "AL", "NE", "ER", "SU", '""')),
        )
        for at in range(chance.choice((1, 1, 1, 2, 3)))
    ]
    frame = bytearray(b"".join(bodies))
    for _ in range(chance.choice((0, 0, 1, 2, 8))):
        at = chance.randrange(len(frame) + 1)
        match chance.randrange(4):
            case 0:
                frame[at : at + chance.randrange(20)] = b""
            case 1:
                frame[at:at] = chance.choice(PARTS)
            case 2:
                frame[at:at] = chance.randbytes(3)
            case _:
                del frame[at:]
    return bytes(frame)


@pytest.mark.parametrize("ack", list(Ack))
async def test_every_frame_is_kept_and_answered_once(tmp_path: Path, ack: Ack) -> None:
    clock = ManualClock(1_795_348_800.0)
    journal = await Journal.open(tmp_path, Keyset.generate(), clock)
    arrived: list[Envelope] = []
    replies: dict[int, list[Reply]] = {}

    def lanes(message: object) -> tuple[bytes, ...]:
        return tuple(key.encode()[:12].ljust(12) for key in HL7V2().lane_keys(message))  # type: ignore[arg-type]

    reading = Reading(HL7V2(), Terms(), ack, lanes, lambda sender: len(sender))
    intake = Intake(
        journal.endpoint("adt"), reading, journal, clock, ChannelMeasures(), arrived.append
    )
    chance = Random(f"intake {ack}")
    for number in range(400):
        damage = chance.choice(("", "", "", "", "", "incomplete"))
        answers: list[Reply] = replies.setdefault(number, [])
        intake.receive(mutilated(chance, number), "peer", answers.append, damage)
    await journal.flush()
    waiting = {envelope.id for envelope in arrived if envelope.id in intake.awaiting}
    for envelope in arrived:
        then = partial(intake.awaiting.ended, envelope.id)
        journal.put(Filtered(envelope.id, envelope.endpoint, "test", then))
    await journal.flush()
    assert len(intake.awaiting) == 0
    assert bool(waiting) or ack is not Ack.DELIVERED
    for answers in replies.values():
        assert answers, "every frame is answered"
        assert len(answers) == 1 + answers[0].follows
        bodies = [reply.body for reply in answers] + list(answers[0].more)
        for body in filter(None, bodies):
            assert body.startswith(b"MSH")
            assert b"\x1c" not in body
            assert b"\x0b" not in body
    counts = journal.counts()["total"]["messages"]
    assert counts["accepted"] >= 300
    assert counts["accepted"] == counts["filtered"] + counts["dead"]
    assert counts["filtered"] == len(arrived)
    await journal.close()
