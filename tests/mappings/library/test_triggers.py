"""Every trigger event of ADT and SIU, with a message of our own (`triggers.yaml`)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mappings import comparison
from mappings.nodes import Object, adopt, texts
from vagus.canonical import events
from vagus.canonical.validation import Validator
from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2, structures
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics

FILE = Path(__file__).with_name("triggers.yaml")


def document():
    report = Diagnostics()
    (found,) = [adopt(node) for node in strictyaml.load_file(FILE, report)]
    report.raise_errors()
    assert isinstance(found, Object)
    return found


DOCUMENT = document()
SEGMENTS = {
    name: comparison.word(node) for name, node in DOCUMENT.entries["segments"].entries.items()
}
CASES = [case.entries for case in DOCUMENT.entries["cases"].items]


def label(case):
    return comparison.word(case["type"])


def decoded(case, structure):
    """The message of a case, with MSH-9.3 as asked."""
    name, version = label(case), comparison.word(case["version"])
    lines = [
        f"MSH|^~\\&|REG|LAKESIDE|VAGUS|HUB|20260302081500+0100||{name}{structure}|1|P|{version}"
    ]
    if name.startswith("ADT"):
        lines.append(f"EVN|{name[4:]}|20260302081400")
    lines += [SEGMENTS.get(text.value, text.value) for text in texts(case["given"])]
    return HL7V2().decode("\r".join(lines).encode(), Terms())


def counted(words):
    pairs = [word.partition("*") for word in words.split()]
    return Counter({kind: int(number or 1) for kind, _, number in pairs})


def test_no_trigger_is_without_a_message():
    wanted = {f"{code}^{name}" for code, name in structures.events() if code in ("ADT", "SIU")}
    assert sorted(map(label, CASES)) == sorted(wanted)


@pytest.mark.parametrize("case", CASES, ids=label)
def test_what_a_trigger_becomes(case, catalogue, delivery):
    message = decoded(case, "")
    assert events.event_of("hl7v2", message.type) == comparison.word(case["event"])
    assert message.structure == comparison.word(case["mapping"])
    mapping = catalogue.select("hl7v2", structure=message.structure, type=message.type)
    assert mapping.name == message.structure
    bundle = mapping.apply(message, delivery(raw_url="")).bundle
    made = Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])
    made -= Counter({"MessageHeader": 1, "Organization": 1, "Provenance": made["Provenance"]})
    assert made == counted(comparison.word(case["makes"]))
    expected = case["expect"]
    assert comparison.subset(expected, bundle) == []
    assert [str(issue) for issue in Validator().issues(bundle)] == []


@pytest.mark.parametrize("case", CASES, ids=label)
def test_the_trigger_decides_whatever_msh_9_3_says(case):
    plain, wrong, copied = (
        decoded(case, structure)
        for structure in ("", "^ORU_R01", f"^{label(case).replace('^', '_')}")
    )
    assert plain.structure == wrong.structure == copied.structure
