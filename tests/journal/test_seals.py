"""Whatever is altered behind the engine's back, the ledger says so."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from journal.stores import BOTH
from vagus.journal.entries import (
    Buried,
    Delivered,
    Died,
    Discarded,
    Filtered,
    Noted,
    Parked,
    Redriven,
)
from vagus.journal.ledger import verify

DAY = 86_400.0
#: Not in the chain: a count of repeats leaves no rows to recount.
_UNCHECKED = ("ledger", "duplicates")


async def busy_days(desk: Any) -> None:
    """Two days with every kind of row."""
    for day in range(2):
        for n in range(12):
            cause = None
            entry = desk.accept(
                f"C{day}-{n}",
                b"body %d" % n,
                subject=None if n % 5 == 0 else b"patient-%04d" % n,
                override="site/adt" if n == 3 else None,
                cause=cause,
            )
            kind = n % 6
            if kind == 0:
                desk.journal.put(Filtered(entry.id, entry.endpoint, "unwanted"))
            elif kind == 1:
                desk.journal.put(Died(entry.id, entry.endpoint, "map", "unmapped", "PID-8"))
                if n == 7:
                    desk.journal.put(Discarded(entry.id, 0, None, "nora"))
                else:
                    desk.accept(f"R{day}-{n}", cause=entry.id, dedupe=False)
            else:
                desk.route(entry, ("store", 0, b"lane-%d" % n), ("mirror", 1, b"lane-%d" % n))
                store, mirror = 1, 2
                desk.journal.put(Delivered(entry.id, 0, store, 1, b"receipt-%d" % n))
                if kind == 2:
                    desk.journal.put(Parked(entry.id, 1, mirror, 1, 77, "AE"))
                elif kind == 3:
                    desk.journal.put(Buried(entry.id, 1, mirror, 12, "AE"))
                elif kind == 4:
                    desk.journal.put(Buried(entry.id, 1, mirror, 12, "AR"))
                    desk.journal.put(Redriven(entry.id, 1, mirror, "nora"))
                elif n > 6:
                    desk.journal.put(Discarded(entry.id, 1, mirror, "nora"))
                if n == 8:
                    desk.journal.put(Noted(entry.id, "viewed", "nora", "body"))
            if n % 4 == 3:
                await desk.journal.flush()
        await desk.journal.flush()
        desk.clock.advance(DAY)
    await desk.journal.close()


def spoil(value: Any, chance: random.Random) -> Any:
    """The value with one bit or one character changed, or gone."""
    if value is None:
        return chance.choice((1, b"x", "x"))
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(4))
    if isinstance(value, bytes) and value:
        place, spoiled = chance.randrange(len(value)), bytearray(value)
        spoiled[place] ^= 1 << chance.randrange(8)
        return bytes(spoiled)
    if isinstance(value, str) and value:
        place = chance.randrange(len(value))
        return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
    return "x"


def mutate(con: sqlite3.Connection, chance: random.Random) -> str:
    """One change to one row: a value, two values swapped, or the row deleted or copied."""
    table = chance.choice(("message", "body", "delivery", "event", "seal", "ledger"))
    columns = [row[1] for row in con.execute(f"PRAGMA table_info({table})")]
    keys = [row[1] for row in con.execute(f"PRAGMA table_info({table})") if row[5]]
    rows = [
        row
        for row in con.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        if (table, row[0]) != _UNCHECKED
    ]
    row = chance.choice(rows)
    where = " AND ".join(f"{key} = ?" for key in keys)
    at = [row[columns.index(key)] for key in keys]
    action = chance.choice(("spoil", "spoil", "spoil", "swap", "delete"))
    if action == "delete":
        con.execute(f"DELETE FROM {table} WHERE {where}", at)
        return f"{table} {at} deleted"
    column = chance.choice([name for name in columns if name not in keys])
    old = row[columns.index(column)]
    other = chance.choice(rows)[columns.index(column)]
    new = spoil(old, chance) if action == "spoil" else other
    con.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {where}", [new, *at])
    changed = con.execute(f"SELECT {column} FROM {table} WHERE {where}", at).fetchone()[0]
    same = (changed, type(changed)) == (old, type(old))
    return "" if same else f"{table}.{column} of {at}: {old!r} became {changed!r}"


async def test_every_alteration_of_a_row_is_found(desk: Any, tmp_path: Path) -> None:
    await busy_days(desk)
    assert verify(desk.place, desk.keyset).differences == []
    copy = tmp_path / "copy"
    chance = random.Random(20261122)
    done = 0
    while done < 150:
        shutil.copytree(desk.folder, copy)
        path = chance.choice(sorted(copy.glob("2*.db")))
        with closing(sqlite3.connect(path)) as con:
            change = mutate(con, chance)
            con.commit()
        if change:
            done += 1
            assert verify(copy, desk.keyset).differences, change
        shutil.rmtree(copy)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM seal WHERE n = (SELECT max(n) FROM seal)",
        "DELETE FROM seal",
        "UPDATE seal SET n = n + 1000",
        "UPDATE message SET settled = seal",
        "INSERT INTO message SELECT id + 999, endpoint, type, control, subject, sender, hash,"
        " reply, cause, override, seal, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
        " FROM message LIMIT 1",
        "UPDATE delivery SET state = 2, seal = 1, done = 1, digest = lane WHERE state = 1",
        "UPDATE message SET state = 4 WHERE state = 3",
        "UPDATE message SET replayed = NULL",
        "DELETE FROM event WHERE kind = 'redriven'",
    ],
)
@BOTH
async def test_clumsy_attempts_are_found(desk: Any, sql: str) -> None:
    await busy_days(desk)
    desk.rows(sql, day=desk.days()[0])
    assert verify(desk.place, desk.keyset).differences


@BOTH
async def test_cutting_off_the_end_of_a_day_is_found_by_its_anchor(desk: Any) -> None:
    await busy_days(desk)
    day = desk.days()[0]
    last = desk.rows("SELECT max(n) FROM seal", day=day)[0][0]
    desk.rows("DELETE FROM seal WHERE n = ?", last, day=day)
    desk.rows("DELETE FROM event WHERE seal = ?", last, day=day)
    texts = [item.text for item in verify(desk.place, desk.keyset).differences]
    assert f"seal {last} is not the one that was remembered" in texts


async def test_one_day_cannot_stand_in_for_another(desk: Any) -> None:
    await busy_days(desk)
    first, second = sorted(desk.folder.glob("2*.db"))
    shutil.copy(first, second)
    assert [item.day for item in verify(desk.place, desk.keyset).differences] != []


@BOTH
async def test_a_journal_verified_while_it_is_written_adds_up(desk: Any) -> None:
    for n in range(60):
        entry = desk.accept(f"C{n}")
        desk.route(entry)
        desk.journal.put(Delivered(entry.id, 0, 1, 1, b"r"))
        if n % 20 == 0:
            await desk.journal.flush()
            assert verify(desk.place, desk.keyset).differences == []
    await desk.journal.flush()


@BOTH
async def test_bodies_are_left_alone_when_asked(desk: Any) -> None:
    entry = desk.accept("C1")
    await desk.journal.close()
    desk.rows("UPDATE body SET sealed = ? WHERE id = ?", bytes(50), entry.id)
    assert verify(desk.place, desk.keyset, bodies=False).clean
    assert not verify(desk.place, desk.keyset).clean
