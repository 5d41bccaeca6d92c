"""`vagus encode`: canonical Bundles back to HL7 v2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.given import Call, adt

from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2


@pytest.fixture
def mapped(call: Call, message: Path) -> dict:
    (bundle,) = call("map", message).lines
    return bundle


def write(path: Path, *values: object) -> Path:
    path.write_text("".join(f"{json.dumps(value)}\n" for value in values))
    return path


def test_a_message_mapped_and_written_back(call, mapped, tmp_path):
    done = call("encode", "--to", "hl7v2", write(tmp_path / "one.json", mapped))
    assert done.code == 0, done.err
    message = HL7V2().decode(done.out.encode(), Terms())
    assert message.type == "ADT^A04"
    assert message.version == "2.5.1"
    assert [message.get(path) for path in ("PID-3.1", "PID-3.4.1", "PID-5.1", "PID-7")] == [
        "P1",
        "RIVER",
        "MARKED-NAME",
        "19800101",
    ]
    assert (message.get("MSH-3"), message.get("MSH-4"), message.get("PV1-2")) == (
        "EHR",
        "RIVER",
        "O",
    )
    assert "MARKED-NAME" not in done.err


def test_the_control_id_is_stable_and_short(call, mapped, tmp_path):
    path = write(tmp_path / "one.json", mapped)
    first, second = (call("encode", "--to", "hl7v2", "--format", "json", path) for _ in range(2))
    (row,) = first.lines
    assert row["control"] == second.lines[0]["control"]
    assert 0 < len(row["control"]) <= 20
    assert row["body"].split("|")[9] == row["control"]
    other = {**mapped, "timestamp": "2020-01-01T00:00:00Z"}
    done = call("encode", "--to", "hl7v2", "--format", "json", write(tmp_path / "b.json", other))
    assert done.lines[0]["control"] != row["control"]


def test_lines_as_map_prints_them(shell):
    lines = shell("map", "--trace", "-", stdin=adt("1", "P1") + adt("2", "P2")).out.encode()
    done = shell("encode", "--to", "hl7v2", "-", stdin=lines)
    assert done.code == 0, done.err
    bodies = HL7V2().split(done.out.encode())
    found = [HL7V2().decode(body, Terms()).get("PID-3.1") for body in bodies]
    assert found == ["P1", "P2"]


def test_an_indented_bundle(call, mapped, tmp_path):
    path = tmp_path / "pretty.json"
    path.write_text(json.dumps(mapped, indent=2))
    assert call("encode", "--to", "hl7v2", path).out.startswith("MSH|")


def test_what_is_no_bundle_is_a_finding_and_the_rest_goes_on(call, mapped, tmp_path):
    path = tmp_path / "mixed.json"
    path.write_bytes(
        write(tmp_path / "a", mapped).read_bytes()
        + b'{"resourceType": "Patient"}\n{"bro\n'
        + write(
            tmp_path / "b", mapped, {"resourceType": "Bundle", "type": "collection"}
        ).read_bytes()
    )
    done = call("encode", "--to", "hl7v2", "--format", "json", path)
    assert done.code == 1
    assert [row["message"] for row in done.lines] == [1, 4]
    errors = [(row["message"], row["code"]) for row in done.findings if row["severity"] == "error"]
    assert errors == [(2, "not-a-bundle"), (3, "not-json"), (5, "no-mapping")]


def test_a_mapping_by_name_and_a_release(call, mapped, tmp_path):
    path = write(tmp_path / "one.json", mapped)
    done = call("encode", "--to", "hl7v2", "--mapping", "to_ADT_A05", "--release", "2.3.1", path)
    message = HL7V2().decode(done.out.encode(), Terms())
    assert (message.get("MSH-9.3"), message.version) == ("ADT_A05", "2.3.1")
    assert call("encode", "--to", "hl7v2", "--mapping", "to_ADT_A99", path).code == 2
    assert call("encode", "--to", "hl7v2", "--mapping", "ADT_A01", path).code == 2
    assert call("encode", "--to", "pdf", path).code == 2
    assert call("encode", "--to", "hl7v2", tmp_path / "none.json").code == 2


def test_an_empty_file(call, tmp_path):
    (tmp_path / "empty").write_text("\n")
    assert call("encode", "--to", "hl7v2", tmp_path / "empty").code == 1


def test_a_projects_own_mapping_comes_first(call, message, tmp_path):
    folder = tmp_path / "clinic"
    call("init", folder)
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings/out.yaml").write_text(
        "mapping: own_out\nfor: ADT^A04\nfrom: fhir/r4\nto: hl7v2/ADT_A01\nsegments:\n"
        "  - MSH: {$use: to_MSH, MSH-9: {1: ADT, 2: A04}, MSH-6: OURS}\n"
        "  - {$each: =Patient, segments: [PID: {$use: to_PID}]}\n"
    )
    words = ("--project", folder)
    (bundle,) = call("map", *words, message).lines
    done = call("encode", "--to", "hl7v2", *words, write(tmp_path / "one.json", bundle))
    assert done.code == 0, done.err
    read = HL7V2().decode(done.out.encode(), Terms())
    assert [read.get(path) for path in ("MSH-6", "PID-3.1", "PID-3.4")] == ["OURS", "P1", "RIVER"]
    assert read.first("PV1") is None


def test_a_projects_template_replaces_the_librarys(call, mapped, tmp_path):
    folder = tmp_path / "clinic"
    call("init", folder)
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings/pv1.yaml").write_text(
        "template: to_PV1\nPV1-1: '1'\nPV1-2: =Encounter.class | table EncounterClass back\n"
        "PV1-3: {4: {1: HILL}}\n"
    )
    done = call(
        "encode", "--to", "hl7v2", "--project", folder, write(tmp_path / "one.json", mapped)
    )
    assert "\rPV1|1|O|^^^HILL\r" in done.out, done.err
