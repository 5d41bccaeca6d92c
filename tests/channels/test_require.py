"""A message that lacks what the channel requires is a dead letter, not filtered and not lost."""

from __future__ import annotations

import pytest

from channels.steps import require_step
from channels.work import Work
from vagus.kernel.envelope import Envelope
from vagus.kernel.errors import MessageError


def test_what_is_required_and_missing_is_a_dead_letter() -> None:
    step = require_step(lambda message: message == "whole", "no-patient")
    assert step(Work(Envelope(1, 1, b""), "whole")) is None
    with pytest.raises(MessageError) as caught:
        step(Work(Envelope(2, 1, b""), "half"))
    assert (caught.value.stage, caught.value.code) == ("require", "no-patient")
