"""The verbs that read a project without running it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "samples/riverside_clinic"


@pytest.fixture
def project(call, tmp_path: Path) -> Path:
    folder = tmp_path / "My Clinic-2"
    assert call("init", folder).code == 0
    return folder


def test_init_writes_a_project_that_lints_clean_and_passes_its_tests(call, project):
    linted = call("lint", project, "--strict", "--offline")
    assert (linted.code, linted.out) == (0, "")
    tested = call("test", project)
    assert tested.code == 0 and tested.out == "1 passed, 0 failed\n"
    assert "project: my_clinic_2\n" in (project / "vagus.yaml").read_text()
    inspected = call("inspect", project / "messages/registration.hl7")
    assert inspected.lines[0]["findings"] == []


@pytest.mark.parametrize("occupied", ["file", "folder"])
def test_init_touches_nothing_that_is_there(call, tmp_path, occupied):
    place = tmp_path / "taken"
    if occupied == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "mine").write_text("mine")
    assert call("init", place).code == 2
    assert [item.read_text() for item in tmp_path.rglob("*") if item.is_file()] == ["mine"]


def test_the_project_is_found_from_below(call, project, monkeypatch):
    monkeypatch.chdir(project / "channels")
    assert call("lint", "--offline").code == 0
    assert call("channels").code == 0


def test_lint_names_file_line_and_column_as_seen_from_here(call, project, monkeypatch):
    channel = project / "channels/hl7_in.yaml"
    text = channel.read_text()
    channel.write_text(text.replace("  ack: stored", "  akc: stored"))
    line = next(n for n, row in enumerate(channel.read_text().splitlines(), 1) if "akc" in row)
    monkeypatch.chdir(project.parent)
    done = call("lint", "My Clinic-2", "--offline")
    assert done.code == 1
    assert done.out.startswith(f"My Clinic-2/channels/hl7_in.yaml:{line}:3: error ")
    (first, *_) = call("lint", "My Clinic-2", "--offline", "--format", "json").lines
    assert first.keys() == {"path", "line", "column", "severity", "code", "text"}
    assert (first["path"], first["line"], first["column"]) == (
        "My Clinic-2/channels/hl7_in.yaml", line, 3,
    )  # fmt: skip
    github = call("lint", "My Clinic-2", "--offline", "--format", "github").out
    place = f"file=My Clinic-2/channels/hl7_in.yaml,line={line},col=3"
    assert github.startswith(f"::error {place},title=")
    for verb in ("run", "channels", "test"):
        refused = call(verb, "My Clinic-2")
        assert refused.code == 2 and f"My Clinic-2/channels/hl7_in.yaml:{line}:3" in refused.err


def test_warnings_count_only_when_asked(call, project):
    channel = project / "channels/hl7_in.yaml"
    channel.write_text(channel.read_text().split("destinations:")[0])
    assert call("lint", project, "--offline").code == 0
    strict = call("lint", project, "--offline", "--strict")
    assert strict.code == 1 and "warning no-destination" in strict.out


def test_a_failing_golden_test_says_what_differs(call, project):
    path = project / "tests/registration.test.yaml"
    path.write_text(path.read_text().replace("female", "male"))
    done = call("test", project)
    assert done.code == 1 and "0 passed, 1 failed" in done.out
    assert "FAILED: a registration becomes a patient" in done.out and "gender" in done.out
    (row,) = call("test", project, "--format", "json").lines
    assert row["passed"] is False and row["line"] == 5 and row["differences"]


@pytest.fixture
def exact(project):
    """A project with two cases that compare whole files."""
    path = project / "tests/registration.test.yaml"
    head = path.read_text().split("cases:")[0]
    given = "given: {file: ../messages/registration.hl7}"
    path.write_text(
        f"{head}cases:\n"
        f"  - {{name: one, {given}, expect_exactly: {{file: golden/one.json}}}}\n"
        f"  - {{name: two, {given}, expect_exactly: {{file: golden/two.json}}}}\n"
    )
    return project


def test_accept_writes_what_comes_out_and_shows_what_it_changed(call, exact):
    assert call("test", exact).code == 1
    first = call("test", exact, "--accept")
    assert first.code == 0 and first.out.endswith("2 passed, 0 failed, 2 accepted\n")
    assert call("test", exact).code == 0
    golden = exact / "tests/golden/one.json"
    right = golden.read_text()
    golden.write_text(right.replace("EXAMPLE", "OTHER"))
    done = call("test", exact, "--accept")
    assert done.out.endswith("2 passed, 0 failed, 1 accepted\n")
    changed = [line for line in done.out.splitlines() if line[2:3] in "+-" and '"family"' in line]
    assert [line.split() for line in changed] == [
        ["-", '"family":', '"OTHER",'],
        ["+", '"family":', '"EXAMPLE",'],
    ]
    assert golden.read_text() == right
    again = call("test", exact, "--accept", "--format", "json")
    assert [row["accepted"] for row in again.lines] == [[], []]


def test_accept_can_be_limited(call, exact):
    assert call("test", exact, "--accept", "--only", "TWO").code == 0
    assert [path.name for path in (exact / "tests/golden").iterdir()] == ["two.json"]
    assert len(call("test", exact, "--only", "adt_a01", "--format", "json").lines) == 2
    nothing = call("test", exact, "--only", "three")
    assert nothing.code == 1 and "no test with 'three'" in nothing.err


def test_accept_refuses_a_project_with_lint_errors(call, exact):
    (exact / "mappings").mkdir()
    (exact / "mappings/wrong.yaml").write_text("mapping: wrong\nextends: ADT_A99\n")
    done = call("test", exact, "--accept")
    assert done.code == 2 and "wrong.yaml:2:10: error unknown-mapping" in done.err
    assert not (exact / "tests/golden").exists()


def test_what_stands_in_the_test_itself_is_not_rewritten(call, exact):
    path = exact / "tests/registration.test.yaml"
    before = path.read_text().replace("{file: golden/one.json}", "'{}'")
    path.write_text(before)
    done = call("test", exact, "--accept", "--only", "one")
    assert done.code == 1 and "only a file can be accepted" in done.out
    assert path.read_text() == before


def test_channels_lists_what_the_files_say(call):
    rows = {row["channel"]: row for row in call("channels", SAMPLE, "--format", "json").lines}
    assert rows.keys() == {"adt_in", "bookings", "nightly"}
    assert (rows["adt_in"]["source"], rows["nightly"]["source"]) == ("mllp", "file")
    assert rows["adt_in"]["destinations"] == ["archive", "registry"]


def test_topology_has_a_queue_for_each_destination(call):
    text = call("broker", "topology", SAMPLE)
    assert text.code == 0 and text.out.startswith("broker: embedded\n")
    (document,) = call("broker", "topology", SAMPLE, "--format", "json").lines
    names = [item["name"] for item in document["queues"]]
    assert names == [
        "adt_in.archive", "adt_in.registry", "bookings.archive", "bookings.front_desk",
        "bookings.room_diary", "nightly.archive",
    ]  # fmt: skip
    keys = {(item["destination"], item["routing_key"]) for item in document["bindings"]}
    assert ("adt_in.registry", "adt_in.patient.*") in keys
    assert ("adt_in.archive", "adt_in.#") in keys
    assert {item["source"] for item in document["bindings"]} == {document["exchanges"][0]["name"]}


def test_connectors_and_their_fields(call):
    names = [row["name"] for row in call("connectors", "--format", "json").lines]
    assert names == ["mllp", "file"]
    (mllp,) = call("connectors", "describe", "mllp", "--format", "json").lines
    fields = {(item["side"], item["field"]): item for item in mllp["fields"]}
    assert fields["source", "port"]["required"] is True
    assert fields["destination", "ack_timeout"]["type"] == "duration"
    assert ("source", "tls.cert") in fields
    assert all(item["description"] for item in fields.values())
    assert "64MiB" in call("connectors", "describe", "file").out


@pytest.mark.parametrize("name", ["mllp", "file"])
def test_the_example_of_a_connector_lints(call, project, name):
    lines = call("connectors", "describe", name).out.splitlines()
    example = lines[lines.index("source:") :]
    (project / "channels/hl7_in.yaml").write_text(
        "\n".join(["channel: example", *example[:2], "steps:", "  - transform: hl7v2_to_fhir"])
        + "\n" + "\n".join(example[2:]) + "\n"
    )  # fmt: skip
    done = call("lint", project, "--offline")
    assert done.code == 0, done.out


@pytest.mark.parametrize("name", ["channel", "project"])
def test_what_the_files_may_say_is_described(call, name):
    done = call("connectors", "describe", name, "--format", "json")
    assert all(item["description"] for item in json.loads(done.out)["fields"])


def test_the_ledger_of_a_project_that_never_ran(call, project):
    done = call("ledger", project)
    assert done.code == 2 and "ever run" in done.err and not (project / "data").exists()
