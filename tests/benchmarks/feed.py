"""Messages of a made-up feed for benchmarks: twelve segments each, and no two patients alike.

What repeats in a real feed repeats here: 20 doctors, 10 payers, 30 places, a dozen diagnoses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

from vagus.formats.hl7v2 import structures

SEGMENTS = 12
DOCTORS, PAYERS, PLACES = 20, 10, 30
FAMILIES = ("ABEL", "BRANDT", "CASTRO", "DUVAL", "EKMAN", "FONTAINE", "GRANT", "HAAS", "IBSEN")
GIVEN = ("ANNA", "BELA", "CARL", "DORA", "EMIL", "FLORA", "GITA", "HUGO", "INES", "JON", "KIM")
CODES = ("I10", "E11.9", "J45.909", "M54.5", "N39.0", "R07.9", "K21.9", "F41.1", "Z00.00", "J06.9")
ORDER = "EVN SCH PID PD1 MRG NK1 PV1 PV2 OBX AL1 IAM DG1 GT1 IN1 IN2 RGS AIS AIG AIL AIP".split()


class Feed:
    """A sender whose messages differ as those of a hospital do; the same ones for one seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def message(self, code: str, trigger: str) -> bytes:
        """The next message of a type."""
        self._begin()
        lines = [self._header(code, trigger)]
        for name in order(structures.structure_of(code, trigger)):
            if name == "PID" and any(line.startswith("PID") for line in lines):
                self._begin()
            lines.append(self._writers[name](self))
        return "\r".join(lines).encode()

    def _begin(self) -> None:
        pick = self._random
        self.number = pick.randrange(1, 10_000_000)
        self.name = f"{pick.choice(FAMILIES)}{pick.randrange(100)}^{pick.choice(GIVEN)}^Q"
        self.street = f"{pick.randrange(1, 400)} MAIN ST^^SPRINGFIELD^IL^627{pick.randrange(99):02}"
        self.day = f"2026{pick.randrange(1, 13):02}{pick.randrange(1, 29):02}"
        self.time = f"{self.day}{pick.randrange(24):02}{pick.randrange(60):02}05-0600"
        self.born = (
            f"19{pick.randrange(30, 99)}{pick.randrange(1, 13):02}{pick.randrange(1, 29):02}"
        )

    def _some(self, text: str, chance: float = 0.5) -> str:
        """The text, or nothing as often as not."""
        return text if self._random.random() < chance else ""

    def _doctor(self) -> str:
        number = self._random.randrange(DOCTORS)
        return f"12345678{number:02}^{FAMILIES[number % 9]}^{GIVEN[number % 11]}^^^DR^MD^^NPI"

    def _place(self) -> str:
        number = self._random.randrange(PLACES)
        return f"W{number % 5}^{100 + number}^1^RIVERSIDE"

    def _phone(self) -> str:
        return f"(555)555-{self._random.randrange(10_000):04}"

    def _header(self, code: str, trigger: str) -> str:
        name = structures.structure_of(code, trigger)
        return (
            f"MSH|^~\\&|EHR|RIVERSIDE|VAGUS|BENCH|{self.time}||{code}^{trigger}^{name}"
            f"|M{self.number}|P|2.5.1"
        )

    def _evn(self) -> str:
        return f"EVN||{self.time}|||{self._doctor()}"

    def _pid(self) -> str:
        return (
            f"PID|1||{self.number}^^^RIVERSIDE^MR||{self.name}||{self.born}|"
            f"{self._random.choice('FMU')}||2106-3^White^HL70005|{self.street}^USA^H||"
            f"{self._phone()}{self._some('~' + self._phone())}|||{self._some('S')}||"
            f"V{self.number}"
        )

    def _pd1(self) -> str:
        return f"PD1||||{self._doctor()}"

    def _mrg(self) -> str:
        return f"MRG|{self.number + 1}^^^RIVERSIDE^MR||||V{self.number + 1}"

    def _nk1(self) -> str:
        return f"NK1|1|{self.name}|SPO^Spouse^HL70063|{self.street}|{self._phone()}"

    def _pv1(self) -> str:
        return (
            f"PV1|1|I|{self._place()}||||{self._doctor()}|{self._some(self._doctor())}||MED||||1|||"
            f"{self._doctor()}|IN|V{self.number}|||||||||||||||||||||||||{self.time}"
        )

    def _pv2(self) -> str:
        return f"PV2|||CHECK^Check-up{self._some('|||||' + self.day)}"

    def _obx(self) -> str:
        return f"OBX|1|NM|8302-2^Body height^LN||{self._random.randrange(140, 200)}|cm|||||F"

    def _al1(self) -> str:
        return f"AL1|1|DA|PCN^PENICILLIN^L|{self._some('SV')}|HIVES"

    def _iam(self) -> str:
        return f"IAM|{self._random.randrange(9)}|DA|PCN^PENICILLIN^L|{self._some('SV')}|HIVES|A"

    def _dg1(self) -> str:
        code = self._random.choice(CODES)
        return f"DG1|1||{code}^Finding {code}^I10C||{self.time}|A"

    def _gt1(self) -> str:
        return f"GT1|1||{self.name}||{self.street}|{self._phone()}||{self.born}|F||SEL"

    def _in1(self) -> str:
        payer = self._random.randrange(PAYERS)
        return (
            f"IN1|1|PLAN{payer}^Sample Plan {payer}|PAYER{payer}|SAMPLE PAYER {payer}"
            f"|PO BOX {payer}^^SPRINGFIELD^IL^62701||||GRP{self._random.randrange(50)}"
            f"|||||||{self.name}|SEL|{self.born}|||||||||||||||||||M{self.number}"
        )

    def _in2(self) -> str:
        return f"IN2||{self.number}{'|' * 59}M{self.number}"

    def _sch(self) -> str:
        return (
            f"SCH|P{self.number}|F{self.number}|||CHECK^Check-up|ROUTINE|FOLLOWUP|30|min^minutes|"
            f"^^30^{self.time}^{self.time}|||||{self._doctor()}||||{self._doctor()}|||||Booked"
        )

    def _rgs(self) -> str:
        return "RGS|1|A"

    def _ais(self) -> str:
        return f"AIS|1|A|CHECK^Check-up^L|{self.time}|||30|MIN|BOOKED"

    def _aig(self) -> str:
        return f"AIG|1|A|R{self._random.randrange(9)}^Room|2^Device"

    def _ail(self) -> str:
        return f"AIL|1|A|{self._place()}"

    def _aip(self) -> str:
        return f"AIP|1|A|{self._doctor()}|PRI^Primary|||{self.time}|||30|MIN|Booked"

    _writers: dict[str, Callable[[Feed], str]] = {
        "EVN": _evn, "PID": _pid, "PD1": _pd1, "MRG": _mrg, "NK1": _nk1, "PV1": _pv1, "PV2": _pv2,
        "OBX": _obx, "AL1": _al1, "IAM": _iam, "DG1": _dg1, "GT1": _gt1, "IN1": _in1, "IN2": _in2,
        "SCH": _sch, "RGS": _rgs, "AIS": _ais, "AIG": _aig, "AIL": _ail, "AIP": _aip,
    }  # fmt: skip


