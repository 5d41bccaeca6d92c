"""`vagus map --trace` and `--field` as a person reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli.given import adt

SAMPLE = Path(__file__).parents[2] / "samples/riverside_clinic"
PLANS = SAMPLE / "messages/009-adt-a04-two-plans-each-with-its-in2.hl7"


def blocks(text: str) -> dict[str, str]:
    """The blocks of an answer by their first line."""
    parts = [part.strip("\n").partition("\n") for part in text.split("\n\n")]
    return {head: body for head, _, body in parts}


def test_every_element_has_its_value_its_field_and_the_line_of_the_rule(call, message):
    done = call("map", "--trace", "--format", "text", message)
    assert done.code == 0
    patient = next(body for head, body in blocks(done.out).items() if head.startswith("Patient"))
    lines = patient.splitlines()
    at = lines.index('  birthDate = "1980-01-01"')
    assert re.fullmatch(
        r"      PID\(1\)-7 by =PID-7 \| date  at"
        r" ADT_A01.yaml:\d+ > patient.yaml:\d+ > library/hl7v2/resources/patient.yaml:\d+",
        lines[at + 1],
    )
    assert '  name[0].family = "MARKED-NAME"' in lines
    assert "MARKED-NAME" not in done.err


def test_the_lines_named_are_those_of_the_rules(call, message):
    (line,) = call("map", "--trace", message).lines
    library = Path(__file__).parents[2] / "mappings"
    for item in line["trace"]:
        file, number, _ = item["place"].rsplit(":", 2)
        text = (library / file).read_text("utf-8").splitlines()[int(number) - 1]
        first = re.split(r"[\s{},\[\]]", item["rule"].strip("{["))[0]
        assert first.strip("'\"") in text, item


def test_every_value_of_the_samples_is_traced(call):
    """Each leaf of each resource has an origin, its own or that of a constant around it."""
    lines = call("map", "--trace", *sorted((SAMPLE / "messages").glob("0[0-2]*.hl7"))).lines
    assert len(lines) == 29
    for line in lines:
        known = {bare(item["element"]) for item in line["trace"]}
        for entry in line["bundle"]["entry"]:
            resource = entry["resource"]
            for leaf in map(bare, leaves(resource, resource["resourceType"])):
                ends = (leaf[:end] for end in range(len(leaf), 0, -1))
                assert leaf.endswith(".resourceType") or any(end in known for end in ends), leaf


def bare(path: str) -> str:
    """A path without its indexes: equal resources become one, and their lists are joined."""
    return re.sub(r"\[\d+\]", "", path)


def leaves(value, path):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path


def history(call, field: str, *more: object) -> str:
    done = call("map", "--field", field, "--format", "text", *(more or (PLANS,)))
    assert done.code == 0, done.err
    return done.out


def test_what_became_of_a_field(call):
    text = history(call, "IN1-36")
    assert "IN1-36 (policy number)\n  TW4470101\n  UP8810101\n" in text
    gave = blocks(text)["gave: Coverage.subscriberId"]
    assert "=IN1-36 || IN2-61.1 || IN1-49(1).1" in gave
    assert re.search(r'Coverage\[\d+\]\.subscriberId = "UP8810101"', gave)


def test_an_alternative_that_came_too_late(call):
    late = blocks(history(call, "IN1-49"))["not needed: Coverage.subscriberId"]
    assert "IN1(1)-36 gave the value first" in late


def test_a_guard_that_gave_nothing(call, message):
    text = history(call, "IN1-36", message)
    assert "(not in this message)" in text
    assert "$each =IN1 gave nothing, at" in blocks(text)["not asked: Coverage.subscriberId"]


def test_a_value_that_no_table_knows(call, tmp_path: Path):
    path = tmp_path / "odd.hl7"
    path.write_bytes(adt().replace(b"|F\r", b"|Q\r"))
    nothing = blocks(history(call, "PID-8", path))["gave nothing: Patient.gender"]
    assert "PID(1)-8.1 is there, but the rule makes nothing of it" in nothing
    empty = adt().replace(b"|F\r", b"|\r")
    path.write_bytes(empty)
    assert "PID(1)-8.1 is empty" in history(call, "PID-8", path)


def test_a_field_that_nothing_reads_and_one_left_alone(call, tmp_path: Path):
    path = tmp_path / "site.hl7"
    path.write_bytes(adt() + b"ZZZ|1|x\r")
    assert "no rule reads it\n  map it, or say why not" in history(call, "ZZZ-2", path)
    assert "left alone on purpose: " in history(call, "MSH-12", path)


def test_a_field_as_json(call):
    (line,) = call("map", "--field", "PID-8", PLANS).lines
    (row,) = line["field"]
    assert (row["outcome"], row["rule"]) == ("gave", "=PID-8.1 | table AdministrativeSex")
    assert row["sources"] == ["PID(1)-8.1"] and row["elements"] == ["Patient[5].gender"]


@pytest.mark.parametrize("text", ["PID", "3", "pid-3", ".1", "Patient.name"])
def test_a_field_is_written_as_one(call, message, text):
    assert call("map", "--field", text, message).code == 2
