from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.file.config import SourceConfig
from connectors.file.source import FileSource
from connectors.seam import Reply
from peers import Recorder, Taken, until
from vagus.kernel.errors import ConfigError

FAST = {"every": 0.02, "stable": 0.04}


def accept(_: Taken) -> Reply:
    return Reply(None)


@asynccontextmanager
async def watching(folder: Path, recorder: Recorder, **config: Any) -> AsyncIterator[FileSource]:
    source = FileSource(SourceConfig(folder=str(folder), **FAST | config))
    await source.start(recorder)
    try:
        yield source
    finally:
        await source.stop()


def names(folder: Path) -> list[str]:
    """The files of a folder, without the folders of the engine."""
    return sorted(item.name for item in folder.iterdir() if not item.is_dir())


def below(folder: Path) -> list[str]:
    return sorted(str(item.relative_to(folder)) for item in folder.rglob("*") if item.is_file())


def drop(folder: Path, name: str, body: bytes) -> None:
    (folder / f".{name}.new").write_bytes(body)
    (folder / f".{name}.new").rename(folder / name)


async def test_a_file_is_handed_over_whole_and_archived(tmp_path: Path) -> None:
    recorder = Recorder(accept)
    async with watching(tmp_path, recorder) as source:
        drop(tmp_path, "a.hl7", b"MSH|a")
        await until(lambda: source.files == 1)
    assert recorder.frames == [b"MSH|a"]
    assert "a.hl7" not in recorder.taken[0].peer
    assert below(tmp_path) == [".done/a.hl7"]
    assert (tmp_path / ".done/a.hl7").read_bytes() == b"MSH|a"
    assert list((tmp_path / ".claimed").iterdir()) == []


async def test_a_refused_file_is_kept_with_the_word_for_why(tmp_path: Path) -> None:
    recorder = Recorder(lambda item: Reply(b"NAK", accepted=False))
    async with watching(tmp_path, recorder, on_failure="bad") as source:
        drop(tmp_path, "a.hl7", b"MSH|a")
        await until(lambda: source.failed == 1)
    assert below(tmp_path) == ["bad/a.hl7", "bad/a.hl7.reason"]
    assert (tmp_path / "bad/a.hl7.reason").read_bytes() == b"refused\n"


async def test_a_file_is_claimed_while_its_answer_is_owed(tmp_path: Path) -> None:
    recorder = Recorder()
    async with watching(tmp_path, recorder) as source:
        drop(tmp_path, "a.hl7", b"one")
        await recorder.count(1)
        assert names(tmp_path) == []
        drop(tmp_path, "a.hl7", b"two")
        await asyncio.sleep(0.15)
        assert recorder.frames == [b"one"]
        recorder.taken[0].respond(Reply(None))
        recorder.taken[0].respond(Reply(None, accepted=False))
        await recorder.count(2)
        recorder.taken[1].respond(Reply(None))
        await until(lambda: source.files == 2)
    archived = below(tmp_path / ".done")
    assert len(archived) == 2
    assert archived[0] == "a.hl7"
    assert {(tmp_path / ".done" / name).read_bytes() for name in archived} == {b"one", b"two"}


async def test_a_growing_file_is_left_alone_until_it_rests(tmp_path: Path) -> None:
    recorder = Recorder(accept)
    async with watching(tmp_path, recorder, stable=0.2):
        with (tmp_path / "slow.hl7").open("wb", buffering=0) as file:
            for _ in range(8):
                file.write(b"part ")
                await asyncio.sleep(0.06)
            assert recorder.taken == []
        await recorder.count(1)
    assert recorder.frames == [b"part " * 8]


async def test_a_file_that_changes_between_look_and_claim_is_put_back(tmp_path: Path) -> None:
    from connectors.file.inbox import Inbox

    inbox = Inbox(SourceConfig(folder=str(tmp_path), stable=1.0))
    inbox.open()
    drop(tmp_path, "a", b"half")
    assert inbox.ready(0.0) == []
    assert inbox.ready(1.0) == ["a"]
    with (tmp_path / "a").open("ab") as file:
        file.write(b" and half")
    assert inbox.claim("a") is None
    assert names(tmp_path) == ["a"]
    assert inbox.ready(1.1) == []
    assert inbox.ready(2.1) == ["a"]
    claim = inbox.claim("a")
    assert claim is not None
    assert claim.body == b"half and half"
    inbox.close()


async def test_files_go_in_the_order_asked_for(tmp_path: Path) -> None:
    for position, name in enumerate(["c", "a", "b"]):
        drop(tmp_path, name, name.encode())
        os.utime(tmp_path / name, (1_000_000 + position, 1_000_000 + position))
    by_name = Recorder(lambda item: Reply(None, accepted=False))
    async with watching(tmp_path, by_name, on_failure="again"):
        await by_name.count(3)
    assert by_name.frames == [b"a", b"b", b"c"]
    for name in "abc":
        (tmp_path / "again" / name).rename(tmp_path / name)
    by_time = Recorder(accept)
    async with watching(tmp_path, by_time, order="mtime"):
        await by_time.count(3)
    assert by_time.frames == [b"c", b"a", b"b"]


