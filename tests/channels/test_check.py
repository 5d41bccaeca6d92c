"""A channel that checks messages: what breaks the standard or a profile is dead, noted, refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.site import Sender, Site, hl7, settled
from vagus.kernel.errors import ConfigError

CHANNEL = """
source:
  mllp: {port: PORT}
  ack: %s
steps:
  - check: %s
    on_issue: %s
destinations:
  - name: out
    file: {folder: out, create: true, name: "{id}", suffix: .txt}
    send: received
"""
PROFILE = "profile: desk\nrules:\n  PV1-19: required\n"
KIND = "ADT^A08^ADT_A01"


def wrong(control: str) -> bytes:
    """Two errors of the standard, with a value that must stay inside."""
    body = hl7(control, kind=KIND).replace(b"|19800101|", b"|MARKED|")
    return body.replace(b"PV1|1|O", b"PV1|1|").replace(b"EVN||", b"EVN|A08|")


def right(control: str) -> bytes:
    return hl7(control, kind=KIND).replace(b"EVN||", b"EVN|A08|")


async def test_by_default_an_error_is_a_dead_letter_with_its_places(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("stored", "standard", "dead"))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(right("C1"), wrong("C2")) == ["AA", "AA"]
        await sender.end()
        counts = await settled(live)
    assert (counts["delivered"], counts["dead"]) == (1, 1)
    (letter,) = site.dead()
    assert (letter.stage, letter.reason) == ("check", "bad-timestamp")
    assert letter.where == "bad-timestamp PID[1]-7; required-field PV1[1]-2"
    assert site.ledger().clean


async def test_a_warning_is_counted_and_kept_in_the_history(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("stored", "standard", "warn"))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        await sender.asks(right("C1"), wrong("C2"))
        await sender.end()
        assert (await settled(live))["delivered"] == 2
        (channel,) = live.engine.channels.values()
        assert channel.measures.findings == 2
    notes = {
        message.control: [
            item.detail for item in site.history(message.id) if item.kind == "checked"
        ]
        for message in site.messages()
    }
    assert notes == {"C1": [], "C2": ["bad-timestamp PID[1]-7; required-field PV1[1]-2"]}
    assert site.ledger().clean


async def test_a_refusal_tells_the_sender_every_error_and_no_value(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("delivered", "standard", "refuse"))
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        assert await sender.asks(right("C1")) == ["AA"]
        sender.put(wrong("C2"))
        reply = (await sender.hears()).decode()
        sender.put(wrong("C2"))
        again = (await sender.hears()).decode()
        await sender.end()
        counts = await settled(live)
    segments = reply.split("\r")
    assert segments[1:4] == [
        "MSA|AE|C2",
        "ERR||PID^1^7|102^Data type error^HL70357|E",
        "ERR||PV1^1^2|101^Required field missing^HL70357|E",
    ]
    assert "MARKED" not in reply
    assert again.split("\r")[1:] == segments[1:], "a duplicate hears the same"
    assert (counts["dead"], counts["duplicates"]) == (1, 1)
    assert site.ledger().clean


async def test_a_profile_of_the_project(tmp_path: Path) -> None:
    site = Site(tmp_path, adt=CHANNEL % ("stored", "desk", "dead"))
    site.write("profiles/desk.yaml", PROFILE)
    async with site.running() as live:
        sender = await Sender.to(site.ports["adt"])
        visit = right("C2").replace(b"PV1|1|O", b"PV1|1|O" + b"|" * 17 + b"V1^^^RIVER^VN")
        await sender.asks(right("C1"), visit)
        await sender.end()
        counts = await settled(live)
    assert (counts["delivered"], counts["dead"]) == (1, 1)
    (letter,) = site.dead()
    assert letter.where == "profile-required PV1[1]-19"


@pytest.mark.parametrize(
    ("ack", "check", "on_issue", "more", "said"),
    [
        ("stored", "standard", "refuse", "", "8:15: error too-late: a sender can be refused"),
        ("stored", "dusk", "dead", "", "7:12: error unknown-profile: 'dusk' is not a profile"),
        ("stored", "dusk", "dead", "", "did you mean 'desk'?"),
        ("stored", "standard", "maybe", "", "8:15: error bad-value: input should be 'dead'"),
        ("stored", "standard", "dead", "  - split: OBX\n", "bad-order: a check is of the whole"),
    ],
)
async def test_what_does_not_fit_is_found_before_anything_runs(
    tmp_path: Path, ack: str, check: str, on_issue: str, more: str, said: str
) -> None:
    channel = CHANNEL % (ack, check, on_issue)
    site = Site(tmp_path, adt=channel.replace("steps:\n", f"steps:\n{more}"))
    site.write("profiles/desk.yaml", PROFILE)
    with pytest.raises(ConfigError) as caught:
        async with site.running():
            pass
    assert said in str(caught.value)
