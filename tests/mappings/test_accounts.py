"""What a mapping tells besides its output: loss, lineage, warnings, deletes (§4.3, §4.6, §10)."""

from __future__ import annotations

import pytest

from mappings.result import Delete, Lineage, Loss
from vagus.kernel.errors import MappingError

MAPPING = """
    mapping: small
    from: hl7v2/ADT_A01
    to: fhir/r4
    ignore: {PID-18 IN2-2: kept elsewhere, PID-8 when unread: said twice}
    resources:
      patient:
        resourceType: Patient
        identifier: {$each: =PID-3, value: =.1, system: =.4 | system}
        name: {$each: =PID-5 | first, family: =.1}
        birthDate: =PID-7 | date
        gender: =PID-8 | table Gender
      coverages:
        $each: =IN1
        resourceType: Coverage
        $key: [=IN1-36 || IN2-61.1]
        status: active
        beneficiary: =reference patient
        payor: {display: =IN1-4.1 || IN1-3.1}
        subscriberId: =IN1-36 || IN2-61.1 || IN1-49.1
    ---
    table: Gender
    codes: {M: male, F: female}
"""
TEXT = """
    MSH|^~\\&|A|B|||202601||ADT^A01^ADT_A01|1|P|2.5
    PID|1|old|7^^^H~8^^^H&1.2.3&ISO||Doe^Ann||1980|X|||1 Main|||||||acct
    IN1|1||3|MEDICARE
    IN2|1|ssn
    IN1|2||9|
    IN2|2
    ZPI|1|vip
"""
FILE = "/site.yaml"


def places(result, path):
    return [item.place.rpartition("/")[2] for item in result.lineage if item.element == path]


def test_populated_fields_that_nothing_reads(compiled, message, context):
    mapping = compiled(MAPPING)
    fields = mapping.apply(message(TEXT), context, loss=True).loss
    assert fields == [
        Loss("MSH", 1, [3, 4, 7, 9, 10, 11, 12]),
        Loss("PID", 1, [2, 11]),
        Loss("IN2", 1, [1]),
        Loss("IN2", 2, [1]),
        Loss("ZPI", 1, [1, 2]),
    ]
    parts = mapping.apply(message(TEXT), context, loss="component").loss
    assert Loss("PID", 1, ["2.1", "5.2", "11.1"]) in parts
    assert mapping.apply(message(TEXT), context).loss == []


def test_where_every_element_came_from(compiled, message, context):
    result = compiled(MAPPING).apply(message(TEXT), context, trace=True)
    found = {item.element: item.sources for item in result.lineage}
    assert found["Patient[0].identifier[1].value"] == ("PID(1)-3(2).1",)
    assert found["Patient[0].birthDate"] == ("PID(1)-7",)
    assert found["Coverage[1].payor[0].display"] == ("IN1(1)-4.1",)
    assert found["Coverage[2].payor[0].display"] == ("IN1(2)-4.1", "IN1(2)-3.1")
    assert found["Coverage[1].status"] == ()
    assert "Coverage[1].subscriberId" not in found
    assert places(result, "Patient[0].birthDate") == ["site.yaml:11:16"]
    assert all(isinstance(item, Lineage) for item in result.lineage)


TEMPLATED = """
    mapping: chart
    from: hl7v2/ADT_A01
    to: fhir/r4
    resources:
      patient: {$use: Person, active: true}
    ---
    template: Person
    resourceType: Patient
    $key: =PID-3(1).1
    identifier: {$each: =PID-3, $use: Number}
    ---
    template: Number
    value: =.1
    use: official
"""


def test_a_rule_in_a_template_names_the_lines_that_asked_for_it(compiled, message, context):
    result = compiled(TEMPLATED).apply(message(TEXT), context, trace=True)
    found = {item.element: item for item in result.lineage}
    value = found["Patient[0].identifier[1].value"]
    assert (lines(value.place), [lines(place) for place in value.via]) == (14, [6, 11])
    assert (value.rule, value.sources) == ("=.1", ("PID(1)-3(2).1",))
    assert found["Patient[0].identifier[0].use"].rule == "official"
    assert (lines(found["Patient[0].active"].place), found["Patient[0].active"].via) == (6, ())
    assert found["Patient[0].id"].rule == "=PID-3(1).1"


def lines(place):
    return int(place.split(":")[-2])


def test_every_rule_that_was_asked_is_told_and_what_it_gave(compiled, message, context):
    mapping = compiled(MAPPING)
    result = mapping.apply(message(TEXT), context, trace=True)
    rules = mapping.rules()
    asked = {(rules[n].text, rules[n].role, found) for n, _, _, found in result.attempts}
    assert ("=PID-7 | date", "", True) in asked
    assert ("=PID-8 | table Gender", "", False) in asked  # X is not in the table
    assert ("=IN1", "$each", True) in asked
    assert ("=IN1-36 || IN2-61.1", "$key", False) in asked
    assert next(r for r in rules if r.role == "$key").reads == {"IN1-36", "IN2-61.1"}


