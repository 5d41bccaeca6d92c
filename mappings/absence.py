"""Skips what a message does not hold: one test in front of the code of an absent element (§14).

Most of what a mapping may read is not there. While an element is written, every place it reads
is noted; if all of them can be seen to be empty by one cheap test, that test goes in front.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mappings.session import Session

PADDING = 32
MAX_TESTS = 3
MIN_LINES = 3

#: Something that gives a value whatever the message holds.
ALWAYS = ("always", "", 0)


def touch(session: Session, code: str) -> None:
    """A place is read that is empty when `code`, bound before the element, is false."""
    session.touched.add(("code", code, 0))


def touch_part(session: Session, parts: str, index: int, certain: bool) -> None:
    """A component is read; `certain` when its text is known to hold something."""
    session.touched.add(ALWAYS if certain and not index else ("part", parts, index))


def touch_always(session: Session) -> None:
    """Something is read that does not hang on the message."""
    session.touched.add(ALWAYS)


@contextmanager
def skipped(session: Session) -> Iterator[None]:
    """Put the test in front of the code written inside, if there is one."""
    outer, session.touched = session.touched, set()
    block = session.block
    mark = block.position()
    block.regions += 1
    yield
    block.regions -= 1
    touched, session.touched = session.touched, outer | session.touched
    test = _test(touched)
    if test and not session.flags.trace and block is session.block:
        block.enclose(mark, f"if {test}:", MIN_LINES)


def _test(touched: set[tuple[str, str, int]]) -> str:
    if not touched or ALWAYS in touched:
        return ""
    lowest: dict[str, int] = {}
    tests = []
    for kind, code, index in sorted(touched):
        if kind == "part":
            lowest[code] = min(index, lowest.get(code, index))
        else:
            tests.append(code)
    tests += [f"len({parts}) > {PADDING + index}" for parts, index in lowest.items()]
    return " or ".join(tests) if len(tests) <= MAX_TESTS else ""
