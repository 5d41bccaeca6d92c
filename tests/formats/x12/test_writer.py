"""What is written is sound, numbered, safe, and reads back as it was meant."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from formats.x12.conftest import findings
from formats.x12.samples import BODIES, interchange, lines
from hypothesis import given
from hypothesis import strategies as st

from vagus.formats.x12 import guides
from vagus.formats.x12.cleaning import Charset, cleaned
from vagus.formats.x12.delimiters import DEFAULT, Delimiters
from vagus.formats.x12.reader import read
from vagus.formats.x12.results import TransactionSet
from vagus.formats.x12.writer import Exchange, Level, Row, Written, write
from vagus.journal.filestate import FileState
from vagus.kernel.errors import MessageError

NOW = 1767609000.0  # 2026-01-05 10:30 UTC
EXCHANGE = Exchange(("ZZ", "RIVERSIDE"), ("ZZ", "PAYER"), "RIVERSIDE", "PAYER", usage="T")
GUIDES = {guide.type: guide for guide in (guides.load(*name) for name in guides.names())}


class Numbers:
    """Numbers from 1 on for each scope."""

    def __init__(self) -> None:
        self.scopes: dict[str, count] = {}

    def allocate(self, scope: str, count_: int) -> range:
        first = next(self.scopes.setdefault(scope, count(1)))
        return range(first, first + count_)


def parsed(transaction: str) -> list[Level | Row]:
    """A clean sample as what a writer takes."""
    found: list[Level | Row] = []
    depths: dict[str, int] = {}
    for raw in lines(transaction):
        name, *values = raw.split("*")
        if name == "HL":
            depths[values[0]] = depths[values[1]] + 1 if values[1] else 0
            found.append(Level(depths[values[0]], values[2]))
        else:
            found.append(Row(name, [element(value) for value in values]))
    return found


def element(value: str):
    repeats = [part(item) for item in value.split("^")]
    return repeats if len(repeats) > 1 else repeats[0]


def part(value: str):
    return tuple(value.split(":")) if ":" in value else value


def written(transaction: str, *sets: list[Level | Row], **changes) -> Written:
    return write(GUIDES[transaction], sets, replace(EXCHANGE, **changes), Numbers(), NOW)


@pytest.mark.parametrize("transaction", BODIES)
def test_a_clean_set_is_written_as_it_was(transaction: str) -> None:
    done = written(transaction, parsed(transaction), eol="\n")
    assert done.altered == []
    expected = interchange(transaction).replace(b"000000012", b"000000001").replace(b"*7*", b"*1*")
    assert done.data == expected.replace(b"GE*1*7", b"GE*1*1")


@pytest.mark.parametrize("transaction", BODIES)
def test_other_delimiters_and_several_sets(transaction: str) -> None:
    other = Delimiters("|", ">", "!", "\n")
    body = parsed(transaction)
    done = written(transaction, body, body, body, delimiters=other)
    sets = [item for item in read([done.data]) if isinstance(item, TransactionSet)]
    assert [item.control[2] for item in sets] == done.sets == ["0001", "0002", "0003"]
    assert not findings(done.data)
    assert len(done.data.split(b"\n")[0]) == 105


def test_control_numbers_come_from_their_keeper_and_wrap() -> None:
    numbers = Numbers()
    first = write(GUIDES["270"], [parsed("270")], EXCHANGE, numbers, NOW)
    second = write(GUIDES["270"], [parsed("270")], EXCHANGE, numbers, NOW)
    assert (first.control, second.control) == ("000000001", "000000002")
    assert (first.group, second.group) == ("1", "2")
    numbers.scopes[f"{EXCHANGE.scope}/ISA"] = count(10**9)
    third = write(GUIDES["270"], [parsed("270")], EXCHANGE, numbers, NOW)
    assert third.control == "000000001"
    assert set(numbers.scopes) == {f"{EXCHANGE.scope}/ISA", f"{EXCHANGE.scope}/GS"}


def changed(transaction: str, segment: str, number: int, value: str) -> list[Level | Row]:
    """A sample with one element of the first such segment changed."""
    rows = parsed(transaction)
    at = next(i for i, row in enumerate(rows) if isinstance(row, Row) and row.id == segment)
    values = list(rows[at].values)
    values[number - 1] = value
    rows[at] = Row(segment, values)
    return rows


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("O'NEIL", "O'NEIL"),
        ("O\u2019NEIL", "O'NEIL"),
        ("J\u00dcRGEN \u2014 GRO\u00df", "JURGEN - GROss"),
        ("A*B:C~D^E", "A B C D E"),
        ("LINE\r\nEND", "LINE END"),
        ("A" * 80, "A" * 60),
    ],
)
def test_names_are_made_safe_and_told(value: str, expected: str) -> None:
    done = written("270", changed("270", "NM1", 3, value))
    assert f"NM1*PR*2*{expected}*".encode() in done.data
    assert [(item.place, item.set, item.segment) for item in done.altered] == (
        [] if value == expected else [("NM1-03", 1, 4)]
    )


@pytest.mark.parametrize(
    ("segment", "number", "value", "code"),
    [
        ("NM1", 9, "990*01", "unsafe-identifier"),
        ("TRN", 2, "TR\u00c4CE", "unsafe-identifier"),
        ("NM1", 9, "9" * 81, "too-long"),
        ("NM1", 3, "\u5c71\u7530", "missing-element"),
        ("DMG", 2, "20260230", "bad-date"),
        ("QQQ", 1, "1", "unknown-segment"),
    ],
)
def test_what_cannot_be_written_is_an_error_without_the_value(
    segment: str, number: int, value: str, code: str
) -> None:
    rows = [*parsed("270"), Row("QQQ", ["1"])] if segment == "QQQ" else changed(
        "270", segment, number, value
    )  # fmt: skip
    with pytest.raises(MessageError) as caught:
        written("270", rows)
    assert caught.value.code == code
    assert value not in str(caught.value) or len(value) < 2


def test_a_level_without_one_above_is_refused() -> None:
    with pytest.raises(MessageError, match="hl-parent"):
        written("270", [Row("BHT", ["0022"]), Level(1, "21")])


@given(st.text(max_size=80), st.sampled_from(list(Charset)))
def test_nothing_unsafe_is_left(value: str, charset: Charset) -> None:
    text = cleaned(value, DEFAULT, charset)
    assert not set(text) & set("*:^~")
    assert text.isascii() and (text.isprintable() or not text)
    assert cleaned(text, DEFAULT, charset) == text


@given(st.text(min_size=1, max_size=90).map(lambda text: "X" + text))
def test_any_name_is_written(value: str) -> None:
    done = written("270", changed("270", "NM1", 3, value))
    assert not [item for item in findings(done.data) if item.snip < 3]


def test_the_journal_keeps_control_numbers_over_restarts(tmp_path: Path) -> None:
    seen = []
    for _ in range(3):
        state = FileState(tmp_path)
        done = write(GUIDES["270"], [parsed("270")], EXCHANGE, state, NOW)
        seen.append((done.control, done.group))
        state.close()
    assert seen == [("000000001", "1"), ("000000002", "2"), ("000000003", "3")]
