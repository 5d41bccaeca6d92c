"""`vagus new mapping`: what it writes lints clean and passes its test, and stays private."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from cli.given import adt

SAMPLE = Path(__file__).parents[2] / "samples/riverside_clinic"
CORPORA = Path(__file__).parents[3] / "shared/corpora/hl7-microsoft-fhir-converter"
FEED = (
    adt()
    + b"ACC||||OVER-MARK\rIN1|1||1|ACME\rZIN|1|MARKED-CARD^A\rIN1|2||2|OTHER\rZPI|1|MARKED-CLUB\r"
)


@pytest.fixture
def project(call, tmp_path: Path) -> Path:
    folder = tmp_path / "clinic"
    assert call("init", folder).code == 0
    return folder


def written(project: Path) -> set[str]:
    return {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}


def clean(call, project: Path) -> None:
    linted = call("lint", project, "--strict", "--offline")
    assert (linted.code, linted.out) == (0, "")
    tested = call("test", project)
    assert tested.code == 0, tested.out


def test_every_kind_of_structure_lints_clean_and_passes(call, project):
    for structure in ("ADT_A01", "SIU_S12", "ORU_R01"):
        done = call(
            "new", "mapping", f"own_{structure}", "--from", f"hl7v2/{structure}", "-p", project
        )
        assert done.code == 0, done.err
    extended = ("--from", "hl7v2/ADT_A05", "--extends", "ADT_A01")
    assert call("new", "mapping", "own_ADT_A05", *extended, "-p", project).code == 0
    clean(call, project)
    overlay = (project / "mappings/own_ADT_A01.yaml").read_text()
    assert "\nextends: ADT_A01\n" in overlay and "\nfrom:" not in overlay
    assert "\nfrom: hl7v2/ADT_A05\n" in (project / "mappings/own_ADT_A05.yaml").read_text()
    assert "extends" not in (project / "mappings/own_ORU_R01.yaml").read_text()
    for line in (project / "mappings/own_ADT_A01.yaml", project / "tests/own_ADT_A01.test.yaml"):
        schema = re.match(r"# yaml-language-server: \$schema=(\S+)", line.read_text())
        assert schema and (line.parent / schema[1]).is_file()


def test_it_writes_what_it_says_and_nothing_over_a_file(call, project):
    shutil.rmtree(project / "schemas")
    before = written(project)
    done = call("new", "mapping", "own", "--from", "hl7v2/ADT_A01", "-p", project)
    assert done.code == 0
    assert written(project) - before == {
        "mappings/own.yaml",
        "messages/own.hl7",
        "tests/own.test.yaml",
        "tests/golden/own.json",
        "schemas/mapping.json",
        "schemas/test.json",
    }
    (project / "mappings/own.yaml").unlink()
    (project / "tests/own.test.yaml").write_text("kept")
    again = call("new", "mapping", "own", "--from", "hl7v2/ADT_A01", "-p", project)
    assert again.code == 2 and "is there already" in again.err
    assert (project / "tests/own.test.yaml").read_text() == "kept"
    (project / "tests/own.test.yaml").unlink()
    (project / "messages/own.hl7").unlink()
    (project / "tests/golden/own.json").write_text("kept")
    assert call("new", "mapping", "own", "--from", "hl7v2/ADT_A01", "-p", project).code == 2
    assert (project / "tests/golden/own.json").read_text() == "kept"
    assert not (project / "mappings/own.yaml").exists()


def test_what_a_sample_loses_is_proposed_and_lints_clean(call, project, tmp_path):
    feed = tmp_path / "feed.hl7"
    feed.write_bytes(FEED)
    done = call("new", "mapping", "own", "--for", feed, "-p", project)
    assert done.code == 0, done.err
    assert "1 fields and 2 Z-segments proposed" in done.out
    clean(call, project)
    path = project / "mappings/own.yaml"
    text = path.read_text()
    assert "#   ACC-4: say why  ## auto accident state; in 1 of 1\n" in text
    head, _, proposed = text.partition("## Read by nothing")
    path.write_text(head + "#" + re.sub(r"^# ", "", proposed, flags=re.MULTILINE))
    linted = call("lint", project, "--strict", "--offline")
    assert (linted.code, linted.out) == (0, ""), path.read_text()
    (line,) = call("map", "--project", project, "--mapping", "own", "--loss", feed).lines
    assert line["loss"] == []
    kept = {
        extension["url"].rpartition(":")[2]: extension["valueString"]
        for entry in line["bundle"]["entry"]
        for extension in entry["resource"].get("extension", ())
        if entry["resource"]["resourceType"] == "Basic"
    }
    assert kept["ZIN-2.1"] == "MARKED-CARD" and kept["ZPI-2"] == "MARKED-CLUB"
    assert any(item["why"] == "say why" for item in line["left"])


def test_nothing_of_a_sample_elsewhere_enters_the_project(call, project, tmp_path):
    feed = tmp_path / "feed.hl7"
    feed.write_bytes(FEED)
    assert call("new", "mapping", "own", "--for", feed, "-p", project).code == 0
    for name in written(project):
        assert b"MARK" not in (project / name).read_bytes(), name


def test_a_sample_of_the_project_is_what_the_test_maps(call, project):
    sample = project / "messages/registration.hl7"
    piped = call("new", "mapping", "piped", "--for", "-", "-p", project, stdin=sample.read_bytes())
    assert piped.code == 0 and (project / "messages/piped.hl7").exists()
    assert call("new", "mapping", "own", "--for", sample, "-p", project).code == 0
    assert '{file: "../messages/registration.hl7"}' in (project / "tests/own.test.yaml").read_text()
    assert not (project / "messages/own.hl7").exists()
    clean(call, project)


def test_another_mapping_of_the_same_structure_is_named(call, project):
    assert call("new", "mapping", "one", "--from", "hl7v2/ADT_A01", "-p", project).code == 0
    second = call("new", "mapping", "two", "--from", "hl7v2/ADT_A01", "-p", project)
    assert second.code == 0 and "'one' is for ADT_A01 too" in second.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("own",), "say what comes in"),
        (("own", "--from", "hl7v2/ADT_A99"), "did you mean"),
        (("own", "--from", "x12/835"), "write hl7v2/"),
        (("own", "--from", "hl7v2/ACK"), "write hl7v2/"),
        (("own", "--from", "hl7v2/ADT_A01", "--extends", "ADT_A001"), "did you mean 'ADT_A0"),
        (("ADT_A01", "--from", "hl7v2/ADT_A01"), "there is a mapping 'ADT_A01' already"),
        (("a-b", "--from", "hl7v2/ADT_A01"), "a name is letters"),
    ],
)
def test_what_is_asked_wrongly_is_refused(call, project, words, text):
    before = written(project)
    done = call("new", "mapping", *words, "-p", project)
    assert done.code == 2 and text in done.err
    assert written(project) == before


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not here")
def test_a_folder_of_real_messages(call, project):
    folder = next(path for path in CORPORA.rglob("ADT*.hl7")).parent
    done = call("new", "mapping", "own", "--from", "hl7v2/ADT_A01", "--for", folder, "-p", project)
    assert done.code == 0, done.err
    clean(call, project)
    path = project / "mappings/own.yaml"
    head, _, proposed = path.read_text().partition("## Read by nothing")
    path.write_text(head + "#" + re.sub(r"^# ", "", proposed, flags=re.MULTILINE))
    assert call("lint", project, "--offline").code == 0
