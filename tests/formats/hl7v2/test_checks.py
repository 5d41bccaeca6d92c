"""A catalogue of defects, each found where it is and nowhere else; clean messages left alone."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable

import pytest
from formats.hl7v2.clean import FIELDS, message
from hypothesis import given, settings
from hypothesis import strategies as st

from vagus.formats.finding import Finding, Severity
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2, Message, dictionary
from vagus.formats.hl7v2.checks import rules
from vagus.formats.hl7v2.checks.fields import known
from vagus.formats.hl7v2.checks.kinds import KINDS
from vagus.formats.hl7v2.checks.sequence import MOST
from vagus.formats.hl7v2.structures import events
from vagus.kernel.errors import DecodeError

HL7 = HL7V2()
EVENTS = sorted(pair for pair in events() if pair[0] in ("ADT", "SIU"))
Edit = Callable[[list[str]], None]


def checked(text: str) -> list[Finding]:
    return list(HL7.check(HL7.decode(text.encode(), Terms())))


def decoded(content: bytes) -> list[Message]:
    return [HL7.decode(body, Terms()) for body in HL7.split(content)]


def put(place: str, value: str) -> Edit:
    """Set a field of the first segment of that name; MSH counts as the standard does."""
    name, _, number = place.partition("-")

    def edit(lines: list[str]) -> None:
        at = next(index for index, line in enumerate(lines) if line.startswith(name))
        fields = lines[at].split("|")
        position = int(number) - (name == "MSH")
        fields += [""] * (position + 1 - len(fields))
        fields[position] = value
        lines[at] = "|".join(fields)

    return edit


def drop(name: str) -> Edit:
    def edit(lines: list[str]) -> None:
        lines[:] = [line for line in lines if not line.startswith(name)]

    return edit


def add(line: str, before: str = "") -> Edit:
    def edit(lines: list[str]) -> None:
        names = [item[:3] for item in lines]
        lines.insert(names.index(before) if before else len(lines), line)

    return edit


def move(name: str, before: str) -> Edit:
    def edit(lines: list[str]) -> None:
        line = lines.pop([item[:3] for item in lines].index(name))
        add(line, before)(lines)

    return edit


SHORT = [("ADT", "A01"), ("ADT", "A40"), ("SIU", "S12")]
PV1 = "PV1|1|I"
CATALOGUE: list[tuple[str, str, Edit, str, str]] = [
    # How it is written.
    ("ADT^A01", "2.8", put("PID-5", "R\\Q1\\X"), "unknown-escape", "PID[1]-5"),
    ("ADT^A01", "2.8", put("PID-5", "half \\T"), "unknown-escape", "PID[1]-5"),
    # What the message says it is.
    ("ADT^A01", "2.8", put("MSH-9", "XYZ^A01^XYZ"), "unknown-type", "MSH[1]-9.1"),
    ("ADT^A01", "2.8", put("MSH-9", "ADT^A99^ADT_A99"), "unknown-event", "MSH[1]-9.2"),
    ("ADT^A01", "2.8", put("MSH-12", "9.9"), "unknown-version", "MSH[1]-12"),
    ("ADT^A01", "2.8", put("MSH-9", "ADT^A01^ADT_A05"), "other-structure", "MSH[1]-9.3"),
    ("ADT^A01", "2.5.1", put("EVN-1", "A04"), "other-event", "EVN[1]-1"),
    # Segments.
    ("ADT^A01", "2.8", drop("EVN"), "missing-segment", "EVN[1]"),
    ("ADT^A01", "2.8", drop("PV1"), "missing-segment", "PV1[1]"),
    ("ADT^A40", "2.8", drop("MRG"), "missing-segment", "MRG[1]"),
    ("ADT^A40", "2.8", add("PID|||P2^^^R^MR||Brook^Eve"), "missing-segment", "MRG[2]"),
    ("ADT^A17", "2.8", lambda lines: lines.__delitem__(slice(4, 6)), "missing-segment", "PID[2]"),
    ("ADT^A18", "2.4", drop("MRG"), "missing-segment", "MRG[1]"),
    ("ADT^A20", "2.8", drop("NPU"), "missing-segment", "NPU[1]"),
    ("SIU^S12", "2.8", drop("SCH"), "missing-segment", "SCH[1]"),
    ("SIU^S12", "2.8", drop("RGS"), "missing-segment", "RGS[1]"),
    ("SIU^S15", "2.8", lambda lines: lines.__setitem__(2, "AIS|1||X"), "missing-segment", "RGS[1]"),
    ("ADT^A01", "2.8", add("IN2|" + "|" * 17 + "N"), "missing-segment", "IN1[1]"),
    ("ADT^A01", "2.8", move("PV1", "PID"), "misplaced-segment", "PV1[1]"),
    ("ADT^A01", "2.8", add("NK1|1|Rivers^Tom"), "misplaced-segment", "NK1[1]"),
    ("ADT^A01", "2.8", add("PD1|S"), "misplaced-segment", "PD1[1]"),
    ("ADT^A01", "2.8", add("IN1|1|PPO|P1^^^^NIIP", "PID"), "misplaced-segment", "IN1[1]"),
    ("ADT^A01", "2.8", add("EVN||2026"), "repeated-segment", "EVN[2]"),
    ("ADT^A01", "2.8", add("PID|||P2^^^R^MR||Brook^Eve"), "repeated-segment", "PID[2]"),
    ("ADT^A17", "2.8", add("PID|||P3^^^R^MR||Brook^Eve"), "repeated-segment", "PID[3]"),
    ("ADT^A01", "2.8", add("MRG|X^^^R^MR"), "unexpected-segment", "MRG[1]"),
    ("ADT^A43", "2.8", add(PV1), "unexpected-segment", "PV1[1]"),
    ("ADT^A01", "2.8", add("QQQ|1"), "unknown-segment", "QQQ[1]"),
    ("ADT^A01", "2.8", add("ZPI|anything^goes"), "site-segment", "ZPI[1]"),
    ("ADT^A01", "2.3", add("SFT|C|1|E|7", "EVN"), "later-segment", "SFT[1]"),
    # Fields and what they are made of.
    ("ADT^A01", "2.8", put("MSH-10", ""), "required-field", "MSH[1]-10"),
    ("ADT^A01", "2.8", put("PID-3", ""), "required-field", "PID[1]-3"),
    ("ADT^A01", "2.8", put("PID-5", '""'), "required-field", "PID[1]-5"),
    ("ADT^A01", "2.8", put("PV1-2", ""), "required-field", "PV1[1]-2"),
    ("ADT^A01", "2.5.1", put("EVN-2", ""), "required-field", "EVN[1]-2"),
    ("ADT^A01", "2.3", put("EVN-1", ""), "required-field", "EVN[1]-1"),
    ("ADT^A40", "2.8", put("MRG-1", ""), "required-field", "MRG[1]-1"),
    ("ADT^A01", "2.8", add("DG1|1|||||A"), "required-field", "DG1[1]-3"),
    ("ADT^A01", "2.8", add("IN1|1|PPO"), "required-field", "IN1[1]-3"),
    ("SIU^S12", "2.8", put("SCH-6", ""), "required-field", "SCH[1]-6"),
    ("ADT^A01", "2.8", put("PID-3", "^^^RIVER^MR"), "required-component", "PID[1]-3.1"),
    ("ADT^A01", "2.8", put("PID-3", "A^^^^MR~^^^RIVER^MR"), "required-component", "PID[1]-3(2).1"),
    ("ADT^A01", "2.8", put("PID-3", "1^^^RIVER"), "required-component", "PID[1]-3.5"),
    ("ADT^A01", "2.8", put("MSH-9", "ADT^A01"), "required-component", "MSH[1]-9.3"),
    ("SIU^S18", "2.8", put("RGS-2", ""), "needed-field", "RGS[1]-2"),
    ("ADT^A51", "2.8", put("MRG-6", ""), "needed-field", "MRG[1]-6"),
    ("ADT^A49", "2.8", put("PID-18", ""), "needed-field", "PID[1]-18"),
    ("ADT^A01", "2.8", add("NK1|1", "PV1"), "either-field", "NK1[1]-2"),
    ("ADT^A01", "2.8", put("PID-2", "5"), "withdrawn-field", "PID[1]-2"),
    ("ADT^A01", "2.8", put("PID-13", "555^PRN^PH"), "withdrawn-component", "PID[1]-13.1"),
    ("ADT^A01", "2.8", put("EVN-9", "x"), "extra-field", "EVN[1]-8"),
    ("ADT^A01", "2.8", put("PV1-2", "I~O"), "extra-repetition", "PV1[1]-2(2)"),
    ("ADT^A01", "2.8", put("PID-7", "1970^^x"), "extra-component", "PID[1]-7.3"),
    ("ADT^A01", "2.8", put("PID-5", "R^Ann&Eve"), "extra-subcomponent", "PID[1]-5.2.2"),
    # Data types.
    ("ADT^A01", "2.8", put("PID-25", "two"), "bad-number", "PID[1]-25"),
    ("ADT^A01", "2.8", put("PID-25", "1,5"), "bad-number", "PID[1]-25"),
    ("ADT^A01", "2.8", put("PID-1", "-1"), "bad-sequence", "PID[1]-1"),
    ("ADT^A01", "2.8", add("IN1|1|PPO|P1^^^^NIIP|||||||||2026-01-01"), "bad-date", "IN1[1]-12"),
    ("ADT^A01", "2.8", put("PID-3", "1^^^R^MR^^20260230"), "bad-date", "PID[1]-3.7"),
    ("SIU^S12", "2.8", add("TQ1|1|||2460", "RGS"), "bad-time", "TQ1[1]-4"),
    ("ADT^A01", "2.8", put("PID-7", "19701301"), "bad-timestamp", "PID[1]-7"),
    ("ADT^A01", "2.8", put("PID-7", "20230229"), "bad-timestamp", "PID[1]-7"),
    ("ADT^A01", "2.8", put("EVN-2", "202611222460"), "bad-timestamp", "EVN[1]-2"),
    ("ADT^A01", "2.8", put("MSH-7", "20261122101500Z"), "bad-timestamp", "MSH[1]-7"),
    ("ADT^A01", "2.8", put("PID-11", "1&2&3^^^^^^^^^^^^19"), "bad-timestamp", "PID[1]-11.13"),
    ("ADT^A01", "2.5.1", put("MSH-10", "C" * 21), "too-long", "MSH[1]-10"),
    ("ADT^A01", "2.8", put("MSH-10", "C" * 200), "too-long", "MSH[1]-10"),
    ("ADT^A01", "2.8", put("PID-1", "12345"), "too-long", "PID[1]-1"),
    # Tables.
    ("ADT^A01", "2.8", put("PID-30", "true"), "unknown-code", "PID[1]-30"),
    ("ADT^A01", "2.8", put("MSH-11", "X"), "unknown-code", "MSH[1]-11.1"),
    ("ADT^A01", "2.8", put("PID-5", "Rivers^Ann^^^^^CURRENT"), "unknown-code", "PID[1]-5.7"),
    ("ADT^A01", "2.8", put("PID-13", "^HOME^PH"), "unknown-code", "PID[1]-13.2"),
    ("ADT^A01", "2.8", put("PID-3", "1^^^R&1.2&OID^MR"), "unknown-code", "PID[1]-3.4.3"),
    ("ADT^A01", "2.8", put("PID-3", "1^^^R^MR~2^^^R^mrn"), "unsuggested-code", "PID[1]-3(2).5"),
    ("ADT^A01", "2.8", put("PID-8", "W"), "unsuggested-code", "PID[1]-8.1"),
    ("ADT^A01", "2.8", put("PID-8", "W^^HL70001"), "unsuggested-code", "PID[1]-8.1"),
    ("SIU^S12", "2.8", put("SCH-25", "BOOKED"), "unsuggested-code", "SCH[1]-25.1"),
]


@pytest.mark.parametrize(
    ("kind", "version", "edit", "code", "where"),
    CATALOGUE,
    ids=[f"{item[3]} {item[4]} {number}" for number, item in enumerate(CATALOGUE)],
)
def test_each_defect_is_found_where_it_is_and_nothing_else(kind, version, edit, code, where):
    lines = message(*kind.split("^"), version, full=False).rstrip("\r").split("\r")
    edit(lines)
    (found,) = checked("\r".join(lines) + "\r")
    assert (found.code, found.where) == (code, where)
    assert found[:3] == (KINDS[code].severity, code, KINDS[code].level)
    assert found.standard == KINDS[code].standard and found.text


def test_the_catalogue_has_every_kind_that_a_message_can_show():
    others = {code for code, kind in KINDS.items() if kind.level in (1, 5, 6)}
    assert {item[3] for item in CATALOGUE} | others | {
        "unchecked-structure",
        "more-findings",
    } == set(KINDS)
    assert len(CATALOGUE) >= 40


@pytest.mark.parametrize(("code", "trigger"), EVENTS)
def test_clean_messages_of_every_trigger_have_no_findings(code, trigger):
    assert checked(message(code, trigger, "2.8")) == []
    for version in ("2.3", "2.3.1", "2.4", "2.5.1", "2.6", "2.7", "2.8"):
        assert checked(message(code, trigger, version, full=False)) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no-msh"),
        (b"PID|1\r", "no-msh"),
        (b"MSH||||\r", "separators"),
        (b"MSH|^~\\&|A|||||||||||||||KLINGON\r", "charset"),
        (b"MSH|^~\\&|\xc3\r", "charset"),
        (b"MSH|^~\\&|A\rhalf a line\r", "segment-name"),
        (b"BHS|^~\\&\rMSH|^~\\&|A\rBTS|7\r", "batch-count"),
    ],
)
def test_unreadable_bytes_are_a_finding(content, code):
    with pytest.raises(DecodeError) as caught:
        decoded(content)
    found = HL7.unreadable(caught.value)
    assert (found.code, found.severity, found.level) == (code, Severity.ERROR, 1)


def test_what_is_no_decode_error_is_an_internal_one():
    assert HL7.unreadable(RuntimeError("x")).standard == "207"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("PID-7", "197001"),
        ("PID-7", "19700101093015.1234-0600"),
        ("PID-7", "19700101^D"),
        ("PID-7", '""'),
        ("PID-7", "20240229"),
        ("PID-25", "+2.5"),
        ("PID-25", ".5"),
        ("PID-8", "F^Female^L"),
        ("PID-8", "77176002^Smoker^SCT"),
        ("PID-3", "A^^^^MR~"),
        ("PV1-3", "^^^R&1.2.3&ISO"),
        ("PID-5", "O\\S\\Hara^Ann"),
        ("PID-24", " "),
    ],
)
def test_what_the_standard_allows_is_no_finding(place, value):
    lines = message("ADT", "A01", full=False).split("\r")
    put(place, value)(lines)
    assert checked("\r".join(lines)) == []


def test_other_messages_say_that_their_order_is_not_checked():
    lines = message("ADT", "A01", full=False).split("\r")
    put("MSH-9", "ORU^R01^ORU_R01")(lines)
    found = checked("\r".join(lines))
    assert [item.code for item in found] == ["unchecked-structure"]
    assert found[0].severity is Severity.INFO


def test_a_message_of_faults_ends_somewhere():
    text = message("ADT", "A01", full=False) + "PD1|\r" * 50_000 + "QQQ|\r" * 50_000
    found = checked(text)
    assert len(found) == MOST + 1 and found[-1].code == "more-findings"


def test_a_site_event_is_checked_by_the_structure_it_names():
    lines = message("ADT", "A01", full=False).split("\r")
    put("MSH-9", "ADT^Z01^ADT_A01")(lines)
    drop("PV1")(lines)
    assert [item.code for item in checked("\r".join(lines))] == ["missing-segment"]


CANARY = "CANARY"
PARTS = st.lists(
    st.sampled_from(
        [CANARY, "|", "^", "~", "&", "\\", '""', "\r", "PID|", "PV1|", "MRG|", "1", " "]
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(event=st.sampled_from(EVENTS), noise=PARTS, at=st.floats(0, 1))
def test_whatever_stands_in_a_message_is_never_said_and_never_raises(event, noise, at):
    text = message(*event)
    spot = 9 + int((len(text) - 9) * at)
    try:
        found = checked(text[:spot] + "".join(noise) + text[spot:])
    except DecodeError:
        return
    assert all(CANARY not in item.text + item.where + item.code for item in found)
    assert all(re.fullmatch(PLACE, item.where) for item in found)


PLACE = r"[A-Z][A-Z0-9]{2}\[\d+\](-\d+(\(\d+\))?(\.\d+){0,2})?"


@settings(max_examples=60, deadline=None)
@given(event=st.sampled_from(EVENTS), data=st.data())
def test_segments_in_any_order_are_answered(event, data):
    lines = message(*event).rstrip("\r").split("\r")
    rest = data.draw(st.permutations(lines[1:]))
    kept = data.draw(st.integers(0, len(rest)))
    for item in checked("\r".join([lines[0], *rest[:kept]])):
        assert item.code in KINDS


def test_published_messages_are_answered_and_none_of_their_names_is_told(corpora):
    answered = errors = 0
    for path in sorted(corpora.glob("hl7-*/**/*.hl7")):
        try:
            given = decoded(path.read_bytes())
        except DecodeError:
            continue
        for item in given:
            found = HL7.check(item)
            answered += 1
            errors += any(one.severity is Severity.ERROR for one in found)
            assert all(re.fullmatch(PLACE, one.where) for one in found)
            names = {item.get(f"PID-5.{part}") for part in (1, 2)} - {""}
            told = " ".join(f"{one.code} {one.text}" for one in found)
            assert not any(re.search(rf"\b{re.escape(name)}\b", told) for name in names)
    assert answered > 210 and 0 < errors < answered


def test_required_fields_agree_with_hl7apy_in_every_release():
    compared = 0
    for version in ("2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.2"):
        module = importlib.import_module(f"hl7apy.v{version.replace('.', '_')}.segments")
        release = tuple(int(part) for part in version.split("."))
        for segment in FIELDS:
            for name, _, (least, _), _ in module.SEGMENTS.get(segment, ((), ()))[1]:
                number = int(name.rpartition("_")[2])
                rule = known(segment, release).fields[number - 1]
                compared += 1
                if rule.required is not (least > 0):
                    assert f"{segment}-{number}" in CONDITIONAL, f"{segment}-{number} {version}"
    assert compared > 6000


def test_tables_are_those_hl7apy_knows_in_some_release():
    theirs: dict[tuple[str, str], set[str]] = {}
    for version in ("2.3", "2.4", "2.5.1", "2.6", "2.7", "2.8"):
        name = f"hl7apy.v{version.replace('.', '_')}"
        fields = importlib.import_module(f"{name}.segments").SEGMENTS
        parts = importlib.import_module(f"{name}.datatypes").DATATYPES_STRUCTS
        known_fields = {key: item[1] for key, item in fields.items() if len(item) > 1}
        for owner, items in {**parts, **known_fields}.items():
            for child, reference, *_ in items:
                place = (owner, child.rpartition("_")[2])
                theirs.setdefault(place, set()).add(str(reference and reference[4]))
    ours = {
        (name, str(number)): demand.table.number
        for name in dictionary.sections(dictionary.DATA / "rules.yaml")
        for number, demand in rules.demands(name, (2, 8)).items()
        if demand.table is not None
    }
    assert len(ours) > 200
    assert {
        place for place, table in ours.items() if f"HL7{table}" not in theirs.get(place, ())
    } == OTHER


# hl7apy names no table for these, or another one; the standard's chapters 2A and 3 do.
OTHER: set[tuple[str, str]] = set()


# Required by hl7apy in some releases only, where the standard has a condition, or by a slip.
CONDITIONAL = ("OBX-2", "OBX-4", "AIL-4", "IAM-7", "SCH-1")


def test_values_of_every_field_stay_out_of_the_findings():
    fields = "|".join(["MARKED"] * 60)
    names = "EVN PID PD1 NK1 PV1 PV2 AL1 DG1 GT1 IN1 IN2 SCH AIS".split()
    header = message("ADT", "A01").split("\r")[0]
    found = checked("\r".join([header, *(f"{name}|{fields}" for name in names)]))
    assert len(found) > 100
    assert not any("MARKED" in str(item) for item in found)
