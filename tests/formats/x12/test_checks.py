"""What is checked across segments: levels, line numbers, identifiers, and the money to the cent."""

from __future__ import annotations

import pytest
from formats.x12.conftest import findings, results, said
from formats.x12.samples import interchange

from vagus.formats.x12.checks.money import adjusted, cents
from vagus.formats.x12.checks.shapes import is_npi
from vagus.formats.x12.results import TransactionSet, Verdict


def found(transaction: str, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    """What is found in a clean sample after some changes, each of which must change something."""
    data = interchange(transaction)
    for old, new in changes:
        assert old.encode() in data, old
        data = data.replace(old.encode(), new.encode(), 1)
    return [item for item in said(findings(data)) if item[0] != "se-count"]


BALANCE = [
    ("837P", ("CLM*CLAIM-1*100*", "CLM*CLAIM-1*100.01*"), "claim-balance", "2300/CLM-02"),
    ("837P", ("*60*UN*1*11", "*59.99*UN*1*11"), "claim-balance", "2300/CLM-02"),
    ("837P", ("SVD*1135*35*", "SVD*1135*36*"), "line-balance", "2430/SVD-02"),
    ("837P", ("CAS*CO*42*5", "CAS*CO*42*6"), "line-balance", "2430/SVD-02"),
    ("837P", ("AMT*D*80", "AMT*D*81"), "payer-balance", "2320/SBR"),
    ("837P", ("CAS*PR*1*10*1*2*5", "CAS*PR*1*10*1*2*6"), "payer-balance", "2320/SBR"),
    ("837I", ("SV2*0305*HC:85025*13.39", "SV2*0305*HC:85025*13.3"), "claim-balance", "2300/CLM-02"),
    ("837D", ("SV3*AD:D1110*50", "SV3*AD:D1110*51"), "claim-balance", "2300/CLM-02"),
    ("835", ("BPR*I*160*", "BPR*I*160.5*"), "payment-balance", "BPR-02"),
    ("835", ("WO:CLAIM-9*5*", "WO:CLAIM-9*6*"), "payment-balance", "BPR-02"),
    ("835", ("SVC*HC:99213*120*90", "SVC*HC:99213*120*91"), "line-balance", "2110/SVC-03"),
    ("835", ("SVC*HC:85025*80*70", "SVC*HC:85025*81*71"), "charge-balance", "2100/CLP-03"),
    ("835", ("CLAIM-1*1*200*150*20", "CLAIM-1*1*200*150*21"), "patient-balance", "2100/CLP-05"),
    ("835", ("CLP*CLAIM-2*22*-50*-40", "CLP*CLAIM-2*22*-50*-41"), "paid-balance", "2100/CLP-04"),
    ("835", ("CAS*CO*45*-10", "CAS*CO*45*10"), "paid-balance", "2100/CLP-04"),
]  # fmt: skip


@pytest.mark.parametrize(("transaction", "change", "kind", "place"), BALANCE)
def test_money_that_does_not_add_up_is_told(
    transaction: str, change: tuple[str, str], kind: str, place: str
) -> None:
    assert (kind, place) in found(transaction, change)


def test_money_is_compared_to_the_last_digit() -> None:
    wrong = ("CLM*CLAIM-2*10.5*", "CLM*CLAIM-2*10.500001*")
    assert ("claim-balance", "2300/CLM-02") in found("837P", wrong)
    same = ("CLM*CLAIM-2*10.5*", "CLM*CLAIM-2*10.500000*")
    assert found("837P", same) == []


def test_a_broken_amount_is_told_once_and_not_balanced() -> None:
    assert found("837P", ("CLM*CLAIM-2*10.5*", "CLM*CLAIM-2*TEN*")) == [
        ("bad-character", "2300/CLM-02")
    ]
    assert found("835", ("BPR*I*160*", "BPR*I*1E5*")) == [("bad-character", "BPR-02")]


def test_balance_concerns_a_claim_and_not_the_verdict_of_the_set() -> None:
    data = interchange("837P").replace(b"CLM*CLAIM-1*100*", b"CLM*CLAIM-1*101*")
    (first, *_) = results(data)
    assert isinstance(first, TransactionSet) and first.verdict is Verdict.ACCEPTED
    told = {(item.kind, item.unit, item.snip) for item in first.findings}
    assert told == {("claim-balance", 1, 3), ("payer-balance", 1, 3)}


@pytest.mark.parametrize(
    ("text", "amount"),
    [("10", 1000), ("10.5", 1050), ("10.50", 1050), ("-3.25", -325), (".5", 50), ("0", 0)],
)
def test_amounts(text: str, amount: int) -> None:
    assert cents(text) == amount


@pytest.mark.parametrize("text", ["", "TEN", "1E5", "NaN", "Infinity", "1,000", "\xb2"])
def test_what_is_no_amount(text: str) -> None:
    assert cents(text) is None


def test_adjustments_of_a_segment_are_summed() -> None:
    assert adjusted("CAS*CO*45*10*1*2*5.5**".split("*")) == 1550
    assert adjusted(["CAS", "CO", "45", "x"]) is None


LEVELS = [
    (("HL*3*2*23*0", "HL*4*2*23*0"), [("hl-number", "2000C/HL-01")]),
    (("HL*3*2*23*0", "HL*2*2*23*0"), [("hl-number", "2000C/HL-01")]),
    (("HL*3*2*23*0", "HL*3*1*23*0"), [("hl-parent", "2000C/HL-02")]),
    (("HL*3*2*23*0", "HL*3*9*23*0"), [("hl-parent", "2000C/HL-02")]),
    (("HL*2*1*22*1", "HL*2*1*22*0"), [("hl-children", "2000B/HL-04")]),
    (("HL*1**20*1", "HL*2**20*1"), [("hl-number", "2000A/HL-01")]),
    (("LX*2", "LX*3"), [("line-number", "2400/LX-01")]),
]


@pytest.mark.parametrize(("change", "expected"), LEVELS)
def test_levels_and_lines_are_counted(
    change: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    assert found("837P", change) == expected


def test_a_lost_level_is_told_without_a_cascade() -> None:
    assert found("837P", ("HL*3*2*23*0~\n", "")) == [
        ("missing-segment", "2000C/HL"),
        ("hl-children", "2000B/HL-04"),
    ]


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("1234567893", True),
        ("1234567890", False),
        ("1245319599", True),
        ("3234567893", False),
        ("123456789", False),
        ("12345678\xb93", False),
        ("", False),
    ],
)
def test_the_check_digit_of_an_npi(text: str, sound: bool) -> None:
    assert is_npi(text) is sound


