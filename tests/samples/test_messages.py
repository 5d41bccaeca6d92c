"""The sample's messages: invented beyond doubt, readable, and bad where their name says so."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from vagus.formats.finding import Severity
from vagus.formats.format import Terms, Verdict
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import DecodeError
from vagus.project import load
from vagus.simulators.messages import read, shares

MESSAGES = Path(__file__).parents[2] / "samples" / "riverside_clinic" / "messages"
GOOD = sorted(MESSAGES.glob("*.hl7"))
NIGHTLY = sorted(MESSAGES.glob("nightly/*.hl7"))
BAD = sorted(MESSAGES.glob("bad/*.hl7"))
TERMS = Terms(processing="P", zone="America/Chicago")
FORMAT = HL7V2()


def text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def is_npi(number: str) -> bool:
    digits = [int(digit) for digit in "80840" + number]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def verdict(path: Path) -> Verdict:
    """What the sender of that file is told."""
    try:
        message = FORMAT.decode(FORMAT.split(path.read_bytes())[0], TERMS)
    except DecodeError as error:
        return FORMAT.refusal(error).verdict
    answer = FORMAT.objection(message, TERMS)
    return answer.verdict if answer else Verdict.ACCEPTED


def test_every_good_message_is_accepted_as_it_stands() -> None:
    assert len(GOOD) >= 60
    types: Counter[str] = Counter()
    versions = set()
    for path in [*GOOD, *NIGHTLY]:
        for body in FORMAT.split(path.read_bytes()):
            message = FORMAT.decode(body, TERMS)
            assert FORMAT.objection(message, TERMS) is None, path.name
            types[message.type] += 1
            versions.add(message.version)
    assert len(types) >= 18 and types["ADT^A40"] >= 3
    assert {"2.3", "2.3.1", "2.4", "2.5.1", "2.6", "2.7", "2.8"} <= versions


def test_good_messages_keep_to_the_standard_and_the_clinics_profile() -> None:
    project = load(MESSAGES.parent, Diagnostics(), {})
    assert project is not None
    profile = project.profiles["riverside"].content
    for path in [*GOOD, *NIGHTLY]:
        for body in FORMAT.split(path.read_bytes()):
            found = FORMAT.check(FORMAT.decode(body, TERMS), profile)
            assert [item for item in found if item.severity is Severity.ERROR] == [], path.name


def test_control_ids_are_used_once() -> None:
    used = Counter(
        FORMAT.decode(body, TERMS).control
        for path in [*GOOD, *NIGHTLY]
        for body in FORMAT.split(path.read_bytes())
    )
    assert [name for name, count in used.items() if count > 1] == []


def test_the_file_name_says_which_event_it_is() -> None:
    for path in GOOD:
        _, code, trigger, *_ = path.name.split("-")
        message = FORMAT.decode(FORMAT.split(path.read_bytes())[0], TERMS)
        assert message.type == f"{code}^{trigger}".upper(), path.name


def test_a_merge_comes_after_what_was_said_of_the_patient_it_retires() -> None:
    messages = read(GOOD)
    [line] = shares(messages, 1)
    told: set[bytes] = set()
    for message in line:
        if b"ADT^A40" in message.body[:100]:
            assert message.patients[0] in told
        told.update(message.patients)
    parts = shares(messages, 4)
    assert sum(map(len, parts)) == len(GOOD) and min(map(len, parts)) >= 10


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_message_is_refused_or_names_its_fault(path: Path) -> None:
    later = {  # readable and acceptable: mapping, validation or routing finds the fault
        "header-only",
        "merge-without-mrg",
        "no-patient-identifier",
        "no-patient-segment",
        "unmapped-visit-kind",
    }
    assert (verdict(path) is Verdict.ACCEPTED) is (path.stem in later)


@pytest.mark.parametrize("path", [*GOOD, *NIGHTLY, *BAD], ids=lambda path: path.stem)
def test_nobody_in_there_can_exist(path: Path) -> None:
    body = text(path)
    numbers = re.findall(r"(?<!\d)(\d{9})[\^@]{3}USSSA", body)
    numbers += re.findall(r"(?m)^PID\|.*\|(\d{9})(?=[|\r\n])", body)
    assert all(number.startswith(("9", "000")) for number in numbers)
    assert not re.search(r"\d{3}-\d{2}-\d{4}", body)
    assert all(tail.startswith("55501") for tail in re.findall(r"[\^@](555\d{4})\b", body))
    assert all(tail.startswith("01") for tail in re.findall(r"\(312\)555-(\d{4})", body))
    providers = re.findall(r"(?<!\d)(\d{10})[\^@][A-Z]+[\^@][A-Z]+[\^@]", body)
    assert all(number.startswith("2") and is_npi(number) for number in providers)
