from __future__ import annotations

import threading

from mappings.session import Flags

TEXT = "MSH|^~\\&|A|B|||2026||ADT^A01^ADT_A01|1|P|2.5\nPID|1||7||X^Y||1980"
MAPPING = """
    mapping: small
    from: hl7v2/ADT_A01
    to: fhir/r4
    resources:
      header:
        resourceType: MessageHeader
        eventCoding: {code: =MSH-9.2}
        source: {endpoint: =context raw_url}
      patient: {resourceType: Patient, $key: =PID-3(1).1, birthDate: =PID-7 | date}
"""


def test_what_a_mapping_says_of_itself(compiled):
    mapping = compiled(MAPPING)
    assert (mapping.name, mapping.source_format, mapping.target_format) == (
        "small",
        "hl7v2",
        "fhir",
    )
    assert len(mapping.version) == 64
    assert "def run(z):" in mapping.source()
    assert mapping.source(Flags(True, "field", True)) != mapping.source()
    assert repr(mapping) == "<Mapping small>"


def test_a_message_header_makes_a_message_bundle(compiled, message, context):
    bundle = compiled(MAPPING).apply(message(TEXT), context).bundle
    assert bundle["type"] == "message"
    assert bundle["timestamp"] == context.now
    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == [
        "MessageHeader",
        "Patient",
    ]
    assert all(e["fullUrl"] == f"urn:uuid:{e['resource']['id']}" for e in bundle["entry"])


def test_ids_hang_on_the_message_or_on_the_key(compiled, message, context):
    mapping = compiled(MAPPING)

    def ids(text):
        return [
            entry["resource"]["id"]
            for entry in mapping.apply(message(text), context).bundle["entry"]
        ]

    first, again, other = ids(TEXT), ids(TEXT), ids(TEXT.replace("1980", "1981"))
    assert first == again
    assert first[0] != other[0]
    assert first[1] == other[1]
    moment = "2027-01-01T00:00:00Z"
    later = context.arrived("0000000000002", moment, moment, raw_url="urn:x:2")
    assert later.uris is context.uris
    assert [
        e["resource"]["id"] for e in mapping.apply(message(TEXT), later).bundle["entry"]
    ] == first


def test_the_message_stays_as_it_was(compiled, message, context):
    read = message(TEXT)
    before = [list(segment) for segment in read.segments]
    compiled(MAPPING).apply(read, context, trace=True, loss="component")
    assert read.segments == before


def test_threads_compile_a_variant_once(compiled, message, context):
    mapping = compiled(MAPPING)
    mapping.prepare()
    mapping.prepare(full=True)
    read, results = message(TEXT), []

    def work():
        results.append(mapping.apply(read, context).bundle)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and all(bundle == results[0] for bundle in results)


def test_blanks_are_nothing(compiled, message, context):
    text = TEXT.replace("|1980", "| ").replace("|7|", "| ^ |")
    result = compiled(MAPPING).apply(message(text), context)
    assert "birthDate" not in result.bundle["entry"][1]["resource"]
    assert [warning.code for warning in result.warnings] == ["weak-key"]
