"""People's actions form a chain; requests reach the engine from another process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vagus.journal.audit import Audit
from vagus.journal.filestate import FileState as State
from vagus.journal.requests import Requests
from vagus.journal.state import Partition
from vagus.kernel.clock import ManualClock
from vagus.kernel.keys import Keyset


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path)
    yield made
    made.close()


def tampered(state: State, audit: Audit, sql: str) -> list[str]:
    """What the audit says when a statement was run behind its back; then undone."""
    with state.reading() as con:
        con.execute("SAVEPOINT test")
        con.execute(sql)
        found = audit.verify()
        con.execute("ROLLBACK TO test")
        con.execute("RELEASE test")
    return found


def test_every_alteration_of_the_audit_shows(state: State) -> None:
    audit = Audit(state, Keyset.generate(), ManualClock())
    assert audit.verify() == []
    for n in range(5):
        audit.append("nora", "viewed", f"M{n}", "body")
    assert audit.verify() == []
    for sql in (
        "UPDATE audit SET actor = 'otto' WHERE n = 3",
        "UPDATE audit SET at = at + 1 WHERE n = 5",
        "UPDATE audit SET subject = 'M1b', detail = 'ody' WHERE n = 2",
        "UPDATE audit SET action = 7 WHERE n = 2",
        "DELETE FROM audit WHERE n = 1",
        "DELETE FROM audit WHERE n = 3",
        "DELETE FROM audit WHERE n = 5",
        "DELETE FROM audit",
        "DELETE FROM meta WHERE key = 'audit'",
        "UPDATE audit SET detail = CASE n WHEN 2 THEN 'x' ELSE detail END",
    ):
        assert tampered(state, audit, sql), sql
    assert audit.verify() == []
    assert Audit(state, Keyset.generate(), ManualClock()).verify()


def test_audit_rows_come_newest_first_in_pages(state: State) -> None:
    audit = Audit(state, Keyset.generate(), ManualClock(100.0))
    for n in range(5):
        audit.append("nora", "viewed", f"M{n}")
    page = audit.rows(2)
    assert [(row.subject, row.at) for row in page] == [("M4", 100_000), ("M3", 100_000)]
    assert [row.subject for row in audit.rows(9, page[-1].n)] == ["M2", "M1", "M0"]


def test_two_processes_share_one_audit(state: State, tmp_path: Path) -> None:
    keyset = Keyset.generate()
    other = State(tmp_path)
    for n in range(10):
        Audit(state if n % 2 else other, keyset, ManualClock()).append("nora", "viewed", str(n))
    assert Audit(other, keyset, ManualClock()).verify() == []
    other.close()


def test_a_request_reaches_the_engine_and_its_answer_comes_back(
    state: State, tmp_path: Path
) -> None:
    clock = ManualClock(50.0)
    engine = Requests(state, clock)
    engine.changed()
    assert not engine.changed()
    beside = State(tmp_path)
    desk = Requests(beside, clock)
    first = desk.add("replay", json.dumps({"id": 7}), "nora")
    second = desk.add("drain", "{}", "otto")
    assert engine.changed()
    assert not engine.changed()
    [one, two] = engine.pending()
    assert (one.id, one.kind, one.actor, one.detail, one.at) == (
        first,
        "replay",
        "nora",
        '{"id": 7}',
        50_000,
    )
    assert two.id == second
    assert desk.result(first) is None
    engine.finish(first, '{"new": 8}')
    engine.finish(first, '{"new": 9}')
    assert desk.result(first) == '{"new": 8}'
    assert [item.id for item in engine.pending()] == [second]
    assert engine.forget(60_000) == 1
    assert [item.id for item in desk.pending()] == [second]
    beside.close()


def test_requests_of_the_same_process_are_seen_too(state: State) -> None:
    requests = Requests(state, ManualClock())
    requests.changed()
    requests.add("drain", "{}", "nora")
    assert requests.changed()


def test_a_dropped_key_is_gone_from_the_file(state: State, tmp_path: Path) -> None:
    wrapped = b"wrapped-key-to-be-destroyed" * 3
    state.add_partition(
        Partition("2026-11-22", wrapped, "open", None, None, None, None, None, None, None, None)
    )
    files: Any = list(tmp_path.iterdir())
    assert any(wrapped in path.read_bytes() for path in files)
    state.drop("2026-11-22", {("accepted", 1): 3})
    assert not any(wrapped in path.read_bytes() for path in tmp_path.iterdir())
    assert state.past() == {("accepted", 1): 3}
    with sqlite3.connect(tmp_path / "state.db") as con:
        assert con.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    con.close()
