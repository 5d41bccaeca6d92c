from __future__ import annotations

import pytest
from pydantic import BaseModel

from connectors.mllp.config import DestinationConfig, SourceConfig, warnings
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.settings import Reader
from vagus.kernel.strictyaml import load


def read(kind: type[BaseModel], text: str) -> tuple[BaseModel | None, list[str]]:
    diagnostics = Diagnostics()
    (node,) = load(text, "adt.yaml", diagnostics)
    model = Reader(diagnostics, {}).model(kind, node)
    return model, [str(item) for item in diagnostics]


def test_units_and_defaults_are_read_from_yaml() -> None:
    model, findings = read(
        SourceConfig, "{port: 2575, max_frame: 50MiB, frame_timeout: 5s, end_block: lenient}"
    )
    assert findings == []
    assert isinstance(model, SourceConfig)
    assert (model.max_frame, model.frame_timeout, model.idle_timeout) == (50 << 20, 5.0, 0.0)
    assert model.host == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "ehr.example.org", "'::'", '""'])
def test_plaintext_beyond_this_machine_needs_a_word_of_consent(host: str) -> None:
    model, findings = read(SourceConfig, f"{{port: 2575, host: {host}}}")
    assert model is None
    assert len(findings) == 1
    assert "allow_plaintext: true" in findings[0]
    assert read(SourceConfig, f"{{port: 1, host: {host}, allow_plaintext: true}}")[0]
    tls = "tls: {cert: a, key: b, ca: c}"
    assert read(SourceConfig, f"{{port: 1, host: {host}, {tls}}}")[0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "'::1'"])
def test_loopback_needs_no_consent(host: str) -> None:
    assert read(SourceConfig, f"{{port: 2575, host: {host}}}")[1] == []


@pytest.mark.parametrize(
    ("tls", "says"),
    [
        ("{cert: a}", "belong together"),
        ("{verify: none}", "needs cert and key"),
        ("{cert: a, key: b}", "verify: none"),
        ("{cert: a, key: b, ca: c, verify: maybe}", "required"),
    ],
)
def test_a_half_configured_tls_is_refused(tls: str, says: str) -> None:
    model, findings = read(SourceConfig, f"{{port: 2575, tls: {tls}}}")
    assert model is None
    assert says in findings[0]


def test_a_destination_may_trust_the_authorities_of_the_system() -> None:
    model, findings = read(DestinationConfig, "{host: lab.example.org, port: 2576, tls: {}}")
    assert findings == []
    assert model is not None


def test_an_unencrypted_destination_elsewhere_deserves_a_second_look() -> None:
    def codes(text: str) -> list[str]:
        model, findings = read(DestinationConfig, text)
        assert findings == []
        assert isinstance(model, DestinationConfig)
        return [code for _, code, _ in warnings(model)]

    assert codes("{host: lab.example.org, port: 1}") == ["plaintext"]
    assert codes("{host: localhost, port: 1}") == []
    assert codes("{host: lab.example.org, port: 1, tls: {}}") == []
    assert codes("{host: lab.example.org, port: 1, allow_plaintext: true}") == []
    assert warnings(SourceConfig(port=1)) == []


def test_only_positive_codes_may_count_as_taken() -> None:
    assert read(DestinationConfig, "{host: a, port: 1, accept: [AA, AE]}")[0] is None