SHAPES = [
    (("XX*1234567893~\nN3*5 MAIN", "XX*1234567890~\nN3*5 MAIN"), "bad-npi", "2010AA/NM1-09"),
    (("REF*EI*587654321", "REF*EI*58765432"), "bad-shape", "2010AA/REF-02"),
    (("NC*277012345", "NC*27701234"), "bad-shape", "2010AA/N4-03"),
    (("NC*277012345", "NC*27701"), "short-zip", "2010AA/N4-03"),
]


@pytest.mark.parametrize(("change", "kind", "place"), SHAPES)
def test_codes_of_an_impossible_shape(change: tuple[str, str], kind: str, place: str) -> None:
    assert found("837P", change) == [(kind, place)]


def test_an_employer_number_with_a_hyphen_and_a_foreign_postal_code_are_sound() -> None:
    hyphen = ("REF*EI*587654321", "REF*EI*58-7654321")
    foreign = ("DURHAM*NC*277012345", "TORONTO**M5V 2T6*CA")
    assert found("837P", hyphen) == [] and found("837P", foreign) == []


def test_numbers_of_any_length_are_told_and_not_computed() -> None:
    many = "9" * 5000
    for transaction, old, new in (
        ("837P", "HL*2*1*22*1", f"HL*{many}*{many}*22*1"),
        ("837P", "CLM*CLAIM-2*10.5*", f"CLM*CLAIM-2*{many}*"),
        ("837P", "LX*2", f"LX*{many}"),
        ("835", "BPR*I*160*", f"BPR*I*{many}*"),
        ("270", "SE*20*", f"SE*{many}*"),
        ("270", "IEA*1*", f"IEA*{many}*"),
        ("270", "GE*1*", f"GE*{many}*"),
    ):
        assert found(transaction, (old, new)) or old.startswith("SE")
