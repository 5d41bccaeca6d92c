from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.canonical import systems
from vagus.canonical.systems import Entry, Systems
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics

MERCY = Systems("mercy", [Entry("MERCY", "1.2.3", "urn:oid:1.2.3"), Entry("LAB", "", "http://lab")])


@pytest.mark.parametrize(
    ("hd", "uri", "known"),
    [
        (("MERCY", "", ""), "urn:oid:1.2.3", True),
        (("OTHER", "1.2.3", "ISO"), "urn:oid:1.2.3", True),
        (("LAB", "9.9.9", "ISO"), "http://lab", True),
        (("", "1.2.840.1", "ISO"), "urn:oid:1.2.840.1", True),
        (("USSSA", "", ""), "http://hl7.org/fhir/sid/us-ssn", True),
        (("X", "2.16.840.1.113883.4.6", "ISO"), "http://hl7.org/fhir/sid/us-npi", True),
        (("MBI", "", ""), "http://hl7.org/fhir/sid/us-mbi", True),
        (("EIN", "", ""), "urn:oid:2.16.840.1.113883.4.4", True),
        (("UNKNOWN", "", ""), "urn:x-vagus:mercy:UNKNOWN", False),
        (("St. Mary's & Co", "", ""), "urn:x-vagus:mercy:St.%20Mary%27s%20%26%20Co", False),
        (("", "not an oid", "ISO"), "urn:x-vagus:mercy:not%20an%20oid", False),
        (("", "host.example.org", "DNS"), "urn:x-vagus:mercy:host.example.org", False),
        (("", "http://example.org/mrn", "URI"), "http://example.org/mrn", True),
        (("", "", ""), "", True),
    ],
)
def test_uri(hd: tuple[str, str, str], uri: str, known: bool) -> None:
    assert MERCY.uri(*hd) == (uri, known)


@pytest.mark.parametrize(
    ("uri", "hd"),
    [
        ("urn:oid:1.2.3", ("MERCY", "1.2.3", "ISO")),
        ("http://lab", ("LAB", "", "")),
        ("urn:oid:1.2.840.1", ("", "1.2.840.1", "ISO")),
        ("urn:x-vagus:mercy:St.%20Mary%27s", ("St. Mary's", "", "")),
        ("http://hl7.org/fhir/sid/us-npi", ("NPI", "2.16.840.1.113883.4.6", "ISO")),
        ("http://example.org/mrn", ("", "http://example.org/mrn", "URI")),
        ("urn:x-vagus:lakeside:A", ("", "urn:x-vagus:lakeside:A", "URI")),
        ("", ("", "", "")),
    ],
)
def test_authority(uri: str, hd: tuple[str, str, str]) -> None:
    assert MERCY.authority(uri) == hd


def test_two_sources_do_not_share_an_unknown_authority() -> None:
    assert Systems("a").uri("MRN", "", "") != Systems("b").uri("MRN", "", "")


@given(st.text(min_size=1), st.text(), st.sampled_from(["", "ISO", "DNS", "URI", "UUID"]))
def test_an_authority_never_gives_an_empty_or_spaced_system(
    namespace: str, oid: str, kind: str
) -> None:
    uri, _ = MERCY.uri(namespace.encode("utf-8", "ignore").decode() or "x", "", kind)
    assert uri and not any(char.isspace() for char in uri)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_the_authority_of_a_made_up_system_is_what_it_was_made_of(namespace: str) -> None:
    uri, known = Systems("s:1").uri(namespace, "", "")
    if not known:
        assert Systems("s:1").authority(uri) == (namespace, "", "")


def load(text: str) -> tuple[Systems | None, list[str]]:
    diagnostics = Diagnostics()
    documents = strictyaml.load(text, "systems.yaml", diagnostics)
    registry = systems.load(documents[0], diagnostics)
    return registry, [str(item) for item in diagnostics]


def test_a_registry_is_read_from_yaml() -> None:
    registry, found = load(
        "systems: mercy\n"
        "entries:\n"
        '  - {namespace: MERCY, oid: 1.2.3, system: "urn:oid:1.2.3"}\n'
        '  - {namespace: NPI, system: "http://npi.example.org"}\n'
    )
    assert found == [] and registry is not None
    assert registry.name == "mercy"
    assert registry.uri("", "1.2.3", "") == ("urn:oid:1.2.3", True)
    # The site's own entry is stronger than the one every site has.
    assert registry.uri("NPI", "", "") == ("http://npi.example.org", True)


def test_everything_wrong_is_told_with_its_place() -> None:
    _, found = load(
        "systems: mercy\n"
        "entry: []\n"
        "entries:\n"
        '  - {namespace: A, system: "urn:oid:1.2"}\n'
        '  - {namespace: A, systm: "urn:oid:1.3"}\n'
        '  - {oid: 1.02, system: "urn:oid:1.2"}\n'
        '  - {system: "urn:oid:1.4"}\n'
        "  - MERCY\n"
    )
    assert found == [
        "systems.yaml:2:1: error unknown-key: 'entry' is not a key of a registry;"
        " did you mean 'entries'?",
        "systems.yaml:5:5: error bad-system: a system is a URI: `urn:oid:…` or `http://…`",
        "systems.yaml:5:17: error duplicate-authority: this namespace already stands on line 4",
        "systems.yaml:5:20: error unknown-key: 'systm' is not a key of an entry;"
        " did you mean 'system'?",
        "systems.yaml:6:11: error bad-oid: an OID is numbers joined by dots",
        "systems.yaml:7:5: error missing-key: an entry needs a namespace or an oid",
        "systems.yaml:8:5: error bad-value: an entry holds namespace, oid and system",
    ]


@pytest.mark.parametrize("text", ["- a", "entries: []", "systems: ", "systems: [a]"])
def test_what_is_no_registry_is_none(text: str) -> None:
    registry, found = load(text)
    assert registry is None and len(found) == 1
