"""The worked examples of the language reference (§15)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

HEAD = "MSH|^~\\&|APP|FAC|||20260101||ADT^A01^ADT_A01|1|P|2.5"


def of_type(result: Any, kind: str) -> list[dict[str, Any]]:
    entries = result.bundle.get("entry", [])
    return [e["resource"] for e in entries if e["resource"]["resourceType"] == kind]


def codes(result: Any) -> list[str]:
    return [warning.code for warning in result.warnings]


INSURANCE = """
    mapping: insurance
    from: hl7v2/ADT_A01
    to: fhir/r4
    resources:
      patient: {resourceType: Patient, birthDate: =PID-7 | date}
      coverages:
        $each: =IN1
        resourceType: Coverage
        $key: [=IN1-3.1, =IN1-49.1 || IN1-36 || IN2-61.1]
        status: active
        order: =IN1-1 | number
        subscriberId: =IN1-36 || IN2-61.1 || IN1-49.1
        beneficiary: =reference patient
        period: {start: =IN1-12 | date, end: =IN1-13 | date}
        payor: {display: =IN1-4.1, identifier: {value: =IN1-3.1}}
"""


def segment(name: str, values: dict[int, str]) -> str:
    return "|".join([name, *(values.get(n, "") for n in range(1, max(values) + 1))])


def insured() -> str:
    return "\n".join(
        [
            HEAD,
            "PID|1||7||X^Y",
            segment("IN1", {1: "1", 3: "3", 4: "MEDICARE", 12: "19891001", 36: "123121234A"}),
            segment("IN2", {1: "1"}),
            segment("IN1", {1: "2", 3: "9", 4: "MEDICAL MUTUAL CALIF."}),
            segment("IN2", {1: "2", 61: "056269770"}),
            segment("IN1", {1: "3", 3: "1", 4: "SELF PAY"}),
        ]
    )


def test_each_plan_has_its_own_second_segment(compiled, message, context):
    result = compiled(INSURANCE).apply(message(insured()), context)
    plans = of_type(result, "Coverage")
    assert [plan["order"] for plan in plans] == [1, 2, 3]
    assert [plan.get("subscriberId") for plan in plans] == ["123121234A", "056269770", None]
    assert [plan["payor"][0]["identifier"]["value"] for plan in plans] == ["3", "9", "1"]
    assert plans[0]["period"] == {"start": "1989-10-01"}
    assert all("period" not in plan for plan in plans[1:])
    assert plans[1]["payor"] == [{"display": "MEDICAL MUTUAL CALIF.", "identifier": {"value": "9"}}]
    assert codes(result) == ["weak-key"]
    patient = of_type(result, "Patient")[0]["id"]
    assert {plan["beneficiary"]["reference"] for plan in plans} == {f"urn:uuid:{patient}"}


MERGE = """
    mapping: merge
    from: hl7v2/ADT_A39
    to: fhir/r4
    resources:
      pairs:
        $each: =PID
        resources:
          survivor: {$use: Patient, $key: [=PID-3.4 | system, =PID-3.1], active: true, link: {$each: =reference retired, other: =., type: replaces}}
          retired:
            $each: =MRG-1
            resourceType: Patient
            $key: [=.4 | system, =.1]
            active: false
            identifier: {$use: CX}
            link: {other: =reference survivor, type: replaced-by}
    ---
    template: CX
    in: CX
    value: =.1
    system: =.4 | system
    type: {coding: {system: "http://terminology.hl7.org/CodeSystem/v2-0203", code: =.5}}
    ---
    template: Patient
    resourceType: Patient
    identifier: {$each: =PID-3, $use: CX}
