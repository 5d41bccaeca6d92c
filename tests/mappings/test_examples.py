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


def test_each_plan_has_its_own_second_segment(example, message, context):
    result = example("insurance").apply(message(insured()), context)
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


def test_a_merge_links_both_ways_and_keeps_the_retired_id(example, message, context):
    mapping = example("merge")
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


def test_several_resource_groups_and_status_from_the_trigger(example, message, context):
    mapping = example("booking")
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


def test_nulls_escapes_and_partial_dates(example, message, context):
    text = HEAD + '\nPID|1||1^^^H^MR||O\\T\\NE^ANN||1980|""|||5 Main \\S\\ St^^""^NC||""'
    result = example("person").apply(message(text), context)
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


ISA = (
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*0000"
    "*^*00501*000000001*0*P*:~GS*HP*S*R*20260101*0000*1*X*005010X221A1~ST*835*1~"
    "BPR*I*15000.00*C*ACH************20260103~N1*PR*PAYER INC~N1*PE*CLINIC~LX*1~"
    "CLP*C1*1*15000.00*9000.00~"
    "CAS*CO*45*1000.10*1*97*0.20*2*16*3.00**18*4.40**22*5.50**23*2006.47~CAS*PR*1*0.00~"
    "NM1*QC*1*DOE*JANE~"
    "PLB*1*20261231*CV:CP*-1.27*WO:77*500.00~SE*1*1~GE*1*1~IEA*1*000000001~"
)


def test_adjustments_come_in_threes_and_money_is_exact(example, interchange, context):
    result = example("remittance").apply(interchange(ISA), context)
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


SERVICE = "https://x12.org/codes/service-type-codes"
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
                            {"system": SERVICE, "code": "30"},
                            {"system": "http://other.example", "code": "no"},
                        ]
                    },
                    {"coding": [{"system": SERVICE, "code": "98"}]},
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


def test_a_bundle_becomes_segments(example, context):
    result = example("inquiry").apply(BUNDLE, context)
    assert ["*".join(row) for row in result.segments] == [
        "BHT*0022*13*appt-1*20260101*0000",
        "HL***20",
        "NM1*PR*2*PAYER INC*****PI*12345",
        "DMG*D8*19800102*F",
        "EQ*30",
        "EQ*98",
    ]


def test_a_bundle_becomes_hl7_with_nested_parts(example, context):
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
    result = example("register").apply(bundle, context)
    lines = write(result.segments).decode().split("\r")
    assert lines[0].split("|")[8] == "ADT^A04^ADT_A05"
    assert lines[1] == "PID|||1^^^H&&ISO~2^^^H&&ISO||O\\S\\Neil \\T\\ Co^Jane^^^^^L||||||^^X"
    assert lines[2] == "IN1|1" + "|" * 35 + "A"
    assert lines[3].startswith("IN1|2|") and lines[4] == "IN2" + "|" * 61 + "H"


def test_copied_resources_get_new_ids_and_references_follow(example, context):
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
    result = example("copy").apply(bundle, context)
    [patient], [booked] = of_type(result, "Patient"), of_type(result, "Appointment")
    assert patient["id"] != "p" and patient["active"] is True and "text" not in patient
    assert booked["participant"][0]["actor"]["reference"] == f"urn:uuid:{patient['id']}"
    assert bundle["entry"][1]["resource"]["participant"][0]["actor"] == {"reference": "Patient/p"}


@pytest.mark.parametrize("name", ["moov-x12", "linuxforhealth-x12"])
def test_real_remittances_balance(example, interchange, context, corpora, name):
    mapping = example("remittance")
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
