"""Skips what a message does not hold: one test in front of the code of an absent element (§14).

Most of what a mapping may read is not there. While an element is written, every place it reads
is noted; if all of them can be seen to be empty by one cheap test, that test goes in front. In a
narrowed variant, what hangs on nothing but places that no message has is not written at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mappings.scopes import Scope, Value
from mappings.session import Session
from mappings.structures import Group

#: The highest component or sub-component a mapping may read.
HIGHEST = 32
MAX_TESTS = 12
MIN_LINES = 3
LINES_PER_TEST = 4

#: Something that gives a value whatever the message holds.
ALWAYS = ("always", "", 0)
#: Something that is never there.
GONE = ("gone", "", 0)


def touch(session: Session, code: str) -> None:
    """A place is read that is empty when `code`, bound before the element, is false."""
    session.touched.add(("code", code, 0))


def touch_part(session: Session, parts: str, index: int, certain: bool) -> None:
    """A component is read; `certain` when its text is known to hold something."""
    session.touched.add(ALWAYS if certain and not index else ("part", parts, index))


def touch_always(session: Session) -> None:
    """Something is read that does not hang on the message."""
    session.touched.add(ALWAYS)


def lacks(session: Session, segment: str, field: int = 0) -> bool:
    """Whether messages lack a segment, or a field of it, so that its code is left out.

    What is left out is noted: a message that has it does not fit the variant.
    """
    seen = session.seen
    if seen is None or seen.has(segment, field):
        return False
    session.left_out.setdefault(segment, set()).add(field if seen.has(segment) else 0)
    return True


def relies(session: Session, segment: str, field: int) -> bool:
    """Whether messages have a field wherever they have the segment, so that it is not tested.

    What is relied on is noted: a message that lacks it does not fit the variant.
    """
    seen = session.seen
    if seen is None or session.flags.full or not seen.always(segment, field):
        return False
    session.relied.setdefault(segment, set()).add(field)
    return True


def never(session: Session, mark: int, segment: str, field: int) -> bool:
    """Whether a separator never stands in a field: 0 of components, 1 of repetitions, 2 of parts.

    It is noted: a message in which it does does not fit the variant.
    """
    if session.seen is None or session.flags.full:
        return False
    held = session.seen.field(segment, field)
    if held is None or held.marks >> mark & 1:
        return False
    session.without[mark].setdefault(segment, set()).add(field)
    return True


def alone(session: Session, segment: str) -> bool:
    """Whether a segment comes once at most in a message; it is noted like the others."""
    if session.seen is None or session.flags.full or segment in session.seen.several:
        return False
    session.single.add(segment)
    return True


def everywhere(session: Session, root: Group | None, segment: str) -> bool:
    """Whether every message has a segment, and has a place for it only once."""
    if session.seen is None or session.flags.full or root is None or root.parent is not None:
        return False
    owners = [item for item in root.walk() if segment in (item.start, *item.members)]
    return session.seen.every(segment) and len(owners) == 1 and not owners[0].values


def gone(session: Session, many: bool, kind: str = "T", scope: Scope | None = None) -> Value:
    """The value of what messages lack."""
    session.touched.add(GONE)
    code = "()" if many else "''" if kind == "T" else "None"
    return Value(code, kind, many, gone=True, scope=scope)


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
    if touched == {GONE}:
        block.forget(mark)
        return
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
    for kind, code, index in sorted(touched - {GONE}):
        if kind == "part":
            indexes.setdefault(code, []).append(index)
        else:
            tests.append(code)
    tests += [f"{parts}[{index}]" for parts, read in indexes.items() for index in read]
    return tests