"""


def test_a_merge_links_both_ways_and_keeps_the_retired_id(compiled, message, context):
    mapping = compiled(MERGE)
    text = HEAD.replace("A01^ADT_A01", "A40^ADT_A39")
    result = mapping.apply(message(f"{text}\nPID|1||12345^^^BCBS^MR\nMRG|56789^^^BCBS^MR"), context)
    survivor, retired = of_type(result, "Patient")
    assert survivor["active"] is True
    assert survivor["link"] == [
        {"other": {"reference": f"urn:uuid:{retired['id']}"}, "type": "replaces"}
    ]
    assert retired["active"] is False
    assert retired["identifier"][0]["value"] == "56789"
    assert retired["link"] == [
        {"other": {"reference": f"urn:uuid:{survivor['id']}"}, "type": "replaced-by"}
    ]
    before = mapping.apply(message(f"{text}\nPID|1||56789^^^BCBS^MR"), context)
    assert of_type(before, "Patient")[0]["id"] == retired["id"]


BOOKING = """
    mapping: booking
    from: hl7v2/SIU_S12
    to: fhir/r4
    resources:
      patient: {resourceType: Patient, birthDate: =PID-7 | date}
      people:
        $each: =RGS/AIP
        $when: =AIP-3.1
        resourceType: Practitioner
        $key: =AIP-3(1).1
        name: {family: =AIP-3(1).2}
      appointment:
        resourceType: Appointment
        $key: =SCH-2.1
        status: =SCH-25.1 | table FillerStatus || MSH-9.2 | table SiuTrigger
        serviceType: {$each: =RGS/AIS, coding: {system: =AIS-3.3 | code_system, code: =AIS-3.1, display: =AIS-3.2}}
        comment: =NTE-3 | join '; '
        participant:
          - {actor: =reference patient, status: accepted}
          - {$each: =RGS/AIP, actor: =reference people, required: required, status: =AIP-12.1 | table Part || 'needs-action'}
          - {$each: =RGS/AIG, actor: {display: =AIG-3.2 || AIG-3.1}, status: accepted, type: {$each: =AIG-4, $use: CWE}}
    ---
    template: CWE
    in: CWE CE CNE
    coding: {code: =.1}
    text: =.2
    ---
    table: FillerStatus
    codes: {Booked: booked}
    ---
    table: SiuTrigger
    unmapped: error
    codes: {S12: booked, S26: noshow}
    ---
    table: Part
    codes: {Confirmed: accepted}
"""
GROUPS = """
    SCH|1^P|2^F|||||||||||||||||||||||{status}
    NTE|1||outer
    PID|1||7
    RGS|1
    AIS|1||A^Aye^LN
    NTE|1||inner
    AIG|1||G1|R^Room
    AIP|1||11^ONE|||||||||Confirmed
    RGS|2
    AIS|1||B
    AIS|2||C
    AIG|1||G2
    AIG|2||G3^Three
    AIP|1|
    RGS|3
    AIP|1||33^THREE
"""


def booking(trigger: str, status: str) -> str:
    head = HEAD.replace("ADT^A01^ADT_A01", f"SIU^{trigger}^SIU_S12")
    return head + GROUPS.format(status=status)


def test_several_resource_groups_and_status_from_the_trigger(compiled, message, context):
    mapping = compiled(BOOKING)
    result = mapping.apply(message(booking("S12", "Booked")), context)
    [appointment] = of_type(result, "Appointment")
    people = of_type(result, "Practitioner")
    assert [kind["coding"][0]["code"] for kind in appointment["serviceType"]] == ["A", "B", "C"]
    assert appointment["serviceType"][0]["coding"][0]["system"] == "http://loinc.org"
    assert appointment["comment"] == "outer"
    assert [person["name"][0]["family"] for person in people] == ["ONE", "THREE"]
    actors = appointment["participant"]
    assert len(actors) == 7
    urls = [f"urn:uuid:{person['id']}" for person in people]
    assert actors[1]["actor"]["reference"] == urls[0]
    assert actors[1]["status"] == "accepted"
    assert "actor" not in actors[2]
    assert actors[3] == {
        "actor": {"reference": urls[1]},
        "required": "required",
        "status": "needs-action",
    }
    assert actors[4]["type"] == [{"coding": [{"code": "R"}], "text": "Room"}]
    emptied = mapping.apply(message(booking("S26", "")), context)
    assert of_type(emptied, "Appointment")[0]["status"] == "noshow"


PERSON = """
    mapping: person
    from: hl7v2/ADT_A01
    to: fhir/r4
    resources:
      patient:
        resourceType: Patient
        name: {$each: =PID-5, family: =.1, given: [=.2, =.3]}
        birthDate: =PID-7 | date
        gender: =PID-8 | table Gender
        address: {$each: =PID-11, line: [=.1, =.2], city: =.3, state: =.4}
        telecom: {$each: =PID-13, value: =.1}
    ---
    table: Gender
    codes: {M: male, F: female}
