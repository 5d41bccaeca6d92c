"""Messages are found by what people know of them, from beside the engine, by the right index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from journal.stores import BOTH
from vagus.journal.entries import Buried, Delivered, Died, Discarded, Filtered, Noted, Parked
from vagus.journal.query import Query
from vagus.journal.search import Reader
from vagus.journal.tokens import Tokens
from vagus.kernel.errors import EngineFault
from vagus.kernel.ids import millis, to_text

DAY = 86_400.0


@pytest.fixture
def reader(desk: Any) -> Any:
    with Reader.open(desk.place, desk.keyset) as made:
        yield made


async def filled(desk: Any) -> dict[str, int]:
    """Three days; on each one message of every kind."""
    made: dict[str, int] = {}
    for day in range(3):
        for kind in ("stored", "waiting", "delivered", "filtered", "died", "buried", "given-up"):
            entry = desk.accept(
                f"{kind}-{day}",
                subject=f"patient-{day:04}".encode(),
                type="ORU^R01" if kind == "filtered" else "ADT^A01",
                channel="lab_in" if kind == "filtered" else "adt_in",
            )
            made[f"{kind}-{day}"] = entry.id
            match kind:
                case "filtered":
                    desk.journal.put(Filtered(entry.id, entry.endpoint, "not-wanted"))
                case "died":
                    desk.journal.put(Died(entry.id, entry.endpoint, "map", "unmapped", "PID-8"))
                case "waiting" | "delivered" | "buried" | "given-up":
                    desk.route(entry, ("store", 0, b"k"), ("mirror", 0, b"k"))
            store, mirror = desk.journal.destination("store"), desk.journal.destination("mirror")
            if kind in ("delivered", "buried"):
                desk.journal.put(Delivered(entry.id, 0, mirror, 1, b"r"))
            if kind == "delivered":
                desk.journal.put(Delivered(entry.id, 0, store, 1, b"r"))
            if kind == "buried":
                desk.journal.put(Buried(entry.id, 0, store, 12, "AE"))
            if kind == "given-up":
                desk.journal.put(Discarded(entry.id, 0, store, "nora"))
                desk.journal.put(Discarded(entry.id, 0, mirror, "nora"))
        await desk.journal.flush()
        desk.clock.advance(DAY)
    return made


def controls(rows: list[Any]) -> list[str]:
    return [row.control for row in rows]


@BOTH
async def test_each_state_is_found_newest_first(desk: Any, reader: Reader) -> None:
    await filled(desk)
    expected = {
        "stored": ["stored"],
        "pending": ["waiting", "stored"],
        "delivered": ["delivered"],
        "filtered": ["given-up", "filtered"],
        "dead": ["buried", "died"],
    }
    for state, kinds in expected.items():
        found = reader.messages(Query(state=state))
        assert controls(found) == [f"{kind}-{day}" for day in (2, 1, 0) for kind in kinds]
        if state != "stored":
            assert {row.word for row in found} == {state}
    total = sum(len(reader.messages(Query(state=state))) for state in expected if state != "stored")
    assert total == len(reader.messages(Query())) == 21


@BOTH
async def test_every_way_of_asking(desk: Any, reader: Reader) -> None:
    made = await filled(desk)
    assert controls(reader.messages(Query(control="died-1"))) == ["died-1"]
    assert len(reader.messages(Query(patient=b"patient-0001"))) == 7
    assert len(reader.messages(Query(patient=b"patient-0001", type="ADT^A01", state="dead"))) == 2
    assert len(reader.messages(Query(type="ORU^R01"))) == 3
    assert len(reader.messages(Query(channel="lab_in"))) == 3
    assert reader.messages(Query(channel="unheard-of")) == []
    assert len(reader.messages(Query(stage="map"))) == 3
    border = millis(made["stored-1"])
    assert len(reader.messages(Query(since=border))) == 14
    assert len(reader.messages(Query(until=border))) == 7
    assert len(reader.messages(Query(since=border, until=border + 86_400_000))) == 7
    with pytest.raises(ValueError, match="not 'lost'"):
        Query(state="lost")


@BOTH
async def test_pages_do_not_overlap(desk: Any, reader: Reader) -> None:
    await filled(desk)
    seen: list[int] = []
    while page := reader.messages(Query(), 4, seen[-1] if seen else None):
        seen += [row.id for row in page]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 21
    places: list[tuple[int, int, int]] = []
    while dead := reader.dead_letters(limit=4, before=places[-1] if places else None):
        places += [row.place for row in dead]
    assert places == sorted(set(places), reverse=True)
    assert len(places) == 6


@BOTH
async def test_dead_letters_say_where_and_why(desk: Any, reader: Reader) -> None:
    await filled(desk)
    buried, died = reader.dead_letters(limit=2)
    assert (buried.stage, buried.reason, buried.destination, buried.part, buried.attempts) == (
        "deliver",
        "AE",
        "store",
        0,
        12,
    )
    assert (died.stage, died.reason, died.where, died.destination) == (
        "map",
        "unmapped",
        "PID-8",
        None,
    )
    assert len(reader.dead_letters(Query(stage="map"))) == 3
    assert len(reader.dead_letters(Query(destination="store"))) == 3
    assert reader.dead_letters(Query(destination="mirror")) == []
    assert len(reader.dead_letters(Query(control="died-0"))) == 1


@BOTH
async def test_what_was_replayed_is_no_dead_letter_any_more(desk: Any, reader: Reader) -> None:
    made = await filled(desk)
    for kind in ("died-0", "buried-0"):
        desk.accept(kind, cause=made[kind], dedupe=False)
    await desk.journal.flush()
    assert {row.id for row in reader.dead_letters()} == {
        made[f"{kind}-{day}"] for kind in ("died", "buried") for day in (1, 2)
    }


@BOTH
async def test_a_history_tells_everything_in_order(desk: Any, reader: Reader) -> None:
    entry = desk.accept("C1")
    desk.accept("C1", b"other bytes")
    desk.route(entry, ("store", 0, b"k"), ("mirror", 0, b"k"))
    store = desk.journal.destination("store")
    desk.journal.put(Delivered(entry.id, 0, desk.journal.destination("mirror"), 1, b"r"))
    await desk.journal.flush()
    desk.clock.advance(1)
    desk.journal.put(Parked(entry.id, 0, store, 1, 99, "AE"))
    desk.journal.put(Buried(entry.id, 0, store, 2, "AE"))
    desk.journal.put(Noted(entry.id, "viewed", "nora", "body"))
    await desk.journal.flush()
    desk.clock.advance(DAY)
    replay = desk.accept("C1", cause=entry.id, dedupe=False, override="site/adt")
    follower = desk.accept("", cause=entry.id, channel="next")
    await desk.journal.flush()
    told = [(row.kind, row.actor, row.destination) for row in reader.history(entry.id)]
    assert told == [
        ("accepted", "engine", ""),
        ("routed", "engine", ""),
        ("delivered", "engine", "mirror"),
        ("parked", "engine", "store"),
        ("buried", "engine", "store"),
        ("viewed", "nora", ""),
        ("replayed", "engine", ""),
        ("followed", "engine", "next"),
    ]
    [first] = reader.history(replay.id)
    assert first.detail == f"replay of {to_text(entry.id)} with mapping site/adt"
    assert reader.history(follower.id)[0].detail == f"follows {to_text(entry.id)}"
    assert reader.history(12345) == []
    died = desk.accept("C2")
    desk.journal.put(Died(died.id, died.endpoint, "map", "unmapped", "PID-8"))
    await desk.journal.flush()
    assert [row.detail for row in reader.history(died.id)] == ["", "map: unmapped at PID-8"]


@BOTH
async def test_bodies_deliveries_and_counts_from_beside_the_engine(
    desk: Any, reader: Reader
) -> None:
    entry = desk.accept("C1", b"the body", reply=b"the reply")
    desk.route(entry)
    await desk.journal.flush()
    assert reader.body(entry.id) == b"the body"
    assert reader.reply(entry.id) == b"the reply"
    [delivery] = reader.deliveries(entry.id)
    assert (delivery.destination, delivery.state.name) == ("store", "WAITING")
    assert reader.counts() == desk.journal.counts()
    assert reader.message(entry.id + 1) is None
    with pytest.raises(KeyError):
        reader.body(entry.id + 1)


@BOTH
async def test_a_reader_follows_the_engine_through_closing_and_dropping(
    desk: Any, reader: Reader
) -> None:
    made = await filled(desk)
    assert len(reader.messages(Query())) == 21
    await desk.reopen()
    desk.accept("NEW")
    await desk.journal.flush()
    assert controls(reader.messages(Query(), 1)) == ["NEW"]
    day = desk.journal.calendar.ordered()[0]
    desk.journal.calendar.forget(day)
    await desk.journal.calendar.remove(day)
    assert reader.message(made["died-0"]) is None
    assert len(reader.messages(Query())) == 15
    desk.journal.state.set_partition_state("2026-11-22", "dropped")


@BOTH
async def test_reading_needs_no_engine(desk: Any, new_desk: Any, tmp_path: Path) -> None:
    entry = desk.accept("C1", b"the body")
    await desk.journal.close()
    with Reader.open(desk.place, desk.keyset) as reader:
        assert reader.body(entry.id) == b"the body"
        assert len(reader.messages(Query(control="C1"))) == 1
    elsewhere = new_desk()
    elsewhere.folder = tmp_path / "elsewhere"
    with pytest.raises(EngineFault, match="no journal here"):
        Reader.open(elsewhere.placed(), desk.keyset)
    await desk.open()


@BOTH
async def test_a_hidden_control_id_is_found_by_its_text(desk: Any, reader: Reader) -> None:
    desk.journal._tokens.hide(desk.journal.endpoint("adt_in"))
    entry = desk.accept("MRN4711")
    await desk.journal.flush()
    [found] = reader.messages(Query(control="MRN4711"))
    assert (found.id, found.control) == (entry.id, Tokens(desk.keyset).token("MRN4711"))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(control="C", patient=b"p", type="T", state="dead"), "m_control (control=?"),
        (Query(patient=b"p", type="T", since=1_795_000_000_000), "m_subject (subject=?"),
        (Query(state="dead", type="T"), "USING INDEX m_dead"),
        (Query(state="dead", type="T"), "USING INDEX d_dead"),
        (Query(state="pending"), "USING INDEX m_open"),
        (Query(state="pending"), "USING INDEX d_open"),
        (Query(state="stored"), "m_open"),
        (Query(type="T", since=1_795_000_000_000), "m_type (type=? AND id"),
        (Query(since=1_795_000_000_000), "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (Query(channel="adt_in"), "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ],
)
async def test_a_search_is_driven_by_the_rarest_index(
    desk: Any, reader: Reader, query: Query, index: str
) -> None:
    plans: list[str] = []

    class Explaining(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if "FROM delivery WHERE message = m.id" in sql:
                rows = super().execute(f"EXPLAIN QUERY PLAN {sql}", *values)
                plans.extend(row[3] for row in rows)
            return super().execute(sql, *values)

    path = next(desk.folder.glob("2*.db"))
    with closing(sqlite3.connect(path, factory=Explaining)) as con:
        reader._files.of(0)
        reader._files._open[reader._files.days()[0]] = (path.stat().st_ino, con)
        reader.messages(query)
        reader._files._open.clear()
    assert any(index in plan for plan in plans), plans
    assert not any(plan.startswith("SCAN m") and "USING" not in plan for plan in plans), plans
