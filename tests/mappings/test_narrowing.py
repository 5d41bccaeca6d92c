"""Code narrowed to what a feed holds makes the same of every message, or leaves it alone (§14)."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from benchmarks.feed import Feed

from mappings.catalogue import load
from mappings.memory import LIMIT
from mappings.runtime import State
from mappings.seen import Seen, Unfit
from mappings.session import Flags
from mappings.variant import FIRST, compiled
from vagus.canonical.bundle import dumps
from vagus.canonical.validation import Validator
from vagus.formats.format import Terms
from vagus.formats.hl7v2.reader import decode
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import MappingError

EVENTS = ("ADT^A01", "ADT^A17", "ADT^A24", "ADT^A40", "ADT^A45", "ADT^A60", "SIU^S12")
ENDS = ("", "X", "X^Y", "X~Y", "A&B", "^X", "~X", "20260102", "X^^^^^^^^^^^^^^^^^Y", "I10 B")


@pytest.fixture(scope="module")
def library():
    return load([], Diagnostics())


def read(text):
    return decode(text, Terms())


def chosen(library, event):
    code, trigger = event.split("^")
    message = read(Feed().message(code, trigger))
    return library.select("hl7v2", structure=message.structure, type=message.type)


def seen_in(messages):
    seen = Seen()
    for message in messages:
        seen.add(message.segments, ("^", "~", "&"))
    return seen


def run(mapping, variant, message, context):
    """What comes of a message: the output, the error it ends with, or None when it does not fit."""
    state = State(message, context, mapping.name, mapping.version)
    state.text = "\r".join(map("|".join, message.segments))
    state.sites = variant.sites
    try:
        result = mapping._result(variant, state, variant.run(state))
    except Unfit:
        return None
    except MappingError as error:
        return str(error)
    return dumps(result.bundle), result.warnings, result.deletes


def forgetful(context):
    """The same channel, of which nothing is remembered."""
    return replace(context, memory={}, uris={})


def mutated(text, chance):
    lines = text.decode().split("\r")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(1, len(lines))
        fields = lines[at].split("|")
        match chance.randrange(6):
            case 0:
                lines.insert(at, chance.choice(lines[1:]))
            case 1 if len(lines) > 3:
                lines.pop(at)
            case 2:
                lines[at], lines[-1] = lines[-1], lines[at]
            case 3:
                fields += [""] * chance.randrange(40) + [chance.choice(ENDS)]
                lines[at] = "|".join(fields)
            case _ if len(fields) > 1:
                fields[chance.randrange(1, len(fields))] = chance.choice(ENDS)
                lines[at] = "|".join(fields)
    return "\r".join(lines).encode()


@pytest.mark.parametrize("event", EVENTS)
def test_narrowed_code_makes_the_same_or_does_not_fit(library, context, event):
    mapping = chosen(library, event)
    feed, chance = Feed(7), random.Random(event)
    texts = [feed.message(*event.split("^")) for _ in range(60)]
    messages = list(map(read, texts))
    whole = compiled(mapping._plan, Flags())
    narrowed = compiled(mapping._plan, Flags(), seen_in(messages))
    assert len(narrowed.code.text) < len(whole.code.text) * 0.7
    for message in messages:
        made = run(mapping, narrowed, message, context)
        assert made is not None
        assert made == run(mapping, whole, message, forgetful(context))
    fitting = 0
    for _ in range(250):
        message = read(mutated(chance.choice(texts), chance))
        made = run(mapping, narrowed, message, context)
        if made is not None:
            fitting += 1
            assert made == run(mapping, whole, message, forgetful(context))
    assert 20 < fitting < 240


@pytest.mark.parametrize("event", ["ADT^A01", "SIU^S12"])
def test_code_for_escapes_and_nulls_is_narrowed_too(library, context, event):
    mapping = chosen(library, event)
    feed, chance = Feed(8), random.Random(event)
    texts = [feed.message(*event.split("^")).replace(b"MAIN", b"M\\T\\N") for _ in range(40)]
    whole = compiled(mapping._plan, Flags(True))
    narrowed = compiled(mapping._plan, Flags(True), seen_in(map(read, texts)))
    fitting = 0
    for _ in range(200):
        text = mutated(chance.choice(texts), chance).replace(b"|M|", b'|""|')
        message = read(text)
        made = run(mapping, narrowed, message, context)
        if made is not None:
            fitting += 1
            assert made == run(mapping, whole, message, forgetful(context))
    assert fitting > 20


def test_every_mapping_of_the_library_can_be_narrowed(library):
    for name in library.names():
        mapping = library.mapping(name)
        if mapping.source_format == "hl7v2":
            compiled(mapping._plan, Flags(), seen_in([read(Feed().message("ADT", "A01"))]))


def test_a_mapping_learns_from_its_messages_and_goes_on_learning(library, context):
    mapping = chosen(load([], Diagnostics()), "ADT^A01")
    feed = Feed(9)
    narrowing = mapping._narrowings[0]
    for _ in range(FIRST):
        assert narrowing.variant is None
        mapping.apply(read(feed.message("ADT", "A01")), context)
    mapping.settle()
    first = narrowing.variant
    assert first is not None

    def born():
        """A message with a birth place, which none had before."""
        lines = feed.message("ADT", "A01").decode().split("\r")
        at = next(number for number, line in enumerate(lines) if line.startswith("PID"))
        lines[at] += "|||||SPRINGFIELD HOSPITAL"
        return read("\r".join(lines).encode())

    for _ in range(2 * FIRST):
        assert b"SPRINGFIELD HOSPITAL" in dumps(mapping.apply(born(), context).bundle)
    mapping.settle()
    assert narrowing.variant is not first
    assert run(mapping, narrowing.variant, born(), context) is not None


def test_a_feed_that_never_fits_is_left_alone(library, context):
    mapping = chosen(load([], Diagnostics()), "ADT^A01")
    feed = Feed(10)

    def disordered():
        lines = feed.message("ADT", "A01").decode().split("\r")
        return read("\r".join([lines[0], lines[6], *lines[1:6], *lines[7:]]).encode())

    for _ in range(FIRST):
        mapping.apply(disordered(), context)
    mapping.settle()
    for _ in range(2 * FIRST):
        mapping.apply(disordered(), context)
    assert mapping._narrowings[0].variant is None


def test_what_is_remembered_is_bounded_and_of_one_channel(library, context):
    mapping = chosen(library, "ADT^A01")
    other = forgetful(replace(context, source="elsewhere"))
    text = Feed(11).message("ADT", "A01").decode()
    for number in range(LIMIT + 100):
        lines = [
            f"{line}" if not line.startswith("PV1") else f"PV1|1|I|||||D{number}^DOC" for line in
            text.split("\r")
        ]  # fmt: skip
        message = read("\r".join(lines).encode())
        mine, theirs = mapping.apply(message, context), mapping.apply(message, other)
    assert all(len(kept) <= LIMIT for held in context.memory.values() for kept in held)
    assert max(len(kept) for held in context.memory.values() for kept in held) > 50
    assert dumps(mine.bundle) == dumps(mapping.apply(message, forgetful(context)).bundle)
    assert dumps(theirs.bundle) == dumps(mapping.apply(message, forgetful(other)).bundle)
    assert dumps(mine.bundle) != dumps(theirs.bundle)


def test_warnings_come_with_every_message(library, context):
    mapping = chosen(library, "ADT^A01")
    message = read(Feed(12).message("ADT", "A01"))
    first = mapping.apply(message, context).warnings
    assert first
    for _ in range(3):
        assert mapping.apply(message, context).warnings == first


def test_nothing_that_reads_an_output_changes_what_is_remembered(library, context):
    mapping = chosen(library, "ADT^A01")
    message = read(Feed(13).message("ADT", "A01"))
    before = dumps(mapping.apply(message, context).bundle)
    for _ in range(3):
        bundle = mapping.apply(message, context).bundle
        Validator().issues(bundle)
        assert dumps(bundle) == before
