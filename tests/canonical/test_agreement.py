"""The schema, the walk that explains it, the official examples and an independent model agree."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from vagus.canonical import shapes
from vagus.canonical.validation import Validator

CORPUS = Path(__file__).parents[2].parent / "shared/corpora/fhir-r4-official-examples"
CANARY = "Zyzzyva-7731"
JUNK: list[Any] = [
    "", " ", CANARY, "1980-02-30", "2026-03-04", 0, -1, 7, 1.5, Decimal("2.50"), True, None, [],
    {}, [None], [""], [{}], {"id": CANARY}, {CANARY: 1}, [CANARY], [[CANARY]],
    {"coding": CANARY}, {"reference": "urn:uuid:" + CANARY}, {"resourceType": CANARY},
    {"start": "2026-02", "end": "2026-01"}, {"extension": [{"url": CANARY}]},
]  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with every key or index in it."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def mutated(value: Any, chance: random.Random) -> Any:
    """A copy with one to three faults, or changes that are none."""
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        container, key = chance.choice(list(places(value)))
        kind = chance.randrange(6)
        if kind == 0:
            del container[key]
        elif kind == 1:
            container[key] = copy.deepcopy(chance.choice(JUNK))
        elif kind == 2:
            container[key] = [container[key]]
        elif kind == 3 and isinstance(container, dict):
            name = chance.choice(["id", "_status", "_given", "valueString", "extension", CANARY])
            container[name] = copy.deepcopy(chance.choice(JUNK))
        elif kind == 4:
            other, name = chance.choice(list(places(value)))
            container[key] = copy.deepcopy(other[name])
        elif isinstance(container, dict) and isinstance(key, str):
            container["_" + key] = container.pop(key)
        if not isinstance(value, dict) or not value:
            break
    return value


def samples(admission: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    texts = [path.read_text("utf-8") for path in sorted(CORPUS.glob("*.json"))[::6]]
    return [admission(), *(json.loads(text) for text in texts if len(text) < 20_000)]


@pytest.mark.parametrize("seed", range(6))
def test_the_walk_finds_something_exactly_when_the_schema_refuses(
    validator: Validator, admission: Callable[[], dict[str, Any]], seed: int
) -> None:
    chance = random.Random(seed)
    refused = 0
    for sample in samples(admission):
        for _ in range(25):
            value = mutated(sample, chance)
            found = validator.search(value)
            assert validator.valid(value) is (not found), (value, found)
            assert "invalid" not in {issue.code for issue in validator.issues(value)}
            refused += bool(found)
    assert refused > 20


def test_no_issue_holds_a_value_or_a_name_from_the_document(
    validator: Validator, admission: Callable[[], dict[str, Any]]
) -> None:
    seen = set()
    for container, key, bundle in _single_faults(admission):
        container[key] = CANARY
        if isinstance(container, dict):
            container[CANARY] = CANARY
        for issue in validator.issues(bundle):
            assert CANARY not in repr(issue) + str(issue)
            seen.add(issue.code)
    chance = random.Random(7)
    for _ in range(300):
        assert CANARY not in repr(validator.issues(mutated(admission(), chance)))
    assert {"bad-code", "bad-date", "wrong-type", "unknown-resource"} <= seen


def _single_faults(
    admission: Callable[[], dict[str, Any]],
) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    count = len(list(places(admission())))
    for number in range(count):
        bundle = admission()
        container, key = list(places(bundle))[number]
        yield container, key, bundle


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the official examples are not here")
def test_every_official_example_is_valid(validator: Validator) -> None:
    paths = sorted(CORPUS.glob("*.json"))
    assert len(paths) > 50
    for path in paths:
        example = json.loads(path.read_text("utf-8"), parse_float=Decimal)
        assert validator.issues(example) == [], path.name
        assert validator.search(example) == [], path.name


def test_whatever_we_accept_the_typed_models_accept(
    validator: Validator, admission: Callable[[], dict[str, Any]]
) -> None:
    get_model = pytest.importorskip("fhir.resources.R4B").get_fhir_model_class
    chance = random.Random(11)
    accepted = 0
    for entry in admission()["entry"]:
        model = get_model(entry["resource"]["resourceType"])
        for _ in range(60):
            value = mutated(entry["resource"], chance)
            same = value.get("resourceType") == entry["resource"]["resourceType"]
            if same and validator.valid(value):
                model.model_validate(value)
                accepted += 1
    assert accepted > 30


def test_every_shape_can_be_made_minimal_and_is_then_valid(validator: Validator) -> None:
    for name in sorted(shapes.names("resource") - {"Resource", "DomainResource", "Bundle"}):
        made = {"resourceType": name, **_minimal(name)}
        structural = [i for i in validator.search(made) if i.code in ("missing-element", "choice")]
        assert structural == [], name


VALUES = {
    "boolean": True, "decimal": Decimal("1.0"), "integer": 1, "positiveInt": 1, "unsignedInt": 1,
    "date": "2026-01-01", "dateTime": "2026-01-01", "instant": "2026-01-01T00:00:00Z",
    "time": "00:00:00", "xhtml": "<div>x</div>", "oid": "urn:oid:1.2",
    "uuid": "urn:uuid:00000000-0000-4000-8000-000000000000",
}  # fmt: skip


def _minimal(name: str) -> dict[str, Any]:
    """Only what the shape requires, one type of each required choice."""
    made: dict[str, Any] = {}
    done: set[str] = set()
    for element in shapes.type(name).elements.values():
        if not element.required or element.choice in done:
            continue
        if element.choice:
            done.add(element.choice)
        if element.type in shapes.PRIMITIVES:
            value = element.binding[0] if element.binding else VALUES.get(element.type, "x")
        else:
            value = _minimal(element.type) or {"id": "x"}
        made[element.name] = [value] if element.many else value
    return made
