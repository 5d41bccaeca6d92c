"""Simulator files: what loads, and what is said about those that do not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.settings import Reader
from vagus.simulators.drop import Dropper
from vagus.simulators.ehr import Ehr
from vagus.simulators.loading import load
from vagus.simulators.peer import Peer
from vagus.simulators.simulator import Simulator

SAMPLE = Path(__file__).parents[2] / "samples" / "riverside_clinic"
ADT = b"MSH|^~\\&|A|B|C|D|20261006090005-0500||ADT^A04|X1|P|2.5.1\nPID|1||7\n"


def project(folder: Path, **files: str) -> Path:
    (folder / "simulators").mkdir()
    (folder / "m").mkdir()
    (folder / "m" / "1.hl7").write_bytes(ADT)
    for name, text in files.items():
        (folder / "simulators" / f"{name}.yaml").write_text(text)
    return folder


def read(folder: Path) -> tuple[list[Simulator], list[str]]:
    diagnostics = Diagnostics()
    found = load(folder, Reader(diagnostics, {"PORT": "2700"}), diagnostics)
    return found, [str(item).removeprefix("simulators/") for item in diagnostics]


def test_the_sample_has_an_ehr_a_registry_and_a_nightly_export() -> None:
    found, problems = read(SAMPLE)
    assert problems == []
    assert [(type(item), item.name, item.feeds) for item in found] == [
        (Ehr, "ehr", True),
        (Dropper, "nightly", True),
        (Peer, "registry", False),
    ]


def test_what_is_wrong_is_said_at_its_place(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        a="simulator: a\nsends:\n  messages: m/*.hl8\n  to: [{port: 1}]\n",
        b="simulator: b\naccepts: {prt: 1}\n",
        c="simulator: c\n",
        d="simulator: d\nsends: {messages: ../m/*, to: [{port: 70000}]}\n",
        e="simulator: e\naccepts: {port: '${PORT}'}\n---\nsimulator: e\naccepts: {port: 3}\n",
    )
    found, problems = read(folder)
    assert [item.name for item in found] == ["e"]
    assert problems == [
        "a.yaml:3:13: error no-messages: no file matches 'm/*.hl8' in the project",
        "b.yaml:2:10: error missing-field: 'port' is required",
        "b.yaml:2:11: error unknown-field: 'prt' is not a field here; did you mean 'port'?",
        "c.yaml:1:1: error bad-value: a simulator does exactly one of sends, accepts and drops",
        "d.yaml:2:19: error bad-value: write a pattern below the project folder, e.g. "
        "messages/*.hl7",
        "d.yaml:2:39: error bad-value: input should be less than or equal to 65535",
        "e.yaml:4:12: error duplicate-name: there is already a simulator 'e'",
    ]


async def test_files_are_dropped_whole_and_each_under_a_new_name(tmp_path: Path) -> None:
    text = "simulator: nightly\ndrops: {files: m/*.hl7, folder: in, every: 1ms, loops: 3}\n"
    [nightly], problems = read(project(tmp_path, nightly=text))
    assert isinstance(nightly, Dropper) and problems == []
    await nightly.start()
    await asyncio.wait_for(nightly.finished(), 10)
    await nightly.stop()
    files = sorted((tmp_path / "in").iterdir())
    assert len(files) == 3 and not [path for path in files if path.name.startswith(".")]
    assert nightly.report() == {"simulator": "nightly", "files": 3}
    assert len({path.read_bytes().split(b"|")[9] for path in files}) == 3
