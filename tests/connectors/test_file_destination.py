from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.file.config import DestinationConfig
from connectors.file.destination import FileDestination
from connectors.file.names import file_name
from connectors.seam import Outbound
from vagus.kernel import ids
from vagus.kernel.clock import ManualClock
from vagus.kernel.errors import ConfigError, DeliveryDelayed, DeliveryRejected, Fault

HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    ".hidden",
    "a/b",
    "a\\b",
    "a\x00b",
    "NUL",
    "com1.txt",
    "a\nb",
    "\u202egpj.exe",
    "\u2044etc\u2044passwd",
    "\ud800",
    "{id}",
    "%2e%2e%2f",
    "~root",
    "x" * 400,
    "a:b",
    "*?",
]


@asynccontextmanager
async def writing(folder: Path, **config: Any) -> AsyncIterator[FileDestination]:
    destination = FileDestination(DestinationConfig(folder=str(folder), **config))
    await destination.open()
    try:
        yield destination
    finally:
        await destination.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {item.name: item.read_bytes() for item in folder.iterdir()}


async def test_a_message_becomes_a_file_named_after_its_id_and_time(tmp_path: Path) -> None:
    key = ids.to_text(ids.Ids(ManualClock(1_795_342_500.25)).next())
    async with writing(tmp_path, suffix=".hl7") as destination:
        receipt = await destination.send(Outbound(key, b"MSH|"))
    name = f"20261122T101500250Z-{key}.hl7"
    assert (receipt.code, receipt.body) == ("written", name.encode())
    assert contents(tmp_path) == {name: b"MSH|"}
    assert (tmp_path / name).stat().st_mode & 0o007 == 0


async def test_sending_the_same_again_succeeds_and_writes_nothing_new(tmp_path: Path) -> None:
    async with writing(tmp_path, name="{id}") as destination:
        first = await destination.send(Outbound("K1", b"one"))
        again = await destination.send(Outbound("K1", b"one"))
        other = await destination.send(Outbound("K1", b"two"))
        other_again = await destination.send(Outbound("K1", b"two"))
    assert first == again
    assert other == other_again
    assert contents(tmp_path) == {"K1.msg": b"one", "K1-2.msg": b"two"}


async def test_many_at_once_are_all_written_whole(tmp_path: Path) -> None:
    async with writing(tmp_path, name="{type}-{id}", suffix="") as destination:
        receipts = await asyncio.gather(
            *(destination.send(Outbound(f"K{n}", b"%d" % n * 1000, "a.b")) for n in range(100))
        )
    assert contents(tmp_path) == {f"a.b-K{n}": b"%d" % n * 1000 for n in range(100)}
    assert [item.body for item in receipts] == [b"a.b-K%d" % n for n in range(100)]


async def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    body = b"x" * 3_000_000
    sizes = set()
    async with writing(tmp_path, name="{id}") as destination:
        sending = asyncio.gather(*(destination.send(Outbound(f"K{n}", body)) for n in range(10)))
        while not sending.done():
            sizes |= {
                os.stat(tmp_path / name).st_size
                for name in os.listdir(tmp_path)
                if not name.startswith(".")
            }
            await asyncio.sleep(0)
        await sending
    assert sizes <= {len(body)}
    assert len(contents(tmp_path)) == 10


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_key_or_type_leads_out_of_the_folder(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    async with writing(folder, name="{id}") as destination:
        await destination.send(Outbound(text, b"by key"))
    async with writing(folder, name="{type}-{id}") as destination:
        await destination.send(Outbound("K", b"by type", text))
    assert os.listdir(tmp_path) == ["out"]
    found = contents(folder)
    assert sorted(found.values()) == [b"by key", b"by type"]
    assert all(not name.startswith(".") and len(name) < 200 for name in found)


async def test_a_link_in_the_way_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"one")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "K1.msg").symlink_to(secret)
    (folder / "K2.msg").symlink_to(tmp_path / "new")
    async with writing(folder, name="{id}") as destination:
        assert (await destination.send(Outbound("K1", b"one"))).body == b"K1-2.msg"
        assert (await destination.send(Outbound("K2", b"two"))).body == b"K2-2.msg"
    assert secret.read_bytes() == b"one"
    assert not (tmp_path / "new").exists()
    assert (folder / "K1.msg").is_symlink()


async def test_nothing_else_in_the_folder_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "K1.msg").write_bytes(b"somebody else's")
    (tmp_path / "K2.msg").mkdir()
    async with writing(tmp_path, name="{id}") as destination:
        await destination.send(Outbound("K1", b"ours"))
        await destination.send(Outbound("K2", b"ours"))
    assert (tmp_path / "K1.msg").read_bytes() == b"somebody else's"
    assert (tmp_path / "K1-2.msg").read_bytes() == b"ours"
    assert (tmp_path / "K2-2.msg").read_bytes() == b"ours"


