"""What must be there when something else is so (SNIP 4), as the guides declare it."""

from __future__ import annotations

from pathlib import Path

import pytest
from formats.x12.conftest import findings
from formats.x12.samples import interchange

from vagus.formats.x12 import guide, guides
from vagus.formats.x12.dictionary import DATA
from vagus.formats.x12.situations import parse
from vagus.kernel.errors import ConfigError


def told(transaction: str, *changes: tuple[str, str]) -> list[tuple[str, str, int]]:
    data = interchange(transaction).decode()
    for old, new in changes:
        assert old in data, old
        data = data.replace(old, new, 1)
    return [
        (item.kind, item.place, item.snip) for item in findings(data.encode()) if item.snip == 4
    ]


@pytest.mark.parametrize(
    ("transaction", "change", "expected"),
    [
        ("837P", ("REF*F8*PAYERCLAIM1~\n", ""), ("needed-segment", "2300/REF")),
        ("837P", ("Y*A*Y*I~", "Y*A*Y*I**EM~"), None),
        ("837P", ("Y*A*Y*I~", "Y*A*Y*I**AA:::NC~"), ("needed-segment", "2300/DTP")),
        ("837P", ("Y*A*Y*I~\nDTP*431", "Y*A*Y*I**OA~\nDTP*439"), None),
        ("837P", ("Y*A*Y*I~\nDTP*431", "Y*A*Y*I**AA~\nDTP*439"),
         ("needed-element", "2300/CLM-11-4")),
        ("837I", ("DMG*D8*19261111*M~\n", ""), ("needed-segment", "2010BA/DMG")),
        ("837I", ("SBR*P*18*", "SBR*P**"), None),
        ("837I", ("14:A:1", "11:A:1"), None),
        ("837I", ("14:A:1**A*Y*Y~\nDTP*434*RD8*20260101-20260102~\nDTP*435*DT*202601011242",
                  "11:A:1**A*Y*Y~\nDTP*434*RD8*20260101-20260102"), ("needed-segment", "2300/DTP")),
        ("270", ("NM1*IL*1*MARKED*JANE*Q***MI*11122333301", "NM1*IL*1"), None),
        ("278-request", ("DTP*435*D8*20260116~\n", ""), ("needed-segment", "2000E/DTP")),
        ("999", ("IK5*R*5", "IK5*R"), ("needed-element", "2000/IK5-02")),
    ],
)  # fmt: skip
def test_a_rule_is_told_where_it_is_broken_and_only_there(
    transaction: str, change: tuple[str, str], expected: tuple[str, str] | None
) -> None:
    assert told(transaction, change) == ([(*expected, 4)] if expected else [])


def test_a_patient_to_be_searched_for_needs_something_to_search_by() -> None:
    nameless = ("NM1*IL*1*MARKED*JANE*Q***MI*11122333301", "NM1*IL*1")
    unborn = ("DMG*D8*19800102*F", "DMG***F")
    assert told("270", nameless, unborn) == [("needed-element", "2100C/NM1-09", 4)]


def test_the_rule_is_shown_and_no_value() -> None:
    data = interchange("837P").replace(b"REF*F8*PAYERCLAIM1~\n", b"")
    (found,) = [item for item in findings(data) if item.snip == 4]
    assert found.text.endswith(": 2300 requires REF[F8] when CLM-05-3=7,8")
    assert found.unit == 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2399 requires REF[F8]", "no loop 2399"),
        ("2300 wants REF[F8]", "is no rule"),
        ("2300 requires", "is no rule"),
        ("2300 requires ref", "is no place"),
        ("2300 requires SV1", "does not stand in 2300"),
        ("2300 requires REF[F8] when 2400/NM1-01=1", "does not stand in 2400"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(line: str, why: str) -> None:
    root = guides.load("005010", "837_X222A1.yaml").root
    with pytest.raises(ValueError, match=why):
        parse(line, root)


def test_a_wrong_guide_names_file_line_and_column(tmp_path: Path) -> None:
    folder = tmp_path / "005010"
    folder.mkdir()
    (folder / "shared.yaml").write_text((DATA / "005010/shared.yaml").read_text())
    text = (DATA / "005010/270_X279A1.yaml").read_text()
    broken = text.replace("01=270 02 03", "one").replace("2100C one-of", "2199 one-of")
    (folder / "270.yaml").write_text(broken)
    with pytest.raises(ConfigError) as caught:
        guide.load(folder / "270.yaml")
    assert [str(item.place).split(":")[0] for item in caught.value.diagnostics] == ["270.yaml"] * 2
    assert "'one' names no element" in str(caught.value)
    assert "no loop 2199" in str(caught.value)
