"""`vagus schema`: an editor accepts every file that lints clean, and marks the plain mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples/riverside_clinic"
LIBRARY = ROOT / "mappings/library"
FILES = {
    "mapping": [
        *LIBRARY.rglob("*.yaml"),
        *SAMPLE.glob("mappings/*.yaml"),
        *SAMPLE.glob("tables/*.yaml"),
        *(ROOT / "tests/mappings/library/overlays").glob("*.yaml"),
    ],
    "channel": [*SAMPLE.glob("channels/*.yaml")],
    "project": [SAMPLE / "vagus.yaml"],
    "test": [*SAMPLE.glob("tests/*.yaml"), *(ROOT / "tests/mappings/library").glob("*.test.yaml")],
}


class Reader(yaml.SafeLoader):
    """YAML as an editor reads it: the core types of YAML 1.2, so that `on` and dates are text."""


Reader.yaml_implicit_resolvers = {}
for name, pattern, first in (
    ("bool", r"(true|false)\Z", "tf"),
    ("null", r"(~|null|)\Z", ["~", "n", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]*)\Z", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]*\Z", "-+0123456789"),
):
    Reader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(pattern), list(first))


def documents(text: str) -> list:
    return [named(document) for document in yaml.load_all(text, Reader)]


def named(value):
    """The value with names of keys that are text, as in JSON."""
    if isinstance(value, dict):
        return {str(key): named(item) for key, item in value.items()}
    return [named(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def schemas() -> dict:
    from cli.given import execute_here

    (found,) = execute_here(("schema",)).lines
    return {name: jsonschema_rs.validator_for(item) for name, item in found.items()}


@pytest.mark.parametrize(
    ("kind", "path"),
    [(kind, path) for kind, paths in FILES.items() for path in paths],
    ids=lambda item: item if isinstance(item, str) else item.name,
)
def test_what_is_right_is_accepted(schemas, kind, path):
    for document in documents(path.read_text("utf-8")):
        errors = [
            f"{e.instance_path}: {e.message}"[:300] for e in schemas[kind].iter_errors(document)
        ]
        assert errors == []


MAPPING = (
    "mapping: m\nfrom: hl7v2/ADT_A01\nto: fhir/r4\nresources:\n  p: {resourceType: Patient, X}\n"
)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("mapping", MAPPING.replace("X", "brithDate: =PID-7")),
        ("mapping", MAPPING.replace("X", "gender: man")),
        ("mapping", MAPPING.replace("X", "name: {famly: =PID-5.1}")),
        ("mapping", MAPPING.replace("X", "name: [{famly: =PID-5.1}]")),
        ("mapping", MAPPING.replace("X", "birthDate: {a: b}")),
        ("mapping", "mapping: m\nform: hl7v2\n"),
        ("mapping", "mapping: m\nfrom: hl7/ADT_A01\n"),
        ("mapping", "mapping: m\nignore: [PID-3]\n"),
        ("mapping", "table: t\nunmapped: ignore\n"),
        ("channel", "channel: c\nsource: {mlp: {port: 1}}\n"),
        ("channel", "channel: c\nsource: {mllp: {port: x}}\n"),
        ("channel", "channel: c\ndestinations: [{name: n, retry: {attempts: 0}}]\n"),
        ("project", "project: P\n"),
        ("project", "project: p\nstore: {keep: 3 days}\n"),
        ("test", "tests: m\ncases: [{name: x}]\n"),
        ("test", "tests: m\ncases: [{given: x, expct: {}}]\n"),
    ],
)
def test_what_is_wrong_is_marked(schemas, kind, text):
    (document,) = documents(text)
    assert not schemas[kind].is_valid(document)


def test_one_is_printed_and_all_are_written(call, tmp_path):
    printed = call("schema", "project")
    assert printed.code == 0 and printed.lines[0]["title"] == "Vagus project"
    assert call("schema", "--into", tmp_path / "schemas").code == 0
    written = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "schemas").iterdir()}
    assert written.keys() == {"mapping", "channel", "project", "test"}
    assert written["project"] == printed.lines[0]
    assert (tmp_path / "schemas/mapping.json").stat().st_size < 200_000
    assert call("schema", "mappings").code == 2
