"""Every event that comes in can be sent out, with all that a usual message of it carries."""

from __future__ import annotations

from collections import Counter

import pytest
from benchmarks.feed import Feed, events
from properties.round_trip import FORMAT, compare, context, library, trip

from vagus.formats.format import Terms

#: The Bundle does not say which patient a move leaves (MRG-1), nor why a booking was made (SCH-6).
UNSAID = {"MRG[1]-1", "MRG[2]-1", "MRG[3]-1", "SCH[1]-6"}


@pytest.fixture(scope="module")
def catalogue():
    return library()


@pytest.mark.parametrize(
    ("code", "trigger"),
    list(events()),
    ids=lambda word: word,
)
def test_a_usual_message_comes_back(catalogue, code, trigger):
    message = FORMAT.decode(Feed(8).message(code, trigger), Terms())
    found = trip(catalogue, context(), message)
    assert found is not None
    missing = {kind: item.missing for kind, item in compare(found)}
    assert sum(missing.values(), Counter()) == Counter()
    written = FORMAT.decode(found.wire, Terms())
    assert (written.type, written.structure) == (message.type, message.structure)
    assert _errors(written) - _errors(message) <= {("required-field", at) for at in UNSAID}


def _errors(message):
    return {(item.code, item.where) for item in FORMAT.check(message) if item.severity == "error"}
