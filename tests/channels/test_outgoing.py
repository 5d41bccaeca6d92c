"""Which mapping writes what leaves."""

from __future__ import annotations

import pytest

from channels.config import DestinationConfig
from channels.outgoing import wanted, writer_of
from mappings.catalogue import Catalogue, load
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import ConfigError

NAMES = ("to_ADT_A01", "to_SIU_S12", "ADT_A01", "to_nowhere")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load([], Diagnostics())


@pytest.mark.parametrize(
    ("mapping", "on", "names"),
    [
        ("fhir_to_hl7v2", "", ["to_ADT_A01", "to_SIU_S12"]),
        ("fhir_to_hl7v2", "appointment.*", ["to_SIU_S12"]),
        ("fhir_to_hl7v2", "patient.merged", []),
        ("to_ADT_A01", "", []),
        ("", "", []),
    ],
)
def test_what_a_destination_may_need(
    catalogue: Catalogue, mapping: str, on: str, names: list[str]
) -> None:
    config = DestinationConfig(name="out", mapping=mapping, on=on)  # type: ignore[arg-type]
    assert wanted(catalogue, NAMES, [config]) == names


def test_a_mapping_that_leads_inwards_writes_nothing(catalogue: Catalogue) -> None:
    assert writer_of(catalogue, "fhir_to_hl7v2").mapping is None
    assert writer_of(catalogue, "to_ADT_A01").mapping is catalogue.mapping("to_ADT_A01")
    for name in ("ADT_A01", "fhir_to_pdf"):
        with pytest.raises(ConfigError):
            writer_of(catalogue, name)
