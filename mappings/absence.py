"""Skips what a message does not hold: one test in front of the code of an absent element (§14).

Most of what a mapping may read is not there. While an element is written, every place it reads
is noted; if all of them can be seen to be empty by one cheap test, that test goes in front.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mappings.session import Session

#: The highest component or sub-component a mapping may read.
HIGHEST = 32
MAX_TESTS = 12
MIN_LINES = 3
LINES_PER_TEST = 4

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
    tests = _tests(touched)
    if tests and len(tests) <= MAX_TESTS and not session.flags.trace:
        least = MIN_LINES if len(tests) < MIN_LINES else LINES_PER_TEST * len(tests)
        block.enclose(mark, f"if {' or '.join(tests)}:", least)


def _tests(touched: set[tuple[str, str, int]]) -> list[str]:
    """The tests one of which holds when anything that is read is there; none when it always is."""
    if not touched or ALWAYS in touched:
        return []
    indexes: dict[str, list[int]] = {}
    tests = []
    for kind, code, index in sorted(touched):
        if kind == "part":
            indexes.setdefault(code, []).append(index)
        else:
            tests.append(code)
    tests += [f"{parts}[{index}]" for parts, read in indexes.items() for index in read]
    return tests
