"""One fault a line in a broken project: each is found once, at its place, and named precisely."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from vagus.kernel.diagnostics import Diagnostics
from vagus.project import load
from vagus.project.links import check_ports_free

BROKEN = Path(__file__).with_name("broken")
GOLDEN = Path(__file__).with_name("broken.txt")
MARK = re.compile(r"# fault: ([a-z-]+)$")


def found() -> list[str]:
    diagnostics = Diagnostics()
    load(BROKEN, diagnostics, {})
    return sorted(str(item).replace(f"{BROKEN}/", "") for item in diagnostics)


def test_every_fault_is_found_once_and_nothing_else() -> None:
    wanted = [
        (str(path.relative_to(BROKEN)), number, mark[1])
        for path in sorted(BROKEN.rglob("*.yaml"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (mark := MARK.search(line))
    ]
    got = []
    for line in found():
        path, number, _, rest = line.split(":", 3)
        got.append((path, int(number), rest.split()[1].rstrip(":")))
    assert sorted(got) == sorted(wanted)
    assert len(wanted) > 35


def test_every_fault_is_said_in_the_words_that_were_agreed() -> None:
    assert found() == GOLDEN.read_text("utf-8").splitlines()


def test_a_port_that_another_program_has(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "vagus.yaml").write_text("project: one\nhttp: {enabled: false}\n")
        (tmp_path / "channels").mkdir()
        (tmp_path / "channels/adt.yaml").write_text(
            f"channel: adt\nsource:\n  mllp: {{port: {port}}}\n"
            "destinations:\n  - {name: out, file: {folder: out}, send: received}\n"
        )
        diagnostics = Diagnostics()
        project = load(tmp_path, diagnostics, {})
        assert list(diagnostics) == []
        assert project is not None
        check_ports_free(project, diagnostics)
        assert [str(item) for item in diagnostics] == [
            f"channels/adt.yaml:3:16: error port-in-use: port {port} of 127.0.0.1 is in use: "
            "stop what uses it, or choose another"
        ]


def test_the_side_door_takes_a_port_too(tmp_path: Path) -> None:
    (tmp_path / "vagus.yaml").write_text("project: one\nhttp: {port: 7001}\n")
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels/adt.yaml").write_text(
        "channel: adt\nsource:\n  mllp: {port: 7001}\n"
        "destinations:\n  - {name: out, file: {folder: out}, send: received}\n"
    )
    diagnostics = Diagnostics()
    load(tmp_path, diagnostics, {})
    assert [item.code for item in diagnostics] == ["port-in-use"]


def test_an_empty_channel_file_is_no_channel(tmp_path: Path) -> None:
    (tmp_path / "vagus.yaml").write_text("project: one\n")
    (tmp_path / "channels").mkdir()
    for name, text in (("a", ""), ("b", "# nothing\n"), ("c", "- list\n")):
        (tmp_path / f"channels/{name}.yaml").write_text(text)
    diagnostics = Diagnostics()
    load(tmp_path, diagnostics, {})
    assert [(item.place.file, item.code) for item in diagnostics] == [
        (f"channels/{name}.yaml", "bad-channel") for name in "abc"
    ]