"""


def test_nulls_escapes_and_partial_dates(compiled, message, context):
    text = HEAD + '\nPID|1||1^^^H^MR||O\\T\\NE^ANN||1980|""|||5 Main \\S\\ St^^""^NC||""'
    result = compiled(PERSON).apply(message(text), context)
    [patient] = of_type(result, "Patient")
    assert patient["name"] == [{"family": "O&NE", "given": ["ANN"]}]
    assert patient["birthDate"] == "1980"
    assert patient["address"] == [{"line": ["5 Main ^ St"], "state": "NC"}]
    assert "gender" not in patient and "telecom" not in patient
    owner = f"Patient/{patient['id']}"
    assert sorted(result.deletes) == [
        (owner, "address.city", "PID-11.3"),
        (owner, "gender", "PID-8"),
        (owner, "telecom", "PID-13"),
    ]


REMITTANCE = """
    structure: x12/835
    groups:
      _: ISA GS ST BPR TRN CUR REF DTM PLB SE GE IEA
      1000A N1-1=PR: N3 N4 REF PER
      1000B N1-1=PE: N3 N4 REF RDM
      2000 LX: {_: TS3 TS2, 2100 CLP: {_: CAS NM1 MIA MOA REF DTM PER AMT QTY, 2110 SVC: DTM CAS REF AMT QTY LQ}}
    ---
    mapping: remittance
    from: x12/835
    to: fhir/r4
    resources:
      claims:
        $each: =2000/2100
        resourceType: ClaimResponse
        $key: =CLP-1
        status: active
        type: {text: claim}
        use: claim
        outcome: complete
        patient: {display: =NM1-3}
        created: =now
        insurer: {display: =1000A/N1-2}
        adjudication:
          $each: =CAS | chunk 2 3
          category: {coding: {system: "https://x12.org/codes/claim-adjustment-group-codes", code: =CAS-1}}
          reason: {coding: {system: "https://x12.org/codes/claim-adjustment-reason-codes", code: =.1}}
          amount: {value: =.2 | number, currency: USD}
          value: =.3 | number
        total: {category: {text: paid}, amount: {value: =CLP-4 | number, currency: USD}}
      payment:
        $when: =BPR-16 | date
        resourceType: PaymentReconciliation
        status: active
        created: =now
        paymentDate: =BPR-16 | date
        paymentAmount: {value: =BPR-2 | number, currency: USD}
        detail:
          - {$each: =PLB | chunk 3 2, type: =.1.1 | table PlbType, identifier: {value: =.1.2}, amount: {value: =.2 | number | times -1, currency: USD}}
    ---
    table: PlbType
    source: https://x12.org/codes/provider-adjustment-reason-codes
    target: http://example.org/adjustment
    unmapped: pass
    codes: {WO: recovery}
