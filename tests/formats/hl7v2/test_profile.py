"""A site's profile: what it demands is checked, what is wrong in it is said with its place."""

from __future__ import annotations

import pytest
from formats.hl7v2.clean import message

from vagus.formats.finding import Severity
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.strictyaml import Fields

HL7 = HL7V2()


def read(rules: str, more: str = ""):
    diagnostics = Diagnostics()
    (node,) = strictyaml.load(f"profile: desk\n{more}rules:\n  {rules}\n", "desk.yaml", diagnostics)
    assert isinstance(node, Fields)
    return HL7.profile(node, diagnostics), [str(item) for item in diagnostics]


def findings(rules: str, text: str, more: str = ""):
    profile, problems = read(rules, more)
    assert problems == []
    return HL7.check(HL7.decode(text.encode(), Terms()), profile)


@pytest.mark.parametrize(
    ("rules", "code", "where"),
    [
        ("PV1-20: required", "profile-required", "PV1[1]-20"),
        ("PID-18: absent", "profile-absent", "PID[1]-18"),
        ("ZPI: required", "profile-required", "ZPI[1]"),
        ("PV1: absent", "profile-absent", "PV1[1]"),
        ("NK1: {least: 1}", "profile-count", "NK1[1]"),
        ("PV1: {most: 0}", "profile-count", "PV1[1]"),
        ("PID-3: {most: 1}", "profile-count", "PID[1]-3(2)"),
        ("PID-3: {least: 3}", "profile-count", "PID[1]-3(3)"),
        ("PV1-2: [E, O]", "profile-code", "PV1[1]-2"),
        ("PID-3.5: MR SS", "", ""),
        ("PID-3.5: {codes: [MR]}", "profile-code", "PID[1]-3(2).5"),
        ("PID-3.5: {some: [MR, PI]}", "", ""),
        ("PID-3.5: {some: PI VN}", "profile-some", "PID[1]-3"),
        ("PID-3.4: required", "", ""),
        ("PID-3.6: required", "profile-required", "PID[1]-3(1).6"),
        ("PID-5.1: {longest: 5}", "profile-length", "PID[1]-5(1).1"),
        ("PV1-3.4.1: required", "", ""),
        ("PV1-3.4.2: required", "profile-required", "PV1[1]-3.4.2"),
        ("PV1-3.4: absent", "profile-absent", "PV1[1]-3.4"),
        ("PV1-20: {usage: required, events: A03 A04}", "", ""),
        ("PV1-20: {usage: required, events: [A01, Z99]}", "profile-required", "PV1[1]-20"),
    ],
)
def test_each_rule_is_checked_at_its_place(rules, code, where):
    if rules == "PID-3.5: MR SS":
        rules = "PID-3.5: {codes: MR SS}"
    found = findings(rules, message("ADT", "A01", full=False))
    assert [(item.code, item.where, item.level) for item in found[:1]] == (
        [(code, where, 5)] if code else []
    )


def test_every_occurrence_is_checked():
    text = message("ADT", "A40", full=True)
    found = findings("MRG-7: required", text)
    assert [item.where for item in found] == ["MRG[1]-7", "MRG[2]-7"]


def test_a_rule_may_be_a_warning():
    (found,) = findings(
        "PV1-20: {usage: required, severity: warning}", message("ADT", "A01", full=False)
    )
    assert found.severity is Severity.WARNING


def test_the_sites_own_codes_are_no_findings():
    text = message("ADT", "A01", full=False).replace("|19700101|F|", "|19700101|X|")
    assert [item.code for item in findings("PV1-2: required", text)] == ["unsuggested-code"]
    assert findings("PV1-2: required", text, 'tables: {"0001": X Y}\n') == []


def test_no_value_of_the_message_is_in_a_finding():
    text = message("ADT", "A01", full=False).replace("Rivers", "MARKED").replace("P1^", "MARKED^")
    found = findings("PID-5.1: [A]\n  PID-3.1: {longest: 2}\n  PID-3: absent", text)
    assert len(found) == 4 and "MARKED" not in str(found)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("PID-99: required", "desk.yaml:3:3: error unknown-place: PID has 40 fields"),
        ("PDI-3: required", "desk.yaml:3:3: error unknown-place: no segment is called 'PDI'"),
        ("PID-3.99: required", "error unknown-place: PID-3 has 12 components"),
        ("PID-7.2: required", "error unknown-place: PID-7 has 1 components"),
        ("PID.3: required", "error bad-place: 'PID.3' is no place such as"),
        ("PID-3(2): required", "error bad-place: a rule is about every repetition"),
        ("PID-3: maybe", "desk.yaml:3:10: error bad-value"),
        ("PID-3: {usge: required}", "did you mean 'usage'?"),
        ("PID-3: {most: many}", "desk.yaml:3:17: error bad-value"),
        ("PID: {codes: [A]}", "error bad-rule: codes and lengths are of fields"),
        ("PID-3.1: {most: 1}", "error bad-rule: components do not repeat"),
        ("PID-3: {usage: required, events: A77}", "error unknown-event: 'A77' is no trigger event"),
    ],
)
def test_what_is_wrong_in_a_profile_has_its_place(rules, said):
    profile, problems = read(rules)
    assert profile is None
    assert said in problems[0]


def test_a_table_that_is_not_checked_cannot_be_added_to():
    profile, problems = read("PID-3: required", 'tables: {"9998": X}\n')
    assert profile is None and "desk.yaml:2:10: error unknown-table" in problems[0]


def test_what_the_site_does_without_is_no_finding():
    text = message("ADT", "A28", full=False)
    text = text[: text.index("PV1|")]
    assert [item.code for item in findings("PID-3: required", text)] == ["missing-segment"]
    assert findings("PID-3: required", text, "allow: {PV1: missing-segment}\n") == []
    assert len(findings("PID-3: required", text, "allow: {PV2: missing-segment}\n")) == 1


@pytest.mark.parametrize(
    ("allow", "said"),
    [
        ("{PV9: missing-segment}", "desk.yaml:2:9: error unknown-place"),
        ("{PV1: missing-segmint}", "did you mean 'missing-segment'?"),
    ],
)
def test_what_is_allowed_is_linted(allow, said):
    profile, problems = read("PID-3: required", f"allow: {allow}\n")
    assert profile is None and said in problems[0]