async def test_the_variants_of_one_name_come_to_an_end(tmp_path: Path) -> None:
    for number in range(1, 100):
        name = "K1.msg" if number == 1 else f"K1-{number}.msg"
        (tmp_path / name).write_bytes(b"%d" % number)
    async with writing(tmp_path, name="{id}") as destination:
        with pytest.raises(DeliveryRejected, match="exists"):
            await destination.send(Outbound("K1", b"new"))
    assert len(os.listdir(tmp_path)) == 99


async def test_a_folder_that_goes_away_delays_and_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    async with writing(folder, name="{id}") as destination:
        await destination.send(Outbound("K1", b"1"))
        folder.rename(tmp_path / "moved")
        with pytest.raises(DeliveryDelayed) as caught:
            await destination.send(Outbound("K2", b"2"))
        assert (caught.value.code, caught.value.fault) == ("missing", Fault.DESTINATION)
        folder.mkdir()
        await destination.send(Outbound("K2", b"2"))
    assert contents(folder) == {"K2.msg": b"2"}


@pytest.mark.parametrize(
    ("call", "number", "code", "unknown"),
    [
        ("write", errno.ENOSPC, "full", False),
        ("write", errno.EDQUOT, "full", False),
        ("write", errno.EIO, "io", False),
        ("fsync", errno.EIO, "io", False),
        ("open", errno.EACCES, "denied", False),
        ("open", errno.EROFS, "denied", False),
        ("link", errno.ENOSPC, "full", False),
    ],
)
async def test_a_failing_disk_delays_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    code: str,
    unknown: bool,
) -> None:
    real = getattr(os, call)

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number))

    async with writing(tmp_path, name="{id}") as destination:
        monkeypatch.setattr(f"connectors.file.outbox.os.{call}", fail)
        with pytest.raises(DeliveryDelayed) as caught:
            await destination.send(Outbound("K1", b"1"))
        monkeypatch.setattr(f"connectors.file.outbox.os.{call}", real)
        error = caught.value
        assert (error.code, error.unknown, error.fault) == (code, unknown, Fault.DESTINATION)
        assert os.listdir(tmp_path) == []
        await destination.send(Outbound("K1", b"1"))
    assert contents(tmp_path) == {"K1.msg": b"1"}


async def test_an_unflushed_name_leaves_the_outcome_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync
    async with writing(tmp_path, name="{id}") as destination:

        def fail_on_folders(file: int) -> None:
            if os.path.isdir(f"/proc/self/fd/{file}"):
                raise OSError(errno.EIO, "io")
            real(file)

        monkeypatch.setattr("connectors.file.outbox.os.fsync", fail_on_folders)
        with pytest.raises(DeliveryDelayed) as caught:
            await destination.send(Outbound("K1", b"1"))
        assert (caught.value.code, caught.value.unknown) == ("io", True)
        monkeypatch.setattr("connectors.file.outbox.os.fsync", real)
        await destination.send(Outbound("K1", b"1"))
    assert contents(tmp_path) == {"K1.msg": b"1"}


async def test_every_file_is_flushed_before_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("fsync", "link"):
        real = getattr(os, name)

        def traced(*args: Any, _name: str = name, _real: Any = real, **kwargs: Any) -> Any:
            calls.append(_name)
            return _real(*args, **kwargs)

        monkeypatch.setattr(f"connectors.file.outbox.os.{name}", traced)
    async with writing(tmp_path, name="{id}") as destination:
        await asyncio.gather(*(destination.send(Outbound(f"K{n}", b"1")) for n in range(4)))
    assert calls == ["fsync"] * 4 + ["link"] * 4 + ["fsync"]


async def test_what_a_crash_left_is_cleared_away_when_it_is_old(tmp_path: Path) -> None:
    for name, age in (("old", 7200.0), ("young", 10.0)):
        (tmp_path / f".vagus-{name}.tmp").write_bytes(b"half")
        at = (tmp_path / f".vagus-{name}.tmp").stat().st_mtime - age
        os.utime(tmp_path / f".vagus-{name}.tmp", (at, at))
    async with writing(tmp_path):
        assert os.listdir(tmp_path) == [".vagus-young.tmp"]


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    destination = FileDestination(DestinationConfig(folder=str(tmp_path / "gone")))
    with pytest.raises(ConfigError, match=r"gone cannot be used: No such file"):
        await destination.open()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("{time}", "must hold"),
        ("{id}{patient}", "unknown"),
        ("{id.real}", "unknown"),
        ("{id!r}", "no format"),
        ("{id:>10}", "no format"),
        ("../{id}", "outside of placeholders"),
        ("a b{id}", "outside of placeholders"),
        (".{id}", "dot"),
        ("{id", "placeholders"),
    ],
)
def test_name_templates_are_closed(name: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        DestinationConfig(folder="x", name=name)


@given(st.text(max_size=60), st.text(max_size=60))
def test_names_are_plain_and_two_keys_never_share_one(first: str, second: str) -> None:
    names = [file_name("{id}", ".msg", key, "") for key in (first, second)]
    for name in names:
        assert name.isascii()
        assert "/" not in name
        assert not name.startswith(".")
    if first != second:
        assert names[0] != names[1]