"""
ISA = (
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*0000"
    "*^*00501*000000001*0*P*:~GS*HP*S*R*20260101*0000*1*X*005010X221A1~ST*835*1~"
    "BPR*I*15000.00*C*ACH************20260103~N1*PR*PAYER INC~N1*PE*CLINIC~LX*1~"
    "CLP*C1*1*15000.00*9000.00~"
    "CAS*CO*45*1000.10*1*97*0.20*2*16*3.00**18*4.40**22*5.50**23*2006.47~CAS*PR*1*0.00~"
    "NM1*QC*1*DOE*JANE~"
    "PLB*1*20261231*CV:CP*-1.27*WO:77*500.00~SE*1*1~GE*1*1~IEA*1*000000001~"
)


def test_adjustments_come_in_threes_and_money_is_exact(compiled, interchange, context):
    result = compiled(REMITTANCE).apply(interchange(ISA), context)
    [claim] = of_type(result, "ClaimResponse")
    lines = claim["adjudication"]
    amounts = [line["amount"]["value"] for line in lines]
    assert list(map(str, amounts)) == [
        "1000.10", "0.20", "3.00", "4.40", "5.50", "2006.47", "0.00"
    ]  # fmt: skip
    groups = [line["category"]["coding"][0]["code"] for line in lines]
    assert groups == ["CO"] * 6 + ["PR"]
    assert [line.get("value") for line in lines] == [1, 2] + [None] * 5
    assert sum(amounts) == Decimal("3019.67")
    assert claim["insurer"] == {"display": "PAYER INC"}
    [payment] = of_type(result, "PaymentReconciliation")
    assert [str(item["amount"]["value"]) for item in payment["detail"]] == ["1.27", "-500.00"]
    assert payment["detail"][0]["type"]["coding"] == [
        {"system": "https://x12.org/codes/provider-adjustment-reason-codes", "code": "CV"}
    ]
    assert codes(result) == ["unmapped-code"]


INQUIRY = """
    mapping: inquiry
    from: fhir/r4
    to: x12/270
    segments:
      - BHT: {BHT01: '0022', BHT02: '13', BHT03: =Appointment.id | slice 1 50, BHT04: =now | format x12-date, BHT05: =now | format x12-time}
      - HL: {HL03: '20'}
      - NM1: {NM101: PR, NM102: '2', NM103: =Coverage.payor | resolve Organization | get .name | upper, NM108: PI, NM109: =Coverage.payor | resolve Organization | get .identifier.value}
      - DMG: {DMG01: D8, DMG02: =Patient.birthDate | format x12-date, DMG03: =Patient.gender | table Sex}
      - EQ: {$each: =Appointment.serviceType.coding | where .system https://x12.org/codes/service-type-codes, EQ01: =.code}
    ---
    table: Sex
    codes: {female: F, male: M}
"""
BUNDLE = {
    "resourceType": "Bundle",
    "entry": [
        {
            "resource": {
                "resourceType": "Appointment",
                "id": "appt-1",
                "serviceType": [
                    {
                        "coding": [
                            {"system": "https://x12.org/codes/service-type-codes", "code": "30"},
                            {"system": "http://other.example", "code": "no"},
                        ]
                    },
                    {"coding": [{"system": "https://x12.org/codes/service-type-codes", "code": "98"}]},
                ],
            }
        },
        {"resource": {"resourceType": "Coverage", "payor": [{"reference": "Organization/o1"}]}},
        {
            "resource": {
                "resourceType": "Organization",
                "id": "o1",
                "name": "Payer Inc",
                "identifier": [{"value": "12345"}],
            }
        },
        {
            "fullUrl": "urn:uuid:p",
            "resource": {"resourceType": "Patient", "gender": "female", "birthDate": "1980-01-02"},
        },
    ],
}  # fmt: skip


def test_a_bundle_becomes_segments(compiled, context):
    result = compiled(INQUIRY).apply(BUNDLE, context)
    assert ["*".join(row) for row in result.segments] == [
        "BHT*0022*13*appt-1*20260101*0000",
        "HL***20",
        "NM1*PR*2*PAYER INC*****PI*12345",
        "DMG*D8*19800102*F",
        "EQ*30",
        "EQ*98",
    ]


REGISTER = """
    mapping: register
    from: fhir/r4
    to: hl7v2/ADT_A05
    segments:
      - MSH: {MSH-9: {1: ADT, 2: A04, 3: ADT_A05}}
      - PID:
          PID-3: {$each: =Patient.identifier, 1: =.value, 4: {1: H, 3: ISO}}
          PID-5: {$each: =Patient.name, 1: =.family, 2: =.given, 7: L}
          PID-11.3: =Patient.address.city
      - {$each: =Coverage, segments: [IN1: {IN101: =index, IN136: =.subscriberId}, IN2: {IN2-61.1: =Coverage.policyHolder.identifier.value}]}
"""


def test_a_bundle_becomes_hl7_with_nested_parts(compiled, context):
    from vagus.formats.hl7v2.writer import write

    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "Patient",
                    "identifier": [{"value": "1"}, {"value": "2"}],
                    "name": [{"family": "O^Neil & Co", "given": ["Jane", "Q"]}],
                    "address": [{"city": "X"}],
                }
            },
            {"resource": {"resourceType": "Coverage", "subscriberId": "A"}},
            {
                "resource": {
                    "resourceType": "Coverage",
                    "subscriberId": "B",
                    "policyHolder": {"identifier": {"value": "H"}},
                }
            },
        ],
    }
    result = compiled(REGISTER).apply(bundle, context)
    lines = write(result.segments).decode().split("\r")
    assert lines[0].split("|")[8] == "ADT^A04^ADT_A05"
    assert lines[1] == "PID|||1^^^H&&ISO~2^^^H&&ISO||O\\S\\Neil \\T\\ Co^Jane^^^^^L||||||^^X"
    assert lines[2] == "IN1|1" + "|" * 35 + "A"
    assert lines[3].startswith("IN1|2|") and lines[4] == "IN2" + "|" * 61 + "H"


COPY = """
    mapping: taken_over
    from: fhir/r4
    to: fhir/r4
    resources:
      patients: {$each: =Patient, resourceType: Patient, $copy: =., text: null, active: true}
      appointments: {$each: =Appointment, resourceType: Appointment, $copy: =.}
"""


def test_copied_resources_get_new_ids_and_references_follow(compiled, context):
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "p", "text": {}, "gender": "male"}},
            {
                "resource": {
                    "resourceType": "Appointment",
                    "id": "a",
                    "status": "booked",
                    "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}],
                }
            },
        ],
    }
    result = compiled(COPY).apply(bundle, context)
    [patient], [booked] = of_type(result, "Patient"), of_type(result, "Appointment")
    assert patient["id"] != "p" and patient["active"] is True and "text" not in patient
    assert booked["participant"][0]["actor"]["reference"] == f"urn:uuid:{patient['id']}"
    assert bundle["entry"][1]["resource"]["participant"][0]["actor"] == {"reference": "Patient/p"}


@pytest.mark.parametrize("name", ["moov-x12", "linuxforhealth-x12"])
def test_real_remittances_balance(compiled, interchange, context, corpora, name):
    mapping = compiled(REMITTANCE)
    files = [path for path in (corpora / f"x12-{name}/835").rglob("*") if path.is_file()]
    mapped = 0
    for path in files:
        text = path.read_bytes().decode("latin-1").lstrip()
        if not text.startswith("ISA") or len(text) < 200:
            continue
        message = interchange(text)
        first = mapping.apply(message, context, loss=True)
        assert first.bundle == mapping.apply(message, context, trace=True).bundle
        mapped += 1
    assert mapped
