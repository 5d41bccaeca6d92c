from __future__ import annotations

import gc
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.mllp.framing import KEEP, Framer, Piece, frame

LIMIT = 40
TOKENS = [
    b"\x0b",
    b"\x1c\r",
    b"\x1c",
    b"\r",
    b"\n",
    b" ",
    b"\x0bMSH|^~\\&|A\rPID|1\r\x1c\r",
    b"MSH|",
    b"\xef\xbb\xbf",
    b"\x00",
    b"x" * 35,
    b"x" * (LIMIT + 1),
    "MSH|ä".encode("utf-16"),
]
streams = st.lists(st.sampled_from(TOKENS) | st.binary(max_size=6), max_size=14).map(b"".join)


def cut(data: bytes, sizes: list[int], *, lenient: bool, limit: int = LIMIT) -> list[Piece]:
    framer = Framer(limit, lenient=lenient)
    pieces: list[Piece] = []
    at = 0
    for size in sizes:
        pieces += framer.feed(data[at : at + size])
        at += size
    return pieces + framer.feed(data[at:]) + framer.finish()


@settings(max_examples=600, deadline=None)
@given(streams, st.lists(st.integers(1, 9), max_size=40), st.booleans())
@example(b"\x0b" + b"x" * LIMIT + b"\x1c\r", [LIMIT + 1, 1], False)
@example(b"\x0b" + b"x" * LIMIT + b"\x1cx", [LIMIT + 2], False)
@example(b"\x0b" + b"x" * LIMIT + b"\x0b\x1c\r", [LIMIT + 1], False)
def test_pieces_do_not_depend_on_how_the_stream_was_cut(
    data: bytes, sizes: list[int], lenient: bool
) -> None:
    whole = cut(data, [], lenient=lenient)
    assert cut(data, sizes, lenient=lenient) == whole
    assert cut(data, [1] * len(data), lenient=lenient) == whole


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=30).map(lambda b: b.translate(None, b"\x0b\x1c"))))
def test_what_was_framed_comes_out_again(bodies: list[bytes]) -> None:
    data = b"\r\n".join(frame(body) for body in bodies)
    assert cut(data, [7] * 20, lenient=False) == [Piece(body) for body in bodies]
    assert cut(data, [5] * 20, lenient=True) == [Piece(body) for body in bodies]


@settings(max_examples=300, deadline=None)
@given(streams)
def test_no_byte_but_blanks_and_delimiters_disappears_below_the_limits(data: bytes) -> None:
    pieces = cut(data, [], lenient=False, limit=1 << 20)
    kept = b"".join(piece.body for piece in pieces)
    gone = b"\x0b\x1c\r\n\t "
    assert kept.translate(None, gone) == data.translate(None, gone)


def test_the_end_block_alone_is_content_unless_lenient() -> None:
    data = b"\x0bMSH|a\x1cb\x1c\r"
    assert cut(data, [], lenient=False) == [Piece(b"MSH|a\x1cb")]
    assert cut(data, [], lenient=True) == [Piece(b"MSH|a"), Piece(b"b", "junk")]
    assert cut(b"\x0bMSH|a\x1c\n\x0bMSH|b\x1c", [], lenient=True) == [
        Piece(b"MSH|a"),
        Piece(b"MSH|b"),
    ]


def test_a_lone_end_block_completes_a_lenient_frame_at_once() -> None:
    framer = Framer(LIMIT, lenient=True)
    assert framer.feed(b"\x0bMSH|a\x1c") == [Piece(b"MSH|a")]
    assert not framer.pending
    assert framer.feed(b"\r") == []


def test_a_new_start_ends_the_frame_before_it_as_incomplete() -> None:
    assert cut(b"\x0bMSH|1\x0bMSH|2\x1c\r", [], lenient=False) == [
        Piece(b"MSH|1", "incomplete"),
        Piece(b"MSH|2"),
    ]
    assert cut(b"\x0b\x0bMSH|2\x1c\r", [], lenient=False) == [Piece(b"MSH|2")]


def test_a_stream_that_ends_inside_a_frame_leaves_an_incomplete_one() -> None:
    assert cut(b"\x0bMSH|1\x1c", [], lenient=False) == [Piece(b"MSH|1\x1c", "incomplete")]


def test_line_ends_between_frames_are_silent_and_other_bytes_are_junk() -> None:
    data = b"\r\n\x0bA\x1c\r\n\n \xef\xbb\xbf\x0bB\x1c\r\r\nGET /\r\n"
    assert cut(data, [], lenient=False) == [
        Piece(b"A"),
        Piece(b"\xef\xbb\xbf", "junk"),
        Piece(b"B"),
        Piece(b"GET /", "junk"),
    ]


def test_too_large_keeps_the_beginning_and_ends_the_connection() -> None:
    framer = Framer(100_000)
    pieces = framer.feed(b"\x0b" + b"x" * 100_001 + b"\x1c\r\x0bMSH|next\x1c\r")
    assert pieces == [Piece(b"x" * KEEP, "too-large")]
    assert framer.ended
    assert framer.feed(b"\x0bMSH|next\x1c\r") == []
    exact = Framer(100_000)
    assert exact.feed(b"\x0b" + b"x" * 100_000 + b"\x1c\r") == [Piece(b"x" * 100_000)]


def test_junk_without_end_is_capped() -> None:
    framer = Framer(1 << 20)
    assert framer.feed(b"GET " * KEEP) == [Piece(b"GET " * (KEEP // 4 - 1) + b"GET", "junk")]
    assert framer.ended
    blanks = Framer(1 << 20)
    assert blanks.feed(b"\r\n" * KEEP) == []
    assert not blanks.ended
    assert not blanks.pending


def work(data: bytes, step: int) -> float:
    best = 9.0
    gc.collect()
    gc.disable()  # its own work grows with the pieces kept, not with the framer's
    for _ in range(3):
        framer = Framer(1 << 26)
        began = time.process_time()
        for at in range(0, len(data), step):
            framer.feed(data[at : at + step])
        best = min(best, time.process_time() - began)
    gc.enable()
    return best


def test_the_work_is_linear_in_the_length() -> None:
    hostile = {
        "byte by byte": (b"\x0b" + b"x" * 60_000, 1),
        "junk byte by byte": (b"x" * 60_000, 1),
        "starts only": (b"\x0b" * 200_000, 1 << 20),
        "starts and a letter": (b"\x0bA" * 60_000, 1 << 20),
        "half end blocks": (b"\x0b" + b"\x1c" * 1_000_000, 4096),
        "many frames at once": (b"\x0bA\x1c\r" * 60_000, 1 << 20),
    }
    for name, (data, step) in hostile.items():
        quarter, full = work(data[: len(data) // 4], step), work(data, step)
        assert full < max(8.0 * quarter, 0.05), name
        assert full < 2.0, name