async def test_only_finished_matching_plain_files_are_taken(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.hl7").write_bytes(b"secret")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.hl7").symlink_to(outside / "secret.hl7")
    (folder / "folder.hl7").mkdir()
    (folder / "link-folder.hl7").symlink_to(outside)
    os.mkfifo(folder / "pipe.hl7")
    for name in (".hidden.hl7", "a.hl7.tmp", "b.hl7.part", "c.hl7.filepart", "d.HL7.TMP", "e.txt"):
        (folder / name).write_bytes(b"no")
    (folder / "good.hl7").write_bytes(b"yes")
    recorder = Recorder(accept)
    async with watching(folder, recorder, pattern="*.hl7*") as source:
        await until(lambda: source.files == 1)
        await asyncio.sleep(0.1)
    assert recorder.frames == [b"yes"]
    assert (outside / "secret.hl7").read_bytes() == b"secret"
    assert (folder / "link.hl7").is_symlink()


async def test_a_link_slipped_in_at_the_last_moment_is_not_followed(tmp_path: Path) -> None:
    from connectors.file.inbox import Inbox

    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "in"
    folder.mkdir()
    drop(folder, "a", b"plain")
    inbox = Inbox(SourceConfig(folder=str(folder), stable=0.0))
    inbox.open()
    assert inbox.ready(0.0) == ["a"]
    (folder / "a").unlink()
    (folder / "a").symlink_to(tmp_path / "secret")
    assert inbox.claim("a") is None  # it is not what was seen, so it goes back
    assert inbox.ready(1.0) == []
    inbox._seen.clear()
    assert inbox.claim("a") is None
    assert (folder / ".failed/a").is_symlink()
    assert (folder / ".failed/a.reason").read_bytes() == b"unreadable\n"
    inbox.close()


@pytest.mark.parametrize(
    "name",
    [
        "..hl7",
        "a b.hl7",
        "ä\u202e.hl7",
        "-rf",
        "CON",
        "a\nb.hl7",
        "x" * 250,
        "%s{id}$(id)",
        "\\..\\a",
    ],
)
async def test_strange_names_stay_inside_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    hidden = name.startswith(".")
    for round_ in range(2):
        (folder / name).write_bytes(b"%d" % round_)
        recorder = Recorder(accept)
        async with watching(folder, recorder, stable=0.0) as source:
            await until(lambda: source.files == 1 or hidden)
        assert recorder.frames == ([] if hidden else [b"%d" % round_])
    assert os.listdir(tmp_path) == ["in"]


