"""What is wrong with a service segment is told once, at its place, and never as a traceback."""

from __future__ import annotations

from time import process_time

import pytest
from formats.x12.conftest import findings, results, said
from formats.x12.samples import BODIES, interchange
from hypothesis import given
from hypothesis import strategies as st

from vagus.formats.x12.findings import KINDS
from vagus.formats.x12.reader import read
from vagus.formats.x12.results import Group, Interchange, TransactionSet, Verdict

CLEAN = interchange("270")


@pytest.mark.parametrize("transaction", BODIES)
def test_clean_sets_have_no_findings(transaction: str) -> None:
    for eol in ("", "\n", "\r\n"):
        found = results(interchange(transaction, eol=eol, copies=2))
        assert [item for result in found for item in result.findings] == []
        kinds = [type(result) for result in found]
        assert kinds == [TransactionSet, TransactionSet, Group, Interchange]


def test_what_a_file_holds() -> None:
    first, group, whole = results(CLEAN)
    assert isinstance(first, TransactionSet) and isinstance(group, Group)
    assert isinstance(whole, Interchange)
    assert (first.transaction, first.guide, first.units) == ("270", "005010X279A1", 1)
    assert first.control == ("000000012", "7", "0001")
    assert CLEAN[first.offset :].startswith(b"ST*270")
    assert CLEAN[: first.offset + first.size].rstrip().endswith(b"SE*20*0001~")
    assert (group.code, group.included, group.received, group.accepted) == ("HS", "1", 1, 1)
    assert (whole.sender, whole.receiver) == ("ZZ/RIVERSIDE", "ZZ/PAYER")
    assert (whole.groups, whole.usage, whole.wants_acknowledgement) == (1, "T", False)


DEFECTS = [
    (b"SE*20*", b"SE*21*", ("se-count", "SE-01")),
    (b"SE*20*", b"SE*x*", ("se-count", "SE-01")),
    (b"SE*20*0001", b"SE*20*0002", ("se-control", "SE-02")),
    (b"SE*20*0001~\n", b"", ("se-missing", "SE")),
    (b"GE*1*7", b"GE*2*7", ("ge-count", "GE-01")),
    (b"GE*1*7", b"GE*1*8", ("ge-control", "GE-02")),
    (b"GE*1*7~\n", b"", ("ge-missing", "GE")),
    (b"IEA*1*", b"IEA*2*", ("iea-count", "IEA-01")),
    (b"IEA*1*000000012", b"IEA*1*000000013", ("iea-control", "IEA-02")),
    (b"IEA*1*000000012~\n", b"", ("iea-missing", "IEA")),
    (b"IEA*1*000000012~\n", b"IEA*1*0000", ("unterminated", "")),
    (b"*260105*1030*^", b"*261305*1030*^", ("isa-date", "ISA-09")),
    (b"*260105*1030*^", b"*260105*2530*^", ("isa-time", "ISA-10")),
    (b"*00501*", b"*00999*", ("isa-version", "ISA-12")),
    (b"*0*T*:", b"*7*T*:", ("isa-acknowledgement", "ISA-14")),
    (b"*0*T*:", b"*0*X*:", ("isa-usage", "ISA-15")),
    (b"*^*00501", b"*U*00501", ("no-repetition", "ISA-11")),
    (b"*20260105*1030*7*X", b"*20260105*1030*A7*X", ("gs-element", "GS-06")),
    (b"*20260105*1030*7*X", b"*20261305*1030*7*X", ("gs-element", "GS-04")),
    (b"GS*HS*", b"GS*HB*", ("group-other", "ST-01")),
    (b"*0001*005010X279A1", b"*0001*005010X221A1", ("version-unknown", "ST")),
    (b"ST*270*0001*005010X279A1", b"ST*270*0001*005010X279", ("set-version", "ST-03")),
    (b"ST*270*", b"ST*999x*", ("set-unsupported", "ST")),
    (b"GS*HS", b"XX*1~GS*HS", ("misplaced-segment", "")),
]


@pytest.mark.parametrize(("old", "new", "expected"), DEFECTS, ids=lambda item: str(item)[:30])
def test_a_defect_of_a_service_segment(old: bytes, new: bytes, expected: tuple[str, str]) -> None:
    assert old in CLEAN
    assert expected in said(findings(CLEAN.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "no-interchange"),
        (b"hello", "no-interchange"),
        (b"UNA:+.? 'UNB+UNOA:1+A+B+260105:1030+1'UNZ+0+1'", "edifact"),
        (CLEAN.replace(b"*", b"A"), "no-interchange"),
        (CLEAN.replace(b":~", b"E~", 1), "delimiter-letter"),
        (CLEAN.replace(b":~", b"*~", 1), "delimiters-equal"),
        (CLEAN[:300], "iea-missing"),
        (CLEAN[:50], "no-interchange"),
        (b"\xef\xbb\xbf" + CLEAN, "byte-order-mark"),
        (b"Please find attached:\n" + CLEAN, "outside-interchange"),
        (CLEAN + b"goodbye", "outside-interchange"),
        (CLEAN.replace(b"ZZ*RIVERSIDE      *", b"ZZ*RIVERSIDE*", 1), "isa-length"),
        (CLEAN.replace(b"005010X279A1", b"004010X092A1"), "version-unknown"),
        (CLEAN.replace(b"NM1*PR", b"NM1*" + b"X" * 10_000_000), "segment-too-long"),
    ],
    ids=lambda item: str(item)[:20] if isinstance(item, str) else "",
)
def test_bad_input_gets_a_clear_finding(data: bytes, kind: str) -> None:
    found = findings(data)
    assert kind in {item.kind for item in found}
    assert len(found) < 10


