from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from cli.given import adt

PATIENT = b"PID|1||P1^^^RIVER^MR||MARKED-NAME^JANE||19800101|F\r"


def resources(bundle: dict, kind: str) -> list[dict]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [item for item in found if item["resourceType"] == kind]


def test_a_message_becomes_a_bundle_on_one_line(call, message):
    done = call("map", message)
    assert done.code == 0, done.err
    (bundle,) = done.lines
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "message")
    assert bundle["entry"][0]["resource"]["resourceType"] == "MessageHeader"
    (patient,) = resources(bundle, "Patient")
    assert (patient["birthDate"], patient["gender"]) == ("1980-01-01", "female")
    assert all(item["severity"] == "warning" for item in done.findings)
    assert {"unknown-system"} <= {item["code"] for item in done.findings}
    assert "MARKED-NAME" in done.out and "MARKED-NAME" not in done.err


def test_ids_are_the_same_every_time(call, message):
    first, second = (resources(call("map", message).lines[0], "Patient")[0] for _ in range(2))
    assert first["id"] == second["id"]


def test_standard_input_with_several_messages(shell):
    done = shell("map", "-", stdin=adt("1", "P1") + adt("2", "P2"))
    assert done.code == 0 and len(done.lines) == 2
    assert {item["message"] for item in done.findings} == {1, 2}


def test_what_cannot_be_mapped_is_a_finding_and_the_rest_goes_on(call, tmp_path: Path):
    path = tmp_path / "three.hl7"
    unknown = adt("2").replace(b"ADT^A04^ADT_A01", b"ORU^R01^ORU_R01")
    path.write_bytes(adt("1") + unknown + adt("3"))
    done = call("map", path)
    assert done.code == 1 and len(done.lines) == 2
    (error,) = [item for item in done.findings if item["severity"] == "error"]
    assert (error["message"], error["code"], error["where"]) == (2, "no-mapping", "MSH-9")


def test_a_mapping_by_name(call, message):
    assert call("map", "--mapping", "ADT_A01", message).code == 0
    wrong = call("map", "--mapping", "ADT_A99", message)
    assert wrong.code == 2 and wrong.out == ""
    back = call("map", "--mapping", "to_ADT_A01", message)
    assert back.code == 2 and "leads from fhir to hl7v2" in back.err


def test_trace_says_where_elements_came_from(call, message):
    (line,) = call("map", "--trace", message).lines
    by_element = {item["element"]: item for item in line["trace"]}
    found = [item for name, item in by_element.items() if name.endswith("birthDate")]
    assert found and found[0]["sources"][-1] == "PID(1)-7"
    assert line["bundle"]["resourceType"] == "Bundle"


def test_loss_lists_what_nothing_read(call, tmp_path: Path):
    path = tmp_path / "loss.hl7"
    path.write_bytes(adt() + b"ZZZ|1|nobody reads this\r")
    (line,) = call("map", "--loss", path).lines
    assert {"segment": "ZZZ", "occurrence": 1, "fields": [1, 2]} in line["loss"]
    assert "PID" not in {item["segment"] for item in line["loss"] if 5 in item["fields"]}
    both = call("map", "--loss", "--trace", path).lines[0]
    assert both.keys() == {"bundle", "loss", "left", "trace"}


def test_as_text_it_is_indented(call, message):
    done = call("map", "--format", "text", message)
    assert done.out.startswith('{\n  "resourceType": "Bundle"')
    assert json.loads(done.out)["type"] == "message"


def test_numbers_keep_their_digits():
    from vagus.cli import output

    assert output.dumps({"value": Decimal("1.50")}) == '{"value":1.50}'
    assert output.pretty('{"value":1.50}') == '{\n  "value": 1.50\n}'


@pytest.fixture
def project(call, tmp_path: Path) -> Path:
    folder = tmp_path / "clinic"
    call("init", folder)
    (folder / "systems").mkdir()
    (folder / "systems/river.yaml").write_text(
        "systems: river\nentries:\n"
        "  - {namespace: RIVER, system: 'https://river.example/ids/chart'}\n"
    )
    channel = folder / "channels/hl7_in.yaml"
    channel.write_text(channel.read_text().replace("  ack: stored\n", "  systems: river\n"))
    return folder


def test_with_a_project_its_systems_are_used(call, message, project):
    done = call("map", "--project", project, message)
    assert done.code == 0, done.err
    (patient,) = resources(done.lines[0], "Patient")
    assert patient["identifier"][0]["system"] == "https://river.example/ids/chart"
    assert call("map", "--project", project, "--channel", "nowhere", message).code == 2
    assert call("map", "--channel", "hl7_in", message).code == 2
    assert not (project / "data").exists()