async def test_bytes_that_are_no_utf8_may_be_a_name(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe.hl7")).write_bytes(b"body")
    recorder = Recorder(accept)
    async with watching(tmp_path, recorder) as source:
        await until(lambda: source.files == 1)
    assert recorder.frames == [b"body"]
    assert os.listdir(os.fsencode(tmp_path / ".done")) == [b"\xff\xfe.hl7"]


async def test_a_file_that_is_too_large_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    recorder = Recorder(accept)
    async with watching(tmp_path, recorder, max_size=100_000) as source:
        drop(tmp_path, "exact", b"x" * 100_000)
        drop(tmp_path, "large", b"y" * 100_001)
        await until(lambda: source.files == 2)
    assert recorder.frames == [b"x" * 100_000]
    assert recorder.damage == [("too-large", b"y" * 65536)]
    assert below(tmp_path) == [".done/exact", ".failed/large", ".failed/large.reason"]


async def test_files_of_a_source_that_died_are_taken_again(tmp_path: Path) -> None:
    dead = tmp_path / ".claimed" / "0001-dead"
    dead.mkdir(parents=True)
    (dead / "b").write_bytes(b"b")
    (dead / "a").write_bytes(b"a")
    drop(tmp_path, "a", b"new a")
    recorder = Recorder(accept)
    async with watching(tmp_path, recorder) as source:
        await until(lambda: source.files == 3)
    assert recorder.frames == [b"a", b"b", b"new a"]
    assert list((tmp_path / ".claimed").iterdir()) == []
    assert len(below(tmp_path / ".done")) == 3


async def test_an_unanswered_file_is_handed_over_again_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.file.source._STOP_SECONDS", 0.05)
    drop(tmp_path, "a", b"a")
    first = Recorder()
    async with watching(tmp_path, first):
        await first.count(1)
    assert names(tmp_path) == []
    second = Recorder(accept)
    async with watching(tmp_path, second) as source:
        await until(lambda: source.files == 1)
    assert second.frames == [b"a"]
    assert below(tmp_path) == [".done/a"]


async def test_stop_does_not_wait_for_ever_for_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.file.source._STOP_SECONDS", 0.1)
    for number in range(8):
        drop(tmp_path, str(number), b"%d" % number)
    recorder = Recorder()
    source = FileSource(SourceConfig(folder=str(tmp_path), **FAST))  # type: ignore[arg-type]
    await source.start(recorder)
    await recorder.count(4)
    await asyncio.wait_for(source.stop(), 2.0)
    assert len(recorder.taken) == 4
    again = Recorder(accept)
    async with watching(tmp_path, again) as source:
        await until(lambda: source.files == 8)
    assert again.frames == [b"%d" % number for number in range(8)]


CLAIMER = """
import asyncio, sys
from connectors.file.config import SourceConfig
from connectors.file.source import FileSource

class Silent:
    def receive(self, frame, peer, respond, damage=""):
        print(frame.decode(), flush=True)

async def main():
    source = FileSource(SourceConfig(folder=sys.argv[1], every=0.02, stable=0.0))
    await source.start(Silent())
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_killed_process_loses_no_file(tmp_path: Path) -> None:
    drop(tmp_path, "a", b"a")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CLAIMER, str(tmp_path)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20.0) == b"a\n"
    living = Recorder(accept)
    async with watching(tmp_path, living):
        await asyncio.sleep(0.1)
        assert living.taken == []
    process.kill()
    await process.communicate()
    after = Recorder(accept)
    async with watching(tmp_path, after) as source:
        await until(lambda: source.files == 1)
    assert after.frames == [b"a"]
    assert below(tmp_path) == [".done/a"]


async def test_two_sources_on_one_folder_share_the_files_without_a_double(tmp_path: Path) -> None:
    first, second = Recorder(accept), Recorder(accept)
    async with (
        watching(tmp_path, first, stable=0.0, every=0.005) as one,
        watching(tmp_path, second, stable=0.0, every=0.005) as two,
    ):
        for number in range(150):
            drop(tmp_path, f"{number:03d}", b"%03d" % number)
            if number % 10 == 0:
                await asyncio.sleep(0.01)
        await until(lambda: one.files + two.files == 150, 15.0)
    taken = first.frames + second.frames
    assert sorted(taken) == [b"%03d" % number for number in range(150)]
    assert first.frames
    assert second.frames
    assert len(below(tmp_path / ".done")) == 150


async def test_a_second_source_leaves_the_claims_of_a_living_one_alone(tmp_path: Path) -> None:
    first, second = Recorder(), Recorder(accept)
    drop(tmp_path, "a", b"a")
    async with watching(tmp_path, first) as one:
        await first.count(1)
        async with watching(tmp_path, second):
            await asyncio.sleep(0.1)
        assert second.taken == []
        first.taken[0].respond(Reply(None))
        await until(lambda: one.files == 1)
    assert below(tmp_path) == [".done/a"]


async def test_pause_leaves_files_where_they_are(tmp_path: Path) -> None:
    recorder = Recorder(accept)
    async with watching(tmp_path, recorder) as source:
        source.pause()
        drop(tmp_path, "a", b"a")
        await asyncio.sleep(0.15)
        assert recorder.taken == []
        source.resume()
        await recorder.count(1)


async def test_stop_waits_for_owed_answers_and_puts_those_files_away(tmp_path: Path) -> None:
    recorder = Recorder()
    drop(tmp_path, "a", b"a")
    source = FileSource(SourceConfig(folder=str(tmp_path), **FAST))  # type: ignore[arg-type]
    await source.start(recorder)
    await recorder.count(1)
    stopping = asyncio.create_task(source.stop())
    await asyncio.sleep(0.05)
    drop(tmp_path, "b", b"b")
    assert not stopping.done()
    recorder.taken[0].respond(Reply(None))
    await stopping
    await source.stop()
    assert below(tmp_path) == [".done/a", "b"]


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    gone = FileSource(SourceConfig(folder=str(tmp_path / "gone")))
    with pytest.raises(ConfigError, match=r"gone cannot be used: No such file"):
        await gone.start(Recorder())
    (tmp_path / "plain").write_bytes(b"")
    plain = FileSource(SourceConfig(folder=str(tmp_path / "plain")))
    with pytest.raises(ConfigError, match=r"plain cannot be used: Not a directory"):
        await plain.start(Recorder())


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second file system")
async def test_an_archive_on_another_file_system_is_refused(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        source = FileSource(SourceConfig(folder=str(tmp_path), archive=elsewhere))
        with pytest.raises(ConfigError, match="another file system"):
            await source.start(Recorder())


async def test_a_receiver_that_fails_loses_no_file(tmp_path: Path) -> None:
    def failing(item: Taken) -> Reply:
        if item.frame == b"bad":
            raise RuntimeError("DOE^JANE")
        return Reply(None)

    drop(tmp_path, "a", b"bad")
    drop(tmp_path, "b", b"good")
    async with watching(tmp_path, Recorder(failing)) as source:
        await until(lambda: source.files == 1)
    again = Recorder(accept)
    async with watching(tmp_path, again) as source:
        await until(lambda: source.files == 1)
    assert again.frames == [b"bad"]
