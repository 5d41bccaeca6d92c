"""A site's overlay on a library mapping (§8), and which mapping a message gets."""

from __future__ import annotations

from mappings.catalogue import load
from vagus.kernel.diagnostics import Diagnostics

SITE = """
    mapping: mercy_ADT_A01
    extends: ADT_A01
    structure: {IN1: ZIN}
    resources:
      patient: {telecom: null, extension: {url: "http://mercy.example/vip", valueString: =ZPI-3}}
      coverages: {$remove: [period], subscriberId: =IN1/ZIN-2 || IN2-61.1}
      guarantors: null
"""
TEXT = """
    MSH|^~\\&|A|B|||202601010000||ADT^A01^ADT_A01|1|P|2.5
    EVN|A01|202601010000
    PID|1||7^^^H^MR||Doe^Ann|||F|||||555
    PV1|1|I
    GT1|1||Doe^Bob
    IN1|1||3|MEDICARE||||||||20200101
    ZIN|1|Z-SUB-1
    IN1|2||9|OTHER||||||||20200101
    ZPI|1||gold
"""


def test_the_overlay_of_the_reference(catalogue, message, context):
    found = catalogue(SITE, library=True)
    mapping = found.select("hl7v2", structure="ADT_A01", type="ADT^A01")
    assert mapping is not None and mapping.name == "mercy_ADT_A01"
    result = mapping.apply(message(TEXT), context)
    resources = [entry["resource"] for entry in result.bundle["entry"]]
    [patient] = [item for item in resources if item["resourceType"] == "Patient"]
    plans = [item for item in resources if item["resourceType"] == "Coverage"]
    assert {"url": "http://mercy.example/vip", "valueString": "gold"} in patient["extension"]
    assert "telecom" not in patient
    assert [plan.get("subscriberId") for plan in plans] == ["Z-SUB-1", None]
    assert not any("period" in plan for plan in plans)
    assert not any(
        name.get("family") == "Doe" and "Bob" in name.get("given", ())
        for item in resources
        for name in item.get("name", ())
        if isinstance(name, dict)
    )


def test_message_types_of_a_mapping_win_over_its_structure(catalogue):
    found = catalogue(
        """
        mapping: registrations
        for: ADT^A04 ADT^A08
        from: hl7v2/ADT_A01
        to: fhir/r4
        resources: {patient: {resourceType: Patient, birthDate: =PID-7 | date}}
        ---
        mapping: others
        from: hl7v2/ADT_A01
        to: fhir/r4
        resources: {patient: {resourceType: Patient, gender: =PID-8 | table Gender}}
        ---
        table: Gender
        codes: {F: female}
        """
    )
    for kind, name in (("ADT^A04", "registrations"), ("ADT^A01", "others")):
        chosen = found.select("hl7v2", structure="ADT_A01", type=kind)
        assert chosen is not None and chosen.name == name
    assert found.select("hl7v2", structure="SIU_S12", type="SIU^S12") is None
    assert found.select("x12", structure="ADT_A01") is None
    assert found.get("nobody") is None


def test_a_mapping_with_errors_is_left_out_and_the_others_stay(tmp_path):
    good = "mapping: good\nfrom: hl7v2/ADT_A01\nto: fhir/r4\nresources: {}\n"
    (tmp_path / "a.yaml").write_text(
        good.replace("{}", "{p: {resourceType: Patent}}").replace("good", "bad")
    )
    (tmp_path / "b.yaml").write_text(good)
    report = Diagnostics()
    assert load([tmp_path], report, library=False).names() == ["good"]
    assert [item.code for item in report.errors] == ["bad-value"]


def test_templates_merge_deeply_and_null_takes_away(compiled, message, context):
    mapping = compiled(
        """
        mapping: merged
        from: hl7v2/ADT_A01
        to: fhir/r4
        resources:
          patient:
            $use: Person
            name: {period: {start: null}, use: official}
            gender: null
        ---
        template: Person
        resourceType: Patient
        name: {family: =PID-5(1).1, period: {start: =PID-7 | date, end: =PID-29 | date}}
        gender: female
        """
    )
    read = message(
        "MSH|^~\\&|A|B|||2026||ADT^A01^ADT_A01|1|P|2.5\nPID|1||7||X||1980" + "|" * 22 + "2020"
    )
    [entry] = mapping.apply(read, context).bundle["entry"]
    assert entry["resource"]["name"] == [
        {"family": "X", "period": {"end": "2020"}, "use": "official"}
    ]
    assert "gender" not in entry["resource"]
