from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest

from mappings.catalogue import Catalogue, load
from mappings.context import Context
from mappings.headers import Reader
from mappings.loader import Loader
from mappings.mapping import Mapping
from vagus.canonical.identity import Identity
from vagus.canonical.systems import Systems
from vagus.formats.format import Terms
from vagus.formats.hl7v2.reader import decode
from vagus.kernel.diagnostics import Diagnostics


class Elements(NamedTuple):
    component: str
    repetition: str


class Interchange:
    """A plain split of an X12 interchange: enough of one for mappings to read."""

    def __init__(self, text: str) -> None:
        mark, element = text[105], text[3]
        cut = [part.strip("\r\n") for part in text.split(mark)]
        self.segments = [part.split(element) for part in cut if part]
        repetition = self.segments[0][11]
        self.separators = Elements(text[104], repetition if not repetition.isalnum() else "")


@pytest.fixture
def context() -> Context:
    return Context(
        message_id="0000000000001",
        endpoint="adt_in",
        source="src",
        facility="clinic",
        received_at="2026-01-01T00:00:00Z",
        raw_url="urn:x-vagus:raw:1",
        now="2026-01-01T00:00:00Z",
        zone="Europe/Paris",
        identity=Identity(b"k" * 32),
        systems=Systems("src"),
    )


@pytest.fixture
def lint(tmp_path: Path) -> Callable[..., list[str]]:
    """The findings of one file, as `line:column: severity code: text`."""

    def check(text: str, name: str = "bad.yaml") -> list[str]:
        (tmp_path / name).write_text(dedent(text))
        report = Diagnostics()
        load([tmp_path], report, library=False)
        return [str(item).removeprefix(str(tmp_path / name) + ":") for item in report]

    return check


@pytest.fixture
def catalogue(tmp_path: Path) -> Callable[..., Catalogue]:
    """The catalogue of one file, which must lint without errors."""

    def build(text: str, library: bool = False) -> Catalogue:
        (tmp_path / "site.yaml").write_text(dedent(text))
        report = Diagnostics()
        found = load([tmp_path], report, library=library)
        assert not report.errors, "\n".join(map(str, report.errors))
        return found

    return build


@pytest.fixture
def compiled(catalogue: Callable[..., Catalogue]) -> Callable[[str], Mapping]:
    """The one mapping of a file."""

    def build(text: str) -> Mapping:
        found = catalogue(text)
        return found.mapping(found.names()[0])

    return build


@pytest.fixture
def example() -> Callable[[str], Mapping]:
    """The mapping of one of the worked examples."""

    def build(name: str) -> Mapping:
        report = Diagnostics()
        reader = Reader(report)
        loader = Loader(report)
        file = Path(__file__).with_name("examples") / f"{name}.yaml"
        loader.add(reader.file(file, file.name), own=True)
        [asked] = loader.mappings.values()
        plan = loader.plan(asked)
        assert plan is not None
        mapping = Mapping(plan)
        mapping.lint(report)
        assert not report.errors, "\n".join(map(str, report.errors))
        return mapping

    return build


@pytest.fixture
def message() -> Callable[[str], Any]:
    """An HL7 message of lines."""

    def read(text: str) -> Any:
        lines = [line.strip() for line in text.strip().splitlines()]
        return decode("\r".join(lines).encode(), Terms())

    return read


@pytest.fixture
def interchange() -> type[Interchange]:
    return Interchange


@pytest.fixture
def corpora() -> Path:
    folder = Path(__file__).parents[2].parent / "shared/corpora"
    if not folder.is_dir():
        pytest.skip("no corpora here")
    return folder
