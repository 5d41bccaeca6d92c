"""hl7apy as a second opinion: `--strict`, and an oracle of our own tables and checks."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from formats.hl7v2.clean import message

from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2, Message
from vagus.formats.hl7v2.checks import sequence, strict
from vagus.formats.hl7v2.structures import order, structures
from vagus.kernel.errors import ConfigError, DecodeError

HL7 = HL7V2()
VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.2")
STRUCTURAL = ("strict-missing", "strict-limit", "strict-children", "strict-other")
# What hl7apy reports of the corpora and we do not, by release and place.
REASONS = {
    r"2\.[78].* OBX-4": "conditional in the standard: needed where OBX-3 alone does not tell",
    r"2\.3 (MSH-9|PID-11)": "components of later releases are read alike in earlier ones",
    r"2\.5\.1 (MSH|AIG-3)": "fields and components of later releases are read alike",
    r"2\.8 PID-4\.5": "the whole field is withdrawn, which we report",
    r"2\.3 AL1-5": "it repeats from 2.3.1 on, and is read alike before",
    r"2\.1 .*": "releases before 2.3 are read as 2.3",
    r"2\.8 ": "hl7apy has no structure for ADT^A47",
}


def decode(text: str) -> Message:
    return HL7.decode(text.encode(), Terms())


def test_a_clean_message_is_clean_for_hl7apy():
    assert strict.check(decode(message("ADT", "A01", "2.5", full=False))) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        ("PV1|1|I|", "PV1|1||", "strict-missing", "PV1-2"),
        ("PID|1||P1", "PID|1~2||P1", "strict-limit", "PID-1"),
        ("|F|||", "|X|||", "strict-table", "PID-8"),
        ("PID|1||P1^^^RIVER", "PID|1||^^^RIVER", "strict-missing", "PID-3.1"),
    ],
)
def test_what_hl7apy_finds_is_told_in_our_words(old, new, code, where):
    text = message("ADT", "A01", "2.6", full=False)
    assert old in text
    found = strict.check(decode(text.replace(old, new)))
    assert (code, where) in [(item.code, item.where) for item in found]
    assert {item.level for item in found} == {6}


def test_no_value_of_the_message_comes_through():
    noise = "|".join(["MARKED^MARKED&MARKED~MARKED"] * 45)
    text = "\r".join([message("ADT", "A01", "2.5").split("\r")[0], f"PID|{noise}", f"PV1|{noise}"])
    found = strict.check(decode(text))
    assert len(found) > 20 and "MARKED" not in str(found)


def test_a_release_hl7apy_does_not_know_is_said():
    (found,) = strict.check(decode(message("ADT", "A01", "2.8", full=False).replace("2.8", "2.9")))
    assert found.code == "strict-unreadable"


def test_without_hl7apy_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "hl7apy.parser", None)
    with pytest.raises(ConfigError, match=r"pip install 'vagus\[strict\]'"):
        strict.check(decode(message("ADT", "A01", "2.5")))


def test_every_structural_error_of_hl7apy_is_ours_too_or_has_a_reason(corpora):
    compared = 0
    used: set[str] = set()
    for given in messages(corpora):
        ours = {re.sub(r"\[\d+\]|\(\d+\)", "", item.where) for item in HL7.check(given)}
        for item in strict.check(given):
            if item.code not in STRUCTURAL:
                continue
            compared += 1
            where = item.where
            if where in ours or any(place.startswith((f"{where}.", f"{where}-")) for place in ours):
                continue
            told = f"{given.version} {where}"
            reason = next((known for known in REASONS if re.fullmatch(known, told)), None)
            assert reason, f"{item.code} {told}"
            used.add(reason)
    assert compared > 1000
    assert used == set(REASONS)


def messages(corpora: Path) -> Iterator[Message]:
    for path in sorted(corpora.glob("hl7-*/**/*.hl7")):
        try:
            bodies = HL7.split(path.read_bytes())
        except DecodeError:
            continue
        for body in bodies:
            try:
                found = HL7.decode(body, Terms())
            except DecodeError:
                continue
            if found.code in ("ADT", "SIU"):
                yield found


# Where hl7apy's tables slip: DRG stands twice in A06 of 2.3, and is required in A38 of 2.3.1 alone.
SLIPS = {("ADT_A06", "2.3"), ("ADT_A38", "2.3.1")}
STRUCTURES = [name for name in structures() if name.startswith(("ADT", "SIU")) and order(name)]


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_agree_with_hl7apy_in_every_release(name):
    compared = 0
    for version in VERSIONS:
        theirs = importlib.import_module(f"hl7apy.v{version.replace('.', '_')}.messages").MESSAGES
        if name not in theirs or (name, version) in SLIPS:
            continue
        compared += 1
        release = tuple(int(part) for part in version.split("."))
        whole = list(names(theirs[name]))
        assert faults(name, release, whole) == set()
        for at, (segment, needed) in enumerate(top(theirs[name])):
            left = [item for place, item in enumerate(whole) if place != at or item != segment]
            if needed and left.count(segment) == 0 and segment != "MSH":
                assert ("missing-segment", segment) in faults(name, release, left)
    assert compared


def faults(name: str, release: tuple[int, ...], segments: list[str]) -> set[tuple[str, str]]:
    found = sequence.check(name, release, tuple(segments))
    return {(item.code, item.name) for item in found if item.code != "later-segment"}


def names(reference) -> Iterator[str]:
    """Every segment of one of hl7apy's structures once, in order."""
    for name, inner, _, kind in reference[1]:
        if kind == "GRP":
            yield from names(inner)
        else:
            yield name


def top(reference) -> Iterator[tuple[str, bool]]:
    """The segments of a structure's own level with whether each is required."""
    for name, inner, (least, _), kind in reference[1]:
        if kind == "GRP":
            yield from ((item, least > 0 and needed) for item, needed in top(inner))
        else:
            yield name, least > 0
