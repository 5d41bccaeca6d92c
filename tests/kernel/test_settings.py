from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.settings import Config, Duration, Reader, Size
from vagus.kernel.strictyaml import load


class Inner(Config):
    port: int = Field(ge=1, le=65535)
    wait: Duration = 1.0


class Outer(Config):
    name: str
    size: Size = 0
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()


def read(text: str, tmp_path: Path = Path(), **environment: str) -> tuple[Outer | None, list[str]]:
    diagnostics = Diagnostics()
    (node,) = load(text, "f", diagnostics)
    model = Reader(diagnostics, environment, tmp_path).model(Outer, node)
    return model, [
        f"{item.place.line}:{item.place.column} {item.code}: {item.text}" for item in diagnostics
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "name: a\nsise: 1\n",
            "2:1 unknown-field: 'sise' is not a field here; did you mean 'size'?",
        ),
        ("name: a\nzzz: 1\n", "2:1 unknown-field: 'zzz' is not a field here"),
        ("size: 1\n", "1:1 missing-field: 'name' is required"),
        ("name: a\ninner: {wait: 1s}\n", "2:8 missing-field: 'port' is required"),
        (
            "name: a\nmany:\n  - {port: 1}\n  - port: 2\n    wiat: 5s\n",
            "5:5 unknown-field: 'wiat' is not a field here; did you mean 'wait'?",
        ),
        (
            "name: a\ninner: {port: 1, wait: 5}\n",
            "2:24 bad-value: write a duration such as 200ms, 5s, 10m, 2h or 7d",
        ),
        ("name: a\nsize: 5 MB\n", "2:7 bad-value: write a size such as 512KiB, 16MiB or 2GiB"),
        (
            "name: a\ninner: {port: 70000}\n",
            "2:15 bad-value: input should be less than or equal to 65535",
        ),
        (
            "name: ${HOME_OF_IT}\n",
            "1:7 missing-variable: the environment variable HOME_OF_IT is not set; set it, or "
            "write ${HOME_OF_IT:-…}",
        ),
        ("name: ${file:nope}\n", "1:7 missing-secret: the secret file nope cannot be read"),
    ],
)
def test_a_problem_has_its_place_and_remedy(text: str, expected: str) -> None:
    assert read(text) == (None, [expected])


def test_every_problem_is_told_at_once() -> None:
    _, found = read("sise: 1\ninner: {prt: 1}\n")
    assert [item.split(":")[:2] + item.split()[1:2] for item in found] == [
        ["1", "1 missing-field", "missing-field:"],
        ["1", "1 unknown-field", "unknown-field:"],
        ["2", "8 missing-field", "missing-field:"],
        ["2", "9 unknown-field", "unknown-field:"],
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("200ms", 0.2), ("5s", 5), ("1.5s", 1.5), ("10m", 600), ("2h", 7200), ("7d", 604800)],
)
def test_durations(text: str, seconds: float) -> None:
    model, _ = read(f"name: a\ninner: {{port: 1, wait: {text}}}\n")
    assert model is not None
    assert model.inner is not None
    assert model.inner.wait == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("1B", 1), ("512KiB", 1 << 19), ("16MiB", 1 << 24), ("2GiB", 1 << 31)],
)
def test_sizes(text: str, size: int) -> None:
    model, _ = read(f"name: a\nsize: {text}\n")
    assert model is not None
    assert model.size == size


@pytest.mark.parametrize("text", ["nan", "inf", "-1s", "5 s", "1e3s", "٣s", "s", ""])
def test_what_is_no_duration(text: str) -> None:
    model, found = read(f"name: a\ninner: {{port: 1, wait: '{text}'}}\n")
    assert model is None
    assert len(found) == 1


def test_values_from_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    text = "name: ${A}-${B:-b b}-${C:-}-${file:secret}-$A-${}\n"
    model, found = read(text, tmp_path, A="a$A${B}", C="")
    assert found == []
    assert model is not None
    assert model.name == "a$A${B}-b b--hush-$A-${}", "and what they hold is not filled in again"


def test_a_secret_is_not_in_what_is_said_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    _, found = read("name: a\nsize: ${file:secret}\ninner: {port: '${A}'}\n", tmp_path, A="hush")
    assert len(found) == 2
    assert "hush" not in str(found)