def events() -> Iterator[tuple[str, str]]:
    """Every message type of the ADT and SIU families that has a structure."""
    for code, letter, numbers in (("ADT", "A", range(1, 63)), ("SIU", "S", range(12, 27))):
        for number in numbers:
            if structures.structure_of(code, f"{letter}{number:02}"):
                yield code, f"{letter}{number:02}"


@cache
def order(name: str) -> tuple[str, ...]:
    """The segments after MSH that a message of a structure gets: all of `ORDER` that it knows.

    Where they are fewer than twelve, patients come again if the structure is of several, and
    clinical segments if it is not.
    """
    structure = structures.structure(name)
    assert structure is not None
    known = _mentioned(structure)
    found = [item for item in ORDER if item in known]
    rare = ("PV2", "DG1") if "SCH" in known else ("OBX",) if "IN1" in known else ()
    found = [item for item in found if item not in rare and (item != "IAM" or "AL1" not in known)]
    several = ("MRG" in known and "PV2" not in known) or name in ("ADT_A17", "ADT_A24", "ADT_A37")
    patient = [item for item in found if item != "EVN"]
    clinical = [item for item in ("DG1", "AL1", "OBX", "NK1", "IAM") if item in found]
    while len(found) < SEGMENTS - 1 and (several or clinical):
        if several:
            found += patient
        else:
            again = clinical[len(found) % len(clinical)]
            found.insert(found.index(again), again)
    return tuple(found[: SEGMENTS - 1])


def _mentioned(group: structures.Group) -> set[str]:
    names = {group.start, *group.members}
    for child in group.groups:
        names |= _mentioned(child)
    return names
