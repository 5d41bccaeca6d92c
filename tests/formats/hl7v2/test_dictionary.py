from __future__ import annotations

import subprocess
import sys

import pytest

from vagus.formats.hl7v2 import dictionary
from vagus.formats.hl7v2.generate import generate
from vagus.kernel.errors import ConfigError

PRIMITIVES = {"DT", "DTM", "FT", "GTS", "ID", "IS", "NM", "SI", "SNM", "ST", "TM", "TX", "varies"}


def test_fields_of_a_segment():
    pid = dictionary.segment("PID")
    field = pid.field(3)
    assert (field.number, field.name, field.datatype) == (3, "patient identifier list", "CX")
    assert field.repeats and field.required
    assert pid.field(5).datatype == "XPN" and not pid.field(7).repeats
    assert len(pid.fields) == 40 and pid.field(0) is None and pid.field(41) is None


@pytest.mark.parametrize(
    ("segment", "fields"),
    [
        ("MSH", 28),
        ("EVN", 7),
        ("PD1", 22),
        ("NK1", 41),
        ("PV1", 54),
        ("PV2", 50),
        ("IN1", 55),
        ("IN2", 72),
        ("IN3", 27),
        ("GT1", 57),
        ("MRG", 7),
        ("SCH", 27),
        ("RGS", 3),
        ("AIS", 12),
        ("AIG", 14),
        ("AIL", 12),
        ("AIP", 12),
        ("TQ1", 14),
        ("OBX", 33),
        ("DG1", 26),
        ("NTE", 9),
        ("ERR", 12),
    ],
)
def test_the_longest_form_of_each_segment_is_known(segment, fields):
    assert len(dictionary.segment(segment).fields) == fields


@pytest.mark.parametrize(
    ("place", "datatype"),
    [
        (("IN2", 61), "CX"),
        (("IN1", 49), "CX"),
        (("IN1", 12), "DT"),
        (("PV1", 19), "CX"),
        (("PV1", 44), "DTM"),
        (("PID", 7), "DTM"),
        (("SCH", 11), "TQ"),
        (("AIP", 3), "XCN"),
        (("MRG", 1), "CX"),
        (("OBX", 5), "varies"),
        (("MSH", 9), "MSG"),
        (("GT1", 3), "XPN"),
    ],
)
def test_data_types_of_fields(place, datatype):
    assert dictionary.segment(place[0]).field(place[1]).datatype == datatype


def test_components_of_a_data_type():
    assert [(c.number, c.datatype) for c in dictionary.datatype("CX")[:5]] == [
        *((1, "ST"), (2, "ST"), (3, "ID"), (4, "HD"), (5, "ID")),
    ]
    assert [c.datatype for c in dictionary.datatype("HD")] == ["IS", "ST", "ID"]
    assert len(dictionary.datatype("XPN")) == 15 and len(dictionary.datatype("CWE")) == 22
    assert dictionary.datatype("ST") == () and dictionary.datatype("NONE") == ()


def test_what_the_standard_does_not_have_is_not_there():
    assert dictionary.segment("ZPI") is None and dictionary.segment("") is None


def test_numbers_have_no_gaps_and_every_data_type_is_known():
    for name in dictionary.segments():
        fields = dictionary.segment(name).fields
        assert [field.number for field in fields] == list(range(1, len(fields) + 1)), name
        unknown = {f.datatype for f in fields} - set(dictionary.datatypes()) - PRIMITIVES
        assert not unknown and all(field.name for field in fields), name
    for name in dictionary.datatypes():
        components = dictionary.datatype(name)
        assert [c.number for c in components] == list(range(1, len(components) + 1)), name
        assert not {c.datatype for c in components} - set(dictionary.datatypes()) - PRIMITIVES


def test_the_data_is_what_its_generator_writes(corpora, tmp_path):
    generate(corpora / "hl7-v2-to-fhir/mappings", tmp_path)
    for name in ("segments.yaml", "datatypes.yaml"):
        assert (tmp_path / name).read_text() == (dictionary.DATA / name).read_text()


def test_the_generator_adds_what_a_guide_knows_more(tmp_path):
    (tmp_path / "segments").mkdir()
    (tmp_path / "datatypes").mkdir()
    rows = (
        "a,b,c,d,e,f\n1,PID-3,Renamed (List),CX,0,1\n2,PID-41,It's New - PID,CWE,1,-1\n,PID,,,,\n"
    )
    (tmp_path / "segments" / "PID.csv").write_text(rows)
    command = [sys.executable, "-m", "vagus.formats.hl7v2.generate", str(tmp_path), str(tmp_path)]
    subprocess.run(command, check=True)
    lines = dictionary.sections(tmp_path / "segments.yaml")["PID"].splitlines()
    assert lines[2] == "3 CX O* renamed" and lines[40] == "41 CWE R* its new"
    assert dictionary.sections(tmp_path / "datatypes.yaml")["CX"]


def test_a_data_file_that_is_no_map_says_so(tmp_path):
    (tmp_path / "broken.yaml").write_text("- a\n")
    with pytest.raises(ConfigError, match=r"broken\.yaml.*must be a map"):
        dictionary.sections(tmp_path / "broken.yaml")
    (tmp_path / "twice.yaml").write_text("A: x\nA: y\n")
    with pytest.raises(ConfigError):
        dictionary.sections(tmp_path / "twice.yaml")