def test_a_set_is_read_again_after_one_that_broke_off() -> None:
    data = interchange("270", copies=3).replace(b"SE*20*0002~\n", b"")
    sets = [item for item in results(data) if isinstance(item, TransactionSet)]
    assert [item.verdict for item in sets] == [
        Verdict.ACCEPTED,
        Verdict.REJECTED,
        Verdict.ACCEPTED,
    ]
    assert said(sets[1].findings) == [("se-missing", "SE")]


@pytest.mark.parametrize("size", [1, 5, 50, 169, 170, 171, 1000])
def test_a_set_cut_off_by_the_next_interchange_is_told_however_the_bytes_come(size: int) -> None:
    data = CLEAN[: CLEAN.index(b"BHT*")] + CLEAN
    found = list(read(data[at : at + size] for at in range(0, len(data), size)))
    kinds = [item.kind for result in found for item in result.findings]
    assert kinds == ["se-missing", "ge-missing", "iea-missing"]
    sets = [item.verdict for item in found if isinstance(item, TransactionSet)]
    assert sets == [Verdict.REJECTED, Verdict.ACCEPTED]


def test_a_group_tells_how_many_sets_are_accepted() -> None:
    data = interchange("270", copies=3).replace(b"SE*20*0002", b"SE*21*0002")
    (group,) = [item for item in results(data) if isinstance(item, Group)]
    assert (group.received, group.accepted, group.verdict) == (3, 2, Verdict.PARTLY)


def test_control_numbers_used_twice_are_told() -> None:
    data = interchange("270", copies=2).replace(b"0002", b"0001")
    assert ("set-repeated", "ST-02") in said(findings(data))
    group = CLEAN[CLEAN.index(b"GS*") : CLEAN.index(b"IEA*")]
    twice = CLEAN.replace(b"IEA*1*", group + b"IEA*2*")
    assert ("group-repeated", "GS-06") in said(findings(twice))


def test_several_interchanges_each_for_itself() -> None:
    broken = CLEAN.replace(b"IEA*1*000000012~\n", b"")
    found = [item for item in results(broken + CLEAN + CLEAN) if isinstance(item, Interchange)]
    assert [len(item.findings) for item in found] == [1, 0, 0]


def test_a_control_number_that_is_none_is_not_shown() -> None:
    data = CLEAN.replace(b"SE*20*0001", b"SE*21*NAME").replace(b"*0001*", b"*NAME*")
    assert all("NAME" not in item.where for item in findings(data))
    assert ("se-count", "SE-01") in said(findings(data))


@given(st.binary(max_size=300), st.integers(0, len(CLEAN) - 1), st.integers(0, 50))
def test_damaged_files_never_raise(noise: bytes, at: int, gone: int) -> None:
    findings(CLEAN[:at] + noise + CLEAN[at + gone :])


@given(st.integers(0, len(CLEAN)))
def test_a_file_cut_off_anywhere_is_told(at: int) -> None:
    errors = [item for item in findings(CLEAN[:at]) if KINDS[item.kind].interchange]
    assert errors or CLEAN[at:].strip(b"\n") == b""


TA1 = b"TA1*000000905*260105*1030*R*021~\n"


def test_an_acknowledgement_of_an_interchange_is_read() -> None:
    alone = CLEAN[: CLEAN.index(b"GS*")] + TA1 + b"IEA*0*000000012~"
    (whole,) = results(alone)
    assert isinstance(whole, Interchange) and whole.findings == []
    assert whole.acknowledged == [("000000905", "260105", "1030", "R", "021")]
    beside = CLEAN.replace(b"GS*", TA1 + b"GS*", 1)
    assert findings(beside) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"*R*021", b"*X*021", ("bad-code", "TA1-04")),
        (b"*R*021", b"*R*999", ("bad-code", "TA1-05")),
        (b"*R*021", b"*R", ("missing-element", "TA1-05")),
        (b"*260105*", b"*261305*", ("bad-date", "TA1-02")),
        (b"*000000905*", b"*905*", ("too-short", "TA1-01")),
    ],
)
def test_what_is_wrong_with_it_is_told(old: bytes, new: bytes, expected: tuple[str, str]) -> None:
    data = CLEAN.replace(b"GS*", TA1.replace(old, new) + b"GS*", 1)
    assert said(findings(data)) == [expected]


def test_of_very_many_findings_some_are_kept_and_the_trailer_is_still_told() -> None:
    lines = ["DMG*D8*2026*QQ*Q*Q*Q*Q*Q*Q*Q*Q"] * 30
    body = [*BODIES["270"].split("\n")[1:-1], *lines]
    data = interchange("270", body).replace(b"SE*50*", b"SE*51*")
    kinds = [item.kind for item in findings(data)]
    assert kinds.count("se-count") == kinds.count("too-many-findings") == 1
    assert 20 <= len(kinds) <= 30


def test_many_small_interchanges_are_read_in_time_that_grows_with_their_number() -> None:
    def seconds(count: int) -> float:
        start = process_time()
        found = [item for item in results(CLEAN * count) if isinstance(item, Interchange)]
        assert len(found) == count
        return process_time() - start

    seconds(10)
    assert seconds(2000) < 40 * seconds(200)
