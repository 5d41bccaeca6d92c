"""Clean messages of invented patients for every trigger event: as short or as full as it goes."""

from __future__ import annotations

from collections.abc import Iterator

from vagus.formats.hl7v2.grammar import Item
from vagus.formats.hl7v2.structures import order, structure_of

STAMP = "20261122101500+0000"
DOCTOR = "D1^Field^Ada"
HOME = "1 Low Road^^Stowe^VT^05672^USA^H"
PHONE = "^PRN^PH^^1^802^5550100"
_BOOKED = {6: "20261123090000", 7: "0", 8: "MIN", 9: "30", 10: "MIN", 11: "No", 12: "Booked"}
FIELDS: dict[str, dict[int, str]] = {
    "ACC": {1: STAMP, 3: "Parking deck", 5: "Y", 6: "N"},
    "AIG": {1: "1", 2: "A", 3: "R1^Ultrasound", 4: "EQ^Equipment", 6: "1", 13: "No", 14: "Booked"},
    "AIL": {1: "1", 2: "A", 3: "ROOM1^^^RIVER", **_BOOKED},
    "AIP": {1: "1", 2: "A", 3: DOCTOR, 4: "MD^Physician", **_BOOKED},
    "AIS": {1: "1", 2: "A", 3: "US^Ultrasound", 4: "20261123090000", 9: "No", 10: "Booked"},
    "AL1": {1: "1", 2: "DA^Drug^HL70127", 3: "70618^Penicillin^RXN", 4: "SV", 5: "Hives"},
    "ARV": {1: "1", 2: "A", 3: "DEM^Demographics^HL70717", 4: "PAT"},
    "AUT": {2: "PAYER1^Payer", 3: "Payer", 4: "20260101", 13: "RP^Referral"},
    "DB1": {1: "1", 2: "PT", 4: "N", 5: "20260101"},
    "DG1": {1: "1", 3: "R07.9^Chest pain^I10", 5: "20261122", 6: "A", 15: "1"},
    "DRG": {1: "470^Joint^DRG", 2: "20261122", 3: "N"},
    "EVN": {2: STAMP},
    "GT1": {1: "1", 3: "Rivers^Ann", 5: HOME, 6: PHONE, 8: "19700101", 9: "F", 11: "SEL"},
    "IAM": {1: "1", 2: "DA^Drug^HL70127", 3: "70618^Penicillin^RXN", 4: "SV", 6: "A"},
    "IAR": {1: "HIVES^Hives", 2: "MO"},
    "IN1": {
        1: "1",
        2: "PPO",
        3: "P1^^^NAIC^NIIP",
        12: "20260101",
        17: "SEL",
        18: "19700101",
        20: "Y",
    },
    "IN2": {18: "N", 61: "M1^^^ACME^MB"},
    "IN3": {1: "1", 4: "N", 6: STAMP},
    "MRG": {1: "OLD1^^^RIVER^MR", 3: "A0^^^RIVER^AN", 5: "V0^^^RIVER^VN", 6: "W0^^^RIVER^VN"},
    "NK1": {1: "1", 2: "Rivers^Tom^^^^^L", 3: "SPO^Spouse^HL70063", 4: HOME, 5: PHONE, 7: "C"},
    "NPU": {1: "W1^2^A^RIVER", 2: "O"},
    "NTE": {1: "1", 2: "L", 3: "a remark", 4: "RE"},
    "OBX": {1: "1", 2: "NM", 3: "8302-2^Height^LN", 5: "170", 6: "cm", 11: "F", 14: STAMP},
    "PD1": {1: "S", 2: "A", 3: "Clinic^L", 7: "Y", 8: "N", 9: "N", 12: "N", 13: "20260101"},
    "PDA": {3: "N", 6: "N", 9: "N"},
    "PID": {
        1: "1",
        3: "P1^^^RIVER^MR~S1^^^USSSA^SS",
        5: "Rivers^Ann^^^^^L~Brook^Ann^^^^^M",
        7: "19700101",
        8: "F",
        11: HOME,
        13: PHONE,
        16: "M",
        17: "CHR",
        18: "A1^^^RIVER^AN",
        22: "N",
        24: "N",
        25: "2",
        30: "N",
    },
    "PR1": {1: "1", 3: "80146002^Appendectomy^SCT", 5: "20261122", 6: "D", 7: "30"},
    "PRT": {2: "AD", 4: "AT^Attending^HL70912", 5: DOCTOR},
    "PV1": {
        1: "1",
        2: "I",
        3: "W1^2^A^RIVER^^N",
        4: "E",
        7: "D1^Field^Ada^^^^^^NPI^L",
        10: "MED",
        18: "IP",
        19: "V1^^^RIVER^VN",
        44: "20261122",
        50: "W1^^^RIVER^VN",
        51: "V",
    },
    "PV2": {3: "R07.9^Chest pain^I10", 8: "20261125", 10: "3", 22: "N"},
    "RF1": {1: "A", 2: "R", 3: "Med", 4: "AM", 5: "O", 6: "R1"},
    "RGS": {1: "1", 2: "A"},
    "ROL": {2: "AD", 3: "AT^Attending^HL70443", 4: DOCTOR},
    "SCH": {
        1: "A1^EHR",
        2: "A1^HUB",
        6: "ROUTINE^Routine^HL70276",
        7: "CHECKUP",
        8: "Normal",
        16: DOCTOR,
        17: PHONE,
        20: "D2^Brook^Eve",
        25: "Booked",
    },
    "SFT": {1: "Clinics^L", 2: "1.0", 3: "EHR", 4: "77"},
    "TQ1": {1: "1", 7: "20261123090000", 8: "20261123093000"},
    "UAC": {1: "SAML^SAML^HL70615", 2: "^TEXT^XML^A^token"},
    "UB1": {1: "1"},
    "UB2": {1: "1"},
}


def message(code: str, trigger: str, version: str = "2.8", *, full: bool = True) -> str:
    """A message without any fault: with every segment of its structure, or the required ones."""
    structure = structure_of(code, trigger)
    fields = dict(FIELDS)
    if version < "2.7":
        fields["EVN"] = {1: trigger, **FIELDS["EVN"]}
        fields["SCH"] = {**FIELDS["SCH"], 11: "^^30^20261123090000^20261123093000"}
    header = f"EHR|RIVER|VAGUS|HUB|{STAMP}||{code}^{trigger}^{structure}|C1|P|{version}|1||AL|NE"
    names = list(_names(order(structure), full))
    return "\r".join([f"MSH|^~\\&|{header}", *(line(name, fields[name]) for name in names[1:]), ""])


def line(name: str, fields: dict[int, str]) -> str:
    """A segment of the fields given by number."""
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


def _names(items: tuple[Item, ...], full: bool) -> Iterator[str]:
    for item in items:
        if item.foreign or not (item.least or full):
            continue
        times = item.least if item.most == item.least > 1 else 2 if full and not item.most else 1
        for _ in range(times):
            yield item.name
            yield from _names(item.items, full)
