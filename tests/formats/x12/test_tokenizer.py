"""Bytes to segments and back: nothing is lost, whatever arrives and however it is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from formats.x12.samples import interchange
from hypothesis import given
from hypothesis import strategies as st

from vagus.formats.x12.tokenizer import LONGEST_SEGMENT, Chunk, chunks, looks_like

CLEAN = interchange("270")


def back(found: list[Chunk]) -> bytes:
    return "".join(chunk.text for chunk in found).encode("latin-1")


def cut(data: bytes, size: int) -> list[Chunk]:
    return list(chunks(data[at : at + size] for at in range(0, len(data), size)))


def ids(found: list[Chunk]) -> list[str]:
    return [
        segment.split("*")[0] for chunk in found if not chunk.fault for segment in chunk.clean()
    ]


@given(st.binary(max_size=2000), st.integers(1, 700))
def test_any_bytes_come_back(data: bytes, size: int) -> None:
    assert back(cut(data, size)) == data


@given(st.lists(st.sampled_from([CLEAN, b"\r\n", b"ISA*", b"prose ISA ", CLEAN[:300]])))
def test_pieces_of_interchanges_come_back(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert back(cut(data, 97)) == data


@pytest.mark.parametrize("size", [1, 7, 105, 106, 107, 1000, 1 << 20])
def test_the_size_of_the_pieces_makes_no_difference(size: int) -> None:
    data = b"before" + CLEAN + CLEAN.replace(b"~\n", b"~") + b"\n\nafter"
    found = cut(data, size)
    assert back(found) == data
    assert ids(found) == ids(cut(data, len(data)))
    assert ids(found).count("IEA") == 2


def test_every_file_of_the_corpora_comes_back(corpora: Path) -> None:
    files = [path for path in corpora.glob("x12-*/*/*") if path.is_file()]
    assert len(files) > 130
    for path in files:
        data = path.read_bytes()
        assert back(cut(data, 1000)) == data, path.name


@pytest.mark.parametrize("terminator", [b"~", b"\n", b"\r", b"'", b"\x1c"])
@pytest.mark.parametrize("eol", [b"", b"\n", b"\r\n", b"  \r\n"])
def test_any_terminator_and_line_end(terminator: bytes, eol: bytes) -> None:
    data = interchange("270", eol="").replace(b"~", terminator + eol)
    names = ids(cut(data, 50))
    assert [name for name in names if name][:5] == ["ISA", "GS", "ST", "BHT", "HL"]


def test_delimiters_are_those_of_each_interchange() -> None:
    other = CLEAN.translate(bytes.maketrans(b"*~:^", b"|\x1d>!"))
    found = cut(CLEAN + other, 64)
    isas = [chunk for chunk in found if chunk.starts]
    assert [tuple(chunk.delimiters) for chunk in isas] == [
        ("*", ":", "^", "~"),
        ("|", ">", "!", "\x1d"),
    ]


def test_offsets_point_at_the_segments() -> None:
    data = b"\xef\xbb\xbf" + CLEAN
    for chunk in cut(data, 200):
        for index, segment in enumerate([] if chunk.fault else chunk.clean()):
            if segment.strip():
                at = chunk.where(index)
                assert data[at : at + 5].decode("latin-1") == (segment + "~")[:5]


def test_a_segment_of_ten_megabytes_takes_little_memory() -> None:
    def pieces():
        yield CLEAN[:300]
        for _ in range(160):
            yield b"X" * LONGEST_SEGMENT
        yield CLEAN[300:]

    longest, count = 0, 0
    for chunk in chunks(pieces()):
        longest = max(longest, len(chunk.text))
        count += chunk.fault == "segment-too-long"
    assert count > 10
    assert longest < 4 * LONGEST_SEGMENT


@pytest.mark.parametrize(
    ("head", "is_x12"),
    [
        (CLEAN, True),
        (b"\xef\xbb\xbf" + CLEAN, True),
        (b"Dear partner,\nISA is attached:\n" + CLEAN, True),
        (b"ISA*00*", True),
        (b"UNA:+.? 'UNB+UNOA:1", True),
        (b"MSH|^~\\&|", False),
        (b"MSH|^~\\&|A\rOBX|1|ED|" + CLEAN, False),
        (b"the ISA segment", False),
        (b"", False),
    ],
)
def test_what_looks_like_x12(head: bytes, is_x12: bool) -> None:
    assert looks_like(head) is is_x12
