from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from connectors import catalogue
from connectors.seam import Connector


def models() -> Iterator[type[BaseModel]]:
    for connector in catalogue.BUILTIN.values():
        for side in (connector.source, connector.destination):
            if side is not None:
                yield from nested(side[0])


def nested(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from nested(part)


def test_every_connector_bears_the_name_it_is_listed_under() -> None:
    for name, connector in catalogue.BUILTIN.items():
        assert connector.name == name
        assert connector.about.endswith(".")
        assert connector.source or connector.destination


def test_every_field_of_every_config_is_described() -> None:
    seen = 0
    for model in models():
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__module__}.{model.__name__}.{name}"
            assert field.description.endswith("."), f"{model.__name__}.{name}"
            seen += 1
    assert seen > 30


def test_every_config_has_a_schema_for_editors() -> None:
    for model in models():
        assert model.model_json_schema()["additionalProperties"] is False


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[vagus.connectors]\n"
        "pigeon = others_pigeon:CONNECTOR\n"
        "broken = others_broken:CONNECTOR\n"
        "liar = others_pigeon:CONNECTOR\n"
        "mllp = others_pigeon:CONNECTOR\n"
    )
    (tmp_path / "others_pigeon.py").write_text(
        "from connectors.seam import Connector\n"
        "CONNECTOR = Connector(name='pigeon', about='By air.')\n"
    )
    (tmp_path / "others_broken.py").write_text("raise RuntimeError('DOE^JANE')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("others_pigeon", "others_broken"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("third_party")
def test_others_are_added_and_a_broken_one_costs_a_sentence() -> None:
    reports: list[str] = []
    found = catalogue.load(reports.append)
    assert set(found) == {*catalogue.BUILTIN, "pigeon"}
    assert isinstance(found["pigeon"], Connector)
    assert found["mllp"] is catalogue.BUILTIN["mllp"]
    assert len(reports) == 3
    assert [text.split("'")[1] for text in reports] == ["broken", "liar", "mllp"]
    assert "RuntimeError" in reports[0]
    assert "DOE" not in reports[0]
    assert set(catalogue.load()) == set(found)


def test_each_connector_has_a_short_card() -> None:
    for name in catalogue.BUILTIN:
        card = Path(catalogue.__file__).parent / name / "README.md"
        lines = card.read_text("utf-8").splitlines()
        assert len(lines) <= 80
        assert any(line.startswith("## Limitations") for line in lines)