@pytest.mark.parametrize("change", [("Doe", "D\\S\\e"), ("|X|", '|""|'), ("7^^^H", " ")])
def test_tracing_changes_nothing(compiled, message, context, change):
    mapping = compiled(MAPPING)
    read = message(TEXT.replace(*change))
    plain, traced = mapping.apply(read, context), mapping.apply(read, context, trace=True)
    assert (plain.bundle, plain.warnings) == (traced.bundle, traced.warnings)
    made = [entry["resource"] for entry in plain.bundle["entry"]]
    assert traced.resources == [one for one in made if one["resourceType"] != "Parameters"]


def test_the_position_of_an_absent_segment_is_zero(compiled, message, context):
    text = TEXT.replace("IN2|2", "").replace(
        "IN1|1||3|MEDICARE", "IN1|1||3|MEDICARE" + "|" * 45 + "S"
    )
    result = compiled(MAPPING).apply(message(text.replace("IN2|1|ssn", "")), context, trace=True)
    found = {item.element: item.sources for item in result.lineage}
    assert found["Coverage[1].subscriberId"] == ("IN1(1)-36", "IN2(0)-61.1", "IN1(1)-49.1")


def test_warnings_say_where_and_never_what(compiled, message, context):
    result = compiled(MAPPING).apply(message(TEXT), context)
    found = [(item.code, item.place.rpartition("/")[2], item.where) for item in result.warnings]
    assert found == [
        ("weak-key", "site.yaml:16:11", "$key"),
        ("weak-key", "site.yaml:16:11", "$key"),
        ("unknown-system", "site.yaml:9:53", "PID-3.4"),
        ("unmapped-code", "site.yaml:12:13", "PID-8"),
    ]


def test_a_null_deletes_only_where_nothing_else_gives_a_value(compiled, message, context):
    text = TEXT.replace("|1980|X|", '|""|""|').replace("|3|MEDICARE", '|3|""')
    result = compiled(MAPPING).apply(message(text), context)
    patient = result.bundle["entry"][0]["resource"]["id"]
    assert result.deletes == [
        Delete(f"Patient/{patient}", "birthDate", "PID-7"),
        Delete(f"Patient/{patient}", "gender", "PID-8"),
    ]
    assert result.bundle["entry"][1]["resource"]["payor"] == [{"display": "3"}]


def test_escapes_are_resolved_after_splitting_and_bad_ones_stay(compiled, message, context):
    text = TEXT.replace("Doe^Ann", "D\\S\\o\\T\\e\\X41\\\\Q\\^Ann")
    result = compiled(MAPPING).apply(message(text), context)
    assert result.bundle["entry"][0]["resource"]["name"] == [{"family": "D^o&eA\\Q\\"}]
    assert "bad-escape" in [item.code for item in result.warnings]


@pytest.mark.parametrize(
    ("change", "code", "where", "path"),
    [
        (("|X|", "|F|"), "required-missing", "", "Coverage.payor"),
        (("|F|", "|Q|"), "unmapped-code", "PID-8", "table Gender"),
    ],
)
def test_errors_name_the_place_and_the_element(
    compiled, message, context, change, code, where, path
):
    mapping = compiled(MAPPING.replace("codes: {M", "unmapped: error\n    codes: {M"))
    text = TEXT.replace("IN1|2||9|", "IN1|2").replace("|X|", "|F|").replace(*change)
    with pytest.raises(MappingError) as error:
        mapping.apply(message(text), context)
    assert (error.value.code, error.value.where, error.value.path) == (code, where, path)
    assert error.value.mapping == "small"
    assert "Ann" not in str(error.value)


def test_the_version_counts_all_that_goes_into_a_mapping(catalogue):
    versions = {
        catalogue(text).mapping("small").version
        for text in (
            MAPPING,
            MAPPING.replace("F: female", "F: other"),
            MAPPING.replace("=PID-7", "=PID-29"),
            MAPPING.replace("kept elsewhere", "kept nowhere"),
        )
    }
    assert len(versions) == 4
    remark = MAPPING.replace("mapping: small", "# a remark\n    mapping: small")
    assert catalogue(remark).mapping("small").version in versions


def test_fhir_elements_that_nothing_reads(compiled, context):
    mapping = compiled(
        """
        mapping: names
        from: fhir/r4
        to: fhir/r4
        resources:
          patients:
            $each: =Patient
            resourceType: Patient
            name: {$each: =.name, family: =.family}
        """
    )
    source = {
        "resourceType": "Patient",
        "id": "p",
        "name": [{"family": "X", "given": ["Y"]}],
        "gender": "male",
    }
    result = mapping.apply(source, context, loss=True, trace=True)
    assert result.loss == [Loss("Patient", 1, ["name.given", "gender"])]
    assert result.bundle["entry"][0]["resource"]["name"] == [{"family": "X"}]
