"""Every published HL7 file decodes or is refused with a place; hl7apy agrees on what is read."""

from __future__ import annotations

import random
from pathlib import Path

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from vagus.formats.format import Answer, Stage, Terms, Verdict
from vagus.formats.hl7v2 import HL7V2, Message
from vagus.formats.hl7v2.message import getter
from vagus.formats.hl7v2.reader import read
from vagus.kernel.errors import DecodeError

HL7 = HL7V2()
TERMS = Terms()


def files(corpora: Path) -> list[Path]:
    return sorted(corpora.glob("hl7-*/**/*.hl7"))


def take(frame: bytes) -> list[Message]:
    """What a channel does with a frame, down to the reply."""
    messages = []
    try:
        bodies = HL7.split(frame)
    except DecodeError:
        return []
    for body in bodies:
        message = None
        try:
            message = HL7.decode(body, TERMS)
            messages.append(message)
            answer = HL7.objection(message, TERMS) or Answer(Verdict.ACCEPTED)
            assert all(HL7.lane_keys(message))
        except DecodeError as error:
            answer = HL7.refusal(error)
            assert answer.verdict is not Verdict.ACCEPTED
        sent = HL7.reply(body, message, answer, Stage.STORED, "R1", 0.0)
        if sent is not None:
            # What could not be decoded goes back byte for byte, broken characters and all.
            charset = message.charset if message else "latin-1"
            acknowledged = read(sent.decode(charset), charset)
            assert acknowledged.code == "ACK" and acknowledged.get("MSA-1")[1] in "AER"
            if message is not None and message.control and message.control.isprintable():
                assert acknowledged.first("MSA")[2] == message.control
    return messages


def test_every_file_decodes_or_is_refused_with_a_place(corpora):
    found = {path.name: take(path.read_bytes()) for path in files(corpora)}
    refused = sorted(name for name, messages in found.items() if not messages)
    assert len(found) > 200
    # Two claim ASCII and are not, two are broken on purpose, one has no header, six bad batches.
    assert len(refused) == 11
    assert {"ORM_O01.hl7", "OML_O21.hl7", "invalid-missing-msh.hl7"} <= set(refused)
    assert sum(map(len, found.values())) > 210


def test_mutilated_files_never_raise_anything_else(corpora):
    rng = random.Random(7)
    for path in files(corpora):
        frame = bytearray(path.read_bytes()[:4000])
        for _ in range(6):
            mutant = bytearray(frame)
            for _ in range(rng.randrange(1, 12)):
                spot = rng.randrange(len(mutant)) if rng.random() < 0.6 else rng.randrange(60)
                mutant[spot % len(mutant)] = rng.choice(b'|^~\\&\r\n\x00\x0b\x1c\xffA"M ')
            for message in take(bytes(mutant)):
                for where in ("MSH-9.1", "PID-3(2).4.2", "PID-5", "NK1-2.1", "OBX-5"):
                    assert isinstance(message.get(where), str)
                    assert message.state(where) in ("absent", "null", "value")


def sample(corpora: Path) -> list[Message]:
    """One message of every kind whose text hl7apy gives back as it came."""
    chosen: dict[tuple[str, str, int], Message] = {}
    for path in files(corpora):
        for message in take(path.read_bytes()):
            if message.code in ("ADT", "SIU") and not message.has_escapes:
                chosen.setdefault((message.type, message.version, len(message.segments)), message)
    return list(chosen.values())[:24]


def test_hl7apy_reads_the_same_segments_fields_and_components(corpora):
    messages = sample(corpora)
    compared = sum(map(agree, messages))
    assert len(messages) >= 15 and compared > 1500


def agree(message: Message) -> int:
    """Compare every component with hl7apy's reading, which rewrites numbers, and count them."""
    text = "\r".join(
        "|".join(segment[:1] + segment[2:] if segment[0] == "MSH" else segment)
        for segment in message.segments
    )
    theirs = parse_message(
        text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False, force_validation=False
    )
    assert [item.name for item in theirs.children] == [s[0] for s in message.segments]
    seen: set[str] = set()
    compared = 0
    for segment in theirs.children:
        if segment.name in seen or segment.name.startswith("Z"):
            continue
        seen.add(segment.name)
        repetitions: dict[str, int] = {}
        for field in segment.children:
            if field.name is None:
                continue
            number = field.name.split("_")[-1]
            if segment.name == "MSH" and number in "12":
                continue
            repetitions[number] = repetitions.get(number, 0) + 1
            place = f"{segment.name}-{number}({repetitions[number]})"
            components = [item for item in field.children if "_" in (item.name or "")]
            for component in components:
                where = f"{place}.{component.name.split('_')[-1]}"
                theirs_first = component.to_er7().split("&")[0]
                ours = message.raw(where)
                assert ours == theirs_first or float(ours) == float(theirs_first), where
                assert getter(where)(message) == ("" if ours == '""' else ours)
                compared += 1
    return compared
