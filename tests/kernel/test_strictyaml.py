from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.strictyaml import Fields, Text, load, load_file, plain


def findings(text: str) -> list[str]:
    diagnostics = Diagnostics()
    load(text, "f", diagnostics)
    return [f"{item.place.line}:{item.place.column} {item.code}" for item in diagnostics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["3:1 duplicate-key"]),
        ("x:\n  a: 1\n  'a': 2\n", ["3:3 duplicate-key"]),
        ("a: &name 1\n", ["1:4 anchor"]),
        ("a: &name 1\nb: *name\n", ["1:4 anchor", "2:4 anchor"]),
        ("<<: {a: 1}\n", ["1:1 merge-key"]),
        ("a: !!python/object:os.system x\n", ["1:4 tag"]),
        ("a: !own {b: 1}\n", ["1:4 tag"]),
        ("? [a]\n: 1\n", ["1:3 bad-key"]),
        ("~: 1\n", ["1:1 bad-key"]),
        ("a: [1,\nb: 2\n", ["3:1 bad-yaml"]),
        ("a:\n\t- b\n", ["2:1 bad-yaml"]),
        ("a: \x01\n", ["1:1 bad-yaml"]),
    ],
)
def test_what_a_file_may_not_say(text: str, expected: list[str]) -> None:
    assert findings(text) == expected


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "1:5 anchor" in findings("\n".join(lines))


@pytest.mark.parametrize("opened", ["[", "{a: ", "- "])
def test_a_deep_nest_is_a_finding(opened: str) -> None:
    assert findings("x: " * (opened != "- ") + opened * 100_000) != []


def test_nothing_is_guessed() -> None:
    text = "a: no\nb: 0123\nc: 1.10\nd: 2026-01-01\ne: '~'\nf: ~\ng:\nh: ''\ni: null\n<: x\n"
    diagnostics = Diagnostics()
    (node,) = load(text, "f", diagnostics)
    assert len(diagnostics) == 0
    assert plain(node) == {
        "a": "no",
        "b": "0123",
        "c": "1.10",
        "d": "2026-01-01",
        "e": "~",
        "f": None,
        "g": None,
        "h": "",
        "i": None,
        "<": "x",
    }


def test_every_node_knows_its_place() -> None:
    diagnostics = Diagnostics()
    (node,) = load("a:\n  - b: 'c'\n", "f", diagnostics)
    assert isinstance(node, Fields)
    assert str(node.keys["a"]) == "f:1:1"
    inner = node.entries["a"].items[0]  # type: ignore[union-attr]
    assert str(inner.keys["b"]) == "f:2:5"
    assert inner.entries["b"] == Text("c", inner.entries["b"].place, quoted=True)
    assert inner.entries["b"].place.column == 8


def test_several_documents() -> None:
    diagnostics = Diagnostics()
    assert [plain(node) for node in load("a: 1\n---\nb: 2\n", "f", diagnostics)] == [
        {"a": "1"},
        {"b": "2"},
    ]


def test_files_that_cannot_be_read(tmp_path) -> None:
    (tmp_path / "binary").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    (tmp_path / "large").write_text("# " + "x" * strictyaml.MAX_FILE_BYTES)
    diagnostics = Diagnostics()
    for name in ("binary", "large", "missing", "."):
        assert load_file(tmp_path / name, diagnostics, name) == []
    assert sorted((item.place.file, item.code) for item in diagnostics) == [
        (".", "unreadable"),
        ("binary", "bad-encoding"),
        ("large", "file-too-large"),
        ("missing", "unreadable"),
    ]


@given(st.text(max_size=80))
def test_no_text_is_worse_than_a_finding(text: str) -> None:
    diagnostics = Diagnostics()
    nodes = load(text, "f", diagnostics)
    assert isinstance(nodes, list)
    for item in diagnostics:
        assert item.place.line >= 1 <= item.place.column
