"""The same bytes from the same sender under the same control id are one message."""

from __future__ import annotations

from typing import Any

import pytest

from journal.stores import BOTH
from vagus.journal.tokens import Tokens

DAY = 86_400.0
pytestmark = BOTH


async def test_a_repeat_gets_the_stored_reply(desk: Any) -> None:
    first = desk.accept("C1", reply=b"first reply")
    await desk.journal.flush()
    again = desk.accept("C1", reply=b"another")
    await desk.journal.flush()
    assert (again.duplicate, again.reply, first.duplicate) == (first.id, b"first reply", None)
    assert desk.journal.counts()["total"]["messages"]["duplicates"] == 1
    assert len(desk.journal.stored()) == 1


async def test_repeats_within_one_batch_are_found(desk: Any) -> None:
    entries = [desk.accept("C1", reply=b"%d" % n) for n in range(4)]
    await desk.journal.flush()
    assert [entry.duplicate for entry in entries] == [None] + [entries[0].id] * 3
    assert {entry.reply for entry in entries} == {b"0"}


async def test_repeats_in_one_batch_of_an_older_message_name_the_older_one(desk: Any) -> None:
    first = desk.accept("C1")
    await desk.journal.flush()
    entries = [desk.accept("C1") for _ in range(3)]
    await desk.journal.flush()
    assert [entry.duplicate for entry in entries] == [first.id] * 3


@pytest.mark.parametrize(
    "other", [{"sender": 8}, {"channel": "other"}, {"control": "C2"}, {"dedupe": False}]
)
async def test_what_differs_is_another_message(desk: Any, other: dict[str, Any]) -> None:
    desk.accept("C1")
    await desk.journal.flush()
    entry = desk.accept(**({"control": "C1"} | other))
    await desk.journal.flush()
    assert (entry.duplicate, entry.reused) == (None, False)


async def test_other_bytes_under_a_used_control_id_are_stored_and_flagged(desk: Any) -> None:
    desk.accept("C1", b"one")
    second = desk.accept("C1", b"two")
    await desk.journal.flush()
    third = desk.accept("C1", b"three")
    await desk.journal.flush()
    assert (second.reused, third.reused, third.duplicate) == (True, True, None)
    events = desk.rows("SELECT message, kind FROM event ORDER BY message")
    assert events == [(second.id, "CONTROL_ID_REUSED"), (third.id, "CONTROL_ID_REUSED")]


async def test_a_repeat_is_found_among_many_uses_of_one_control_id(desk: Any) -> None:
    entries = [desk.accept("1", b"%d" % n) for n in range(200)]
    await desk.journal.flush()
    again = desk.accept("1", b"3")
    await desk.journal.flush()
    assert again.duplicate == entries[3].id


async def test_messages_without_a_control_id_are_never_repeats(desk: Any) -> None:
    first, second = desk.accept(""), desk.accept("")
    await desk.journal.flush()
    assert (first.duplicate, second.duplicate, second.reused) == (None, None, False)


async def test_control_ids_can_be_stored_as_tokens(new_desk: Any) -> None:
    desk = new_desk()
    desk.settings = desk.settings.model_copy(update={"tokenise_control": frozenset(("adt_in",))})
    await desk.open()
    first = desk.accept("MRN4711")
    await desk.journal.flush()
    again = desk.accept("MRN4711")
    await desk.journal.flush()
    await desk.journal.close()
    assert again.duplicate == first.id
    assert desk.rows("SELECT control FROM message") == [(Tokens(desk.keyset).token("MRN4711"),)]
