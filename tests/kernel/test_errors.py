from __future__ import annotations

import inspect

import pytest

from vagus.kernel import errors
from vagus.kernel.errors import (
    ConfigError,
    DecodeError,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRejected,
    EngineFault,
    Fault,
    MappingError,
    MessageError,
    Unroutable,
    VagusError,
    ValidationFailed,
)


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = errors.__doc__ or ""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, VagusError):
            assert name in drawn, name
            assert (kind.__doc__ or "").strip()
    assert {
        kind.__base__ for kind in (DecodeError, MappingError, ValidationFailed, Unroutable)
    } == {MessageError}
    assert {DeliveryDelayed.__base__, DeliveryRejected.__base__} == {DeliveryError}
    assert {item.__base__ for item in (ConfigError, MessageError, DeliveryError, EngineFault)} == {
        VagusError
    }


def test_stages_are_those_of_the_dead_letters() -> None:
    made = {
        DecodeError("x").stage,
        MappingError("x", mapping="m").stage,
        ValidationFailed("x").stage,
        Unroutable("x").stage,
    }
    assert made == {"decode", "map", "validate", "route"}


def test_texts_are_codes_and_places() -> None:
    assert str(DecodeError("no-msh", "MSH")) == "no-msh at MSH"
    assert str(Unroutable("no-destination")) == "no-destination"
    error = MappingError("bad-date", mapping="own", line=7, path="birthDate", where="PID-7")
    assert str(error) == "bad-date in mapping own, line 7: birthDate"
    assert str(EngineFault()).startswith("Vagus itself cannot go on")


@pytest.mark.parametrize("kind", [DeliveryDelayed, DeliveryRejected])
def test_deliveries_fail_with_a_code(kind: type[DeliveryError]) -> None:
    assert str(kind("AR")) == "AR"


def test_a_delay_is_the_destinations_fault_unless_said_otherwise() -> None:
    error = DeliveryDelayed("timeout", unknown=True, after=3.0)
    assert (error.fault, error.after, error.unknown) == (Fault.DESTINATION, 3.0, True)
