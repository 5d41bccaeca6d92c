"""What a message empties or takes away, as FHIRPath and as Parameters in the Bundle (§4.3)."""

from __future__ import annotations

from vagus.canonical.validation import Validator

MAPPING = """
    mapping: deletes
    from: hl7v2/SIU_S12
    to: fhir/r4
    resources:
      patient:
        $each: =PID
        resourceType: Patient
        $key: =PID-3(1).1
        extension:
          - {url: "http://x.example/first", valueString: =PID-6(1).1}
          - $each: =PID-26
            url: http://x.example/citizen
            extension: {url: code, valueCodeableConcept: {coding: {code: =.1}}}
          - {url: "http://x.example/third", valueCodeableConcept: {coding: {code: =PID-17.1}}}
        gender: =PID-8 | table Gender
        birthDate: =PID-7 | date
        deceasedDateTime: =PID-29 | datetime
        maritalStatus: {coding: {code: =PID-16.1}, text: =PID-16.2}
        address: {$each: =PID-11, city: =.3, state: =.4}
        telecom:
          - {$each: =PID-13, value: =.1}
          - {$each: =PID-14, value: =.1}
      people: {$each: =RGS/AIP, resourceType: Practitioner, $key: =AIP-3(1).1}
      booking:
        resourceType: Appointment
        $key: =SCH-2.1
        status: proposed
        serviceType:
          - $each: =RGS/AIS
            $delete: =AIS-2 | in D
            coding: {system: =AIS-3.3 | code_system, code: =AIS-3.1}
            text: =AIS-3.2
        participant:
          - {$each: =reference patient, actor: =., status: accepted}
          - $each: =RGS/AIP
            $delete: [=AIP-2 | in D, =absent AIP-4]
            actor: =reference people
            status: accepted
    ---
    table: Gender
    codes: {F: female}
"""
HEAD = "MSH|^~\\&|A|B|||202601011200||SIU^S14|1|P|2.5\nSCH||F1\n"
EMPTY = [""] * 40


def pid(**fields):
    values = EMPTY.copy()
    for name, value in {"f3": "7", **fields}.items():
        values[int(name[1:])] = value
    return "PID" + "|".join(values).rstrip("|") + "\n"


def paths(result):
    """The paths of the operations, by the resource they are for."""
    found = {}
    for entry in result.bundle["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Parameters":
            for operation in resource["parameter"]:
                (target,) = operation["extension"]
                kind, path = (
                    part.get("valueCode") or part["valueString"] for part in operation["part"]
                )
                assert kind == "delete"
                found.setdefault(target["valueReference"]["reference"], []).append(path)
    return found


def test_null_elements_are_deleted_in_the_bundle(compiled, message, context):
    text = HEAD + pid(
        f6='""', f7='""', f8='""', f11='""', f13='""', f16='""', f17='""', f26='""', f29='""'
    )
    result = compiled(MAPPING).apply(message(text), context)
    patient = result.bundle["entry"][0]
    assert paths(result) == {
        patient["fullUrl"]: [
            "Patient.extension('http://x.example/first')",
            "Patient.extension('http://x.example/citizen')",
            "Patient.extension('http://x.example/third')",
            "Patient.gender",
            "Patient.birthDate",
            "Patient.deceased",
            "Patient.maritalStatus",
            "Patient.address",
            "Patient.telecom",
        ]
    }
    assert Validator().issues({**result.bundle, "type": "collection"}) == []
    assert result.deletes[6] == (
        f"Patient/{patient['resource']['id']}",
        "maritalStatus",
        "PID-16.1",
    )


def test_what_is_sent_is_not_deleted(compiled, message, context):
    text = HEAD + pid(f6='""', f11='A^^""^NC', f13='""', f14="555", f16='""^Wed', f26="FR")
    result = compiled(MAPPING).apply(message(text), context)
    (found,) = paths(result).values()
    assert found == [
        "Patient.extension('http://x.example/first')",
        "Patient.maritalStatus.coding",
        "Patient.address.city",
    ]


def test_an_item_taken_out_of_its_list_is_a_delete_and_not_an_item(compiled, message, context):
    services = "AIS|1|A|XR^X-ray^L\nAIS|2|D|O'N^Blood^L\nAIS|3|D|^By name\n"
    text = HEAD + pid() + "RGS|1\n" + services + "AIP|1|D|D1\nAIP|2|D|D2|P\n"
    for trace in (False, True):
        result = compiled(MAPPING).apply(message(text), context, trace=trace)
        made = {entry["fullUrl"]: entry["resource"] for entry in result.bundle["entry"]}
        first, second = (
            url for url, item in made.items() if item["resourceType"] == "Practitioner"
        )
        booking = next(url for url, item in made.items() if item["resourceType"] == "Appointment")
        assert [item["text"] for item in made[booking]["serviceType"]] == ["X-ray"]
        assert len(made[booking]["participant"]) == 2
        assert made[booking]["participant"][1]["actor"]["reference"] == second
        assert paths(result) == {
            booking: [
                "Appointment.serviceType.where(coding.where(system ="
                " 'urn:x-vagus:src:codes:L' and code = 'O\\'N').exists())",
                "Appointment.serviceType.where(text = 'By name')",
                f"Appointment.participant.where(actor.reference = '{first}')",
            ]
        }


def test_a_message_without_nulls_carries_no_deletes(compiled, message, context):
    result = compiled(MAPPING).apply(message(HEAD + pid(f8="F")), context)
    assert paths(result) == {}
    assert result.deletes == []


def test_the_same_message_has_the_same_deletes(compiled, message, context):
    text = HEAD + pid(f8='""')
    one, two = (compiled(MAPPING).apply(message(text), context).bundle for _ in range(2))
    assert one == two


def test_only_items_of_a_list_are_taken_out(lint):
    text = MAPPING.replace("$delete: =AIS-2 | in D", "$delete: D").replace(
        "maritalStatus: {", "maritalStatus: {$delete: =PID-16.1 | in D, "
    )
    text = text.replace("status: proposed", "status: proposed\n        $delete: =SCH-2.1")
    assert sorted(item.split(": ", 1)[1] for item in lint(text)) == [
        "error bad-expression: $delete takes an expression or a list",
        "error bad-value: $delete takes an item out of a list; a resource has no list around it",
        "error wrong-cardinality: 'maritalStatus' is no list to take something out of",
    ]
