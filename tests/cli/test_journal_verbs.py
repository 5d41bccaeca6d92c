"""The verbs on the journal, beside a running engine and after it has stopped."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest
from cli.given import adt
from cli.live import Clinic

SECRET = "MARKED-NAME"
SIU = adt("S1").replace(b"ADT^A04^ADT_A01", b"SIU^S12^SIU_S12")
NO_PATIENT = b"MSH|^~\\&|EHR|RIVER|VAGUS|HUB|20261122||ADT^A04^ADT_A01|BAD1|P|9.9\r"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    clinic = Clinic(tmp_path_factory.mktemp("cli") / "clinic").make()
    clinic.start()
    batch = adt("A1", "P1") + adt("A2", "P2") + adt("A3", "P1") + SIU
    done = clinic.verb("send", "-", clinic.target, stdin=batch)
    assert done.code == 0, done.err + done.out
    assert clinic.verb("send", "-", clinic.target, stdin=adt("A1", "P1")).code == 0
    assert clinic.verb("send", "-", clinic.target, stdin=NO_PATIENT).code == 1
    clinic.settled()
    yield clinic
    clinic.end()


def test_messages_are_found_newest_first(clinic: Clinic):
    rows = clinic.rows("messages")
    assert [row["control"] for row in rows] == ["BAD1", "S1", "A3", "A2", "A1"]
    assert [row["state"] for row in rows] == ["dead", "filtered", *["delivered"] * 3]
    assert rows[1]["reason"] == "not-adt" and rows[2]["channel"] == "hl7_in"


@pytest.mark.parametrize(
    ("words", "controls"),
    [
        (["--control", "A2"], ["A2"]),
        (["--type", "SIU^S12"], ["S1"]),
        (["--state", "filtered"], ["S1"]),
        (["--state", "dead"], ["BAD1"]),
        (["--patient", "P1^RIVER", "--state", "delivered"], ["A3", "A1"]),
        (["--patient", "P2^RIVER"], ["A2"]),
        (["--patient", "P2^ELSEWHERE"], []),
        (["--since", "1h", "--limit", "2"], ["BAD1", "S1"]),
        (["--since", "2999-01-01"], []),
        (["--channel", "hl7_in", "--control", "A1"], ["A1"]),
    ],
)
def test_messages_by(clinic: Clinic, words: list[str], controls: list[str]):
    assert [row["control"] for row in clinic.rows("messages", *words)] == controls


def test_a_message_has_a_history_without_content(clinic: Clinic):
    (row,) = clinic.rows("messages", "--control", "A2")
    (shown,) = clinic.rows("show", row["id"])
    assert [item["what"] for item in shown["history"]] == ["accepted", "routed", "delivered"]
    (owed,) = shown["owed"]
    assert (owed["destination"], owed["state"]) == ("hl7_in.archive", "delivered")
    text = clinic.verb("show", row["id"])
    assert text.code == 0 and "delivered" in text.out
    assert SECRET not in text.out + json.dumps(shown)


def test_content_needs_a_reason_and_is_put_on_record(clinic: Clinic):
    (row,) = clinic.rows("messages", "--control", "A2")
    refused = clinic.verb("show", row["id"], "--body")
    assert refused.code == 2 and SECRET not in refused.out + refused.err
    shown = clinic.verb("show", row["id"], "--body", "--why", "a test")
    assert shown.code == 0 and shown.out.encode() == adt("A2", "P2")
    import sqlite3

    with sqlite3.connect(clinic.folder / "data/state.db") as con:
        rows = con.execute("SELECT action, subject, detail FROM audit").fetchall()
    assert rows[-1] == ("view", row["id"], "a test")


def test_dead_letters(clinic: Clinic):
    (letter,) = clinic.rows("dead-letters")
    assert (letter["control"], letter["stage"], letter["where"]) == ("BAD1", "accept", "MSH-12")
    assert len(clinic.rows("dead-letters", "--stage", "accept")) == 1
    for stage in ("map", "deliver", "x' OR 'a' = 'a"):
        assert clinic.rows("dead-letters", "--stage", stage) == []
    assert clinic.rows("dead-letters", "--destination", "hl7_in.archive") == []


def test_a_broken_mapping_hides_nothing(clinic: Clinic):
    broken = clinic.folder / "mappings/broken.yaml"
    broken.parent.mkdir()
    broken.write_text("mapping: [")
    assert clinic.verb("lint", "--offline").code == 1
    assert len(clinic.rows("messages")) == 5 and len(clinic.rows("dead-letters")) == 1
    broken.unlink()


def test_the_ledger_holds(clinic: Clinic):
    done = clinic.verb("ledger", "--format", "json")
    assert done.code == 0, done.out + done.err
    total = next(line for line in done.lines if line.get("channel") == "total")
    assert total == {
        "channel": "total", "accepted": 5, "delivered": 3, "filtered": 1, "dead": 1,
        "pending": 0, "duplicates": 1,
    }  # fmt: skip
    assert done.lines[-1]["holds"] is True
    assert "5 accepted = 3 delivered" in clinic.verb("ledger").out


def test_the_side_door(clinic: Clinic):
    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{clinic.http}{path}") as answer:
            return str(answer.read().decode())

    assert get("/health/ready").strip() == "ok"
    metrics = get("/metrics")
    assert 'vagus_messages_total{channel="hl7_in",outcome="duplicate"} 1.0' in metrics
    assert 'vagus_end_to_end_seconds_count{destination="hl7_in.archive"} 3.0' in metrics
    assert "vagus_listener_connections" in metrics
    assert SECRET not in metrics and "P1" not in metrics


def test_a_channel_is_paused_and_resumed(clinic: Clinic):
    assert clinic.rows("channels")[0]["channel"] == "hl7_in"
    assert clinic.rows("channels", "pause", "hl7_in")[0]["action"] == "pause"
    waiting = clinic.verb("send", "-", clinic.target, "--timeout", "0.5", stdin=adt("W1"))
    assert waiting.code == 1
    assert clinic.verb("channels", "resume", "hl7_in").code == 0
    assert clinic.verb("send", "-", clinic.target, stdin=adt("W1")).code == 0
    drained = clinic.rows("channels", "drain", "hl7_in")
    assert drained[0]["drained"] is True
    assert clinic.verb("channels", "resume", "hl7_in").code == 0


def test_replay_makes_a_new_message_with_a_cause(clinic: Clinic):
    clinic.settled()
    (row,) = clinic.rows("messages", "--control", "A2")
    listed = clinic.rows("replay", row["id"], "--dry-run")
    assert [item["id"] for item in listed] == [row["id"]]
    assert len(clinic.rows("messages", "--control", "A2")) == 1
    done = clinic.verb("replay", row["id"], "--format", "json")
    assert done.code == 0, done.err
    new = done.lines[0]["replayed"][row["id"]]
    clinic.settled()
    (newer, older) = clinic.rows("messages", "--control", "A2")
    assert (newer["id"], newer["cause"], newer["state"]) == (new, row["id"], "delivered")
    assert older["replayed"] == new


def test_a_difference_shows_paths_and_no_values(clinic: Clinic):
    (row, *_) = clinic.rows("messages", "--control", "A3")
    done = clinic.verb("replay", row["id"], "--mapping", "ADT_A39", "--diff")
    assert done.code == 0 and "Encounter[0]" in done.out and "Traceback" not in done.err
    assert "ambulatory" not in done.out and SECRET not in done.out
    same = clinic.verb("replay", row["id"], "--mapping", "ADT_A01", "--diff")
    assert same.code == 0 and "no difference" in same.out
    values = clinic.verb(
        "replay", row["id"], "--mapping", "ADT_A39", "--diff", "--values", "--why", "a test"
    )
    assert values.code == 0 and "ambulatory" in values.out


def test_dead_letters_by_query_then_discarded(clinic: Clinic):
    dry = clinic.rows("replay", "--query", "channel=hl7_in stage=accept", "--dry-run")
    assert [row["control"] for row in dry] == ["BAD1"]
    done = clinic.verb("dead-letters", "discard", dry[0]["id"])
    assert done.code == 0, done.err
    assert clinic.rows("dead-letters") == []
    again = clinic.verb("dead-letters", "discard", dry[0]["id"])
    assert again.code == 1


def test_stopped_then_asked_then_started(clinic: Clinic):
    """The last test: what is asked while no engine runs is done at the next start."""
    counts = clinic.stop()
    assert set(counts) == {"accepted", "delivered", "filtered", "dead", "pending", "duplicates"}
    done = counts["delivered"] + counts["filtered"] + counts["dead"] + counts["pending"]
    assert counts["accepted"] == done > 5 and counts["pending"] == 0
    assert SECRET not in clinic.log
    (row, *_) = clinic.rows("messages", "--control", "A3")
    asked = clinic.verb("replay", row["id"])
    assert asked.code == 0 and "next start" in asked.err
    assert clinic.verb("ledger").code == 0
    clinic.start()
    for _ in range(100):
        if len(clinic.rows("messages", "--control", "A3")) == 2:
            break
    clinic.settled()
    assert clinic.stop()["accepted"] == counts["accepted"] + 1
    with_damage = clinic.folder / "data"
    (day,) = with_damage.glob("????-??-??.db")
    import sqlite3

    with sqlite3.connect(day) as con:
        con.execute("UPDATE message SET state = 2 WHERE state = 1")
    broken = clinic.verb("ledger")
    assert broken.code == 1 and "DOES NOT HOLD" in broken.out
