from __future__ import annotations

from pathlib import Path

import pytest

from mappings.catalogue import LIBRARY, load
from vagus.formats.hl7v2 import structures
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics

HERE = Path(__file__).parent


def test_the_library_has_no_finding():
    diagnostics = Diagnostics()
    load([LIBRARY], diagnostics, library=False)
    assert [str(item) for item in diagnostics] == []


def test_a_sites_overlay_has_no_finding():
    diagnostics = Diagnostics()
    catalogue = load([HERE / "overlays"], diagnostics)
    assert [str(item) for item in diagnostics] == []
    chosen = catalogue.select("hl7v2", structure="ADT_A01", type="ADT^A04")
    assert chosen is not None
    assert chosen.name == "harbor_ADT_A01"


def test_every_event_of_registration_and_booking_has_a_mapping():
    catalogue = load([], Diagnostics())
    missing = []
    for (code, trigger), structure in structures.events().items():
        if code in ("ADT", "SIU"):
            found = catalogue.select("hl7v2", structure=structure, type=f"{code}^{trigger}")
            if found is None or found.name != structure:
                missing.append(f"{code}^{trigger}")
    assert missing == []


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.yaml")), ids=lambda path: path.name)
def test_library_files_stay_readable(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 260
    assert text.startswith("# "), "a file begins by saying what it is"


def test_every_table_names_where_its_codes_come_from():
    for path in sorted(LIBRARY.rglob("tables/*.yaml")):
        for node in strictyaml.load_file(path, Diagnostics()):
            table = strictyaml.plain(node)
            assert isinstance(table, dict)
            assert str(table["source"]).startswith("http"), table["table"]
            assert table["target"], table["table"]
            assert table["unmapped"] in ("warn", "error", "pass"), table["table"]
