"""Whatever it is given, the command line answers in a line and an exit code, never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli.given import Outcome, adt

SECRET = "MARKED-NAME"
HL7 = adt().decode()
CONTENTS = {
    "empty": b"",
    "blank lines": b"\r\n\r\n  \r\n",
    "zero bytes": b"\0" * 4096,
    "binary": bytes(range(256)) * 64,
    "an image": b"\x89PNG\r\n\x1a\n" + os.urandom(512),
    "a gzip file": b"\x1f\x8b\x08\0" + os.urandom(512),
    "one huge line": b"A" * 3_000_000,
    "a huge segment": adt() + b"OBX|1|TX|x||" + b"Y" * 2_000_000 + b"\r",
    "a million separators": b"MSH|^~\\&|" + b"|" * 1_100_000,
    "only MSH": b"MSH",
    "MSH and a delimiter": b"MSH|",
    "delimiters all alike": b"MSH|||||||||||||||||||",
    "no MSH": b"PID|1||MARKED-NAME\r",
    "text before MSH": b"MARKED-NAME\r" + adt(),
    "broken UTF-8": adt().replace(b"JANE", b"\xff\xfe\xc3"),
    "UTF-16": HL7.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + adt(),
    "unknown charset": adt().replace(b"|P|2.5.1", b"|P|2.5.1||||||MARKED-NAME"),
    "frames without end": b"\x0b" + adt() + b"\x0b" + adt(),
    "frames without content": b"\x0b\x1c\r\x0b\x1c\r",
    "a batch that miscounts": b"BHS|^~\\&\r" + adt() + b"BTS|9\r",
    "trailers only": b"BTS|0\rFTS|0\r",
    "unknown type": adt().replace(b"ADT^A04^ADT_A01", b"MARKED-NAME^X"),
    "deep JSON": b"[" * 100_000,
    "JSON": b'{"name": "MARKED-NAME"}',
    "X12": b"ISA*00*MARKED-NAME",
    "XML with an entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "a date that is none": adt().replace(b"19800101", b"99999999"),
    "escapes without end": adt().replace(b"JANE", b"\\X\\E\\.br\\Zq\\H"),
    "null bytes inside": adt().replace(b"JANE", b"J\0NE"),
    "a terminal escape": adt().replace(b"C1", b"\x1b[2J"),
}


def sober(done: Outcome, code: set[int]) -> None:
    assert done.code in code, done.err[:500]
    assert "Traceback" not in done.err and "internal fault" not in done.err
    assert SECRET not in done.err
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_contents(call, tmp_path: Path, content: bytes):
    path = tmp_path / "file"
    path.write_bytes(content)
    sober(call("inspect", path), {0, 1})
    sober(call("inspect", path, "--format", "text"), {0, 1})
    sober(call("map", path), {0, 1})
    target = tmp_path / "out"
    target.mkdir()
    sober(call("send", path, target), {0, 1})


@pytest.mark.parametrize("verb", ["inspect", "map"])
@pytest.mark.parametrize("name", ["missing.hl7", "no/such/folder/x", "a\0b", "x" * 5000])
def test_names_that_are_no_file(call, verb, name):
    sober(call(verb, name), {2})


def test_a_folder_where_a_file_is_meant(call):
    sober(call("inspect", "."), {2})


@pytest.mark.parametrize("verb", ["inspect", "map", "send"])
def test_a_file_nobody_may_read(shell, message, verb):
    if os.getuid() == 0:
        pytest.skip("root may read everything")
    message.chmod(0)
    sober(shell(verb, message, *(["x"] if verb == "send" else [])), {2})


PROJECTS = {
    "no project": {},
    "empty file": {"vagus.yaml": ""},
    "broken YAML": {"vagus.yaml": "project: [a\n  b: {"},
    "a list": {"vagus.yaml": "- a\n- b\n"},
    "binary YAML": {"vagus.yaml": "\x00\x01\x02"},
    "unknown field": {"vagus.yaml": "project: a\nprojetc: b\n"},
    "wrong type": {"vagus.yaml": "project: {a: b}\n"},
    "an anchor": {"vagus.yaml": "project: &a b\n"},
    "twice the same key": {"vagus.yaml": "project: a\nproject: b\n"},
    "missing variable": {"vagus.yaml": "project: a\nzone: ${NO_SUCH_VARIABLE}\n"},
    "broken channel": {"vagus.yaml": "project: a\n", "channels/a.yaml": "channel: {"},
    "unknown connector": {
        "vagus.yaml": "project: a\n",
        "channels/a.yaml": "channel: a\nsource:\n  carrier_pigeon: {}\n",
    },
    "unknown mapping": {
        "vagus.yaml": "project: a\n",
        "channels/a.yaml": "channel: a\nsource:\n  mllp: {port: 2575}\nsteps:\n"
        "  - transform: no_such\ndestinations:\n  - name: b\n    file: {folder: out}\n",
    },
    "broken mapping": {"vagus.yaml": "project: a\n", "mappings/m.yaml": "mapping: [\n"},
}
VERBS = {
    "lint": [],
    "run": ["--for", "1s"],
    "messages": [],
    "channels": [],
    "doctor": [],
}


@pytest.mark.parametrize("files", PROJECTS.values(), ids=PROJECTS)
def test_projects(call, tmp_path: Path, files: dict[str, str]):
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for verb, more in VERBS.items():
        # Only lint and doctor look at broken files as findings; for all others they are misuse.
        allowed = {1} if files and verb in ("lint", "doctor") else {2}
        done = call(verb, folder, *more)
        sober(done, allowed)
        assert done.out + done.err
    sober(call("broker", "topology", folder), {2})
    sober(call("show", "0" * 13, "--project", folder), {2})
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("show", "nonsense"),
        ("show", "U" * 13),
        ("show",),
        ("show", "0" * 13, "--body"),
        ("replay",),
        ("replay", "0" * 13, "--state", "dead"),
        ("replay", "--query", "nonsense"),
        ("replay", "--query", "colour=red"),
        ("replay", "0" * 13, "--diff"),
        ("replay", "0" * 13, "--values"),
        ("messages", "--since", "yesterday-ish"),
        ("messages", "--state", "happy"),
        ("messages", "--channel", "nowhere"),
        ("messages", "--limit", "0"),
        ("dead-letters", "burn", "it"),
        ("dead-letters", "discard"),
        ("channels", "pause"),
        ("channels", "pause", "nowhere"),
        ("channels", "explode", "hl7_in"),
        ("run", "--for", "a while"),
        ("broker", "nonsense"),
        ("connectors", "describe", "nonsense"),
        ("connectors", "describe"),
    ],
    ids=" ".join,
)
def test_wrong_words(call, tmp_path, monkeypatch, words):
    folder = tmp_path / "clinic"
    assert call("init", folder).code == 0
    monkeypatch.chdir(folder)
    sober(call(*words), {2})
    assert not (folder / "data").exists()
