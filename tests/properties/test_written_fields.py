"""Any message of the shape we write is the same again after FHIR: every field of it, whatever
characters stand in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from properties.round_trip import FORMAT, compare, context, library, trip

from vagus.formats.format import Terms
from vagus.formats.hl7v2.escapes import unescape

LETTERS = "abcXYZ 0123456789äß漢'\"-_/.,:;|^~\\&#\n"


def shown(text: str) -> bool:
    """Blanks at the ends are not promised, and two quotes alone mean something else."""
    return text == text.strip() and text not in ("", '""')


TEXT = st.text(LETTERS, min_size=1, max_size=10).filter(shown)
WORD = st.text("ABCDEFGHIJ0123456789", min_size=1, max_size=6)
CODE = st.text("ABC019.-", min_size=1, max_size=6).filter(str.isalnum)
DAY = st.dates().map(lambda day: day.strftime("%Y%m%d").zfill(8))
DATE = st.one_of(DAY, DAY.map(lambda day: day[:6]), DAY.map(lambda day: day[:4]))
OFFSET = st.sampled_from(["+0000", "-0500", "+0530", "+1245"])
TIME = st.builds("{}{:%H%M%S}{}".format, DAY, st.times(), OFFSET)
MOMENT = st.one_of(DATE, TIME)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(""), strategy)


def parts(**components: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """A repetition whose components are numbered by name: `_3=TEXT`."""
    numbers = {int(name[1:]): value for name, value in components.items()}
    empty = st.just("")
    return st.tuples(*(numbers.get(n, empty) for n in range(1, max(numbers) + 1))).map(list)


def some(item: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(item, max_size=most, unique_by=lambda found: str(found[0]))


AUTHORITY = st.one_of(TEXT.map(lambda name: [name]), st.just(["", "2.999.5", "ISO"]))
CX = parts(_1=TEXT, _4=AUTHORITY, _5=maybe(st.sampled_from(["MR", "PI", "AN"])))
NAME_USE = maybe(st.sampled_from(["D", "L", "M", "N", "BAD"]))
XPN = parts(_1=TEXT, _2=TEXT, _3=maybe(WORD), _4=maybe(TEXT), _5=maybe(TEXT), _7=NAME_USE)
ADDRESS_USE = maybe(st.sampled_from(["H", "B", "C", "BA", "BI", "M"]))
XAD = parts(
    _1=TEXT, _2=maybe(TEXT), _3=maybe(TEXT), _4=maybe(TEXT), _5=maybe(TEXT), _6=maybe(TEXT),
    _7=ADDRESS_USE, _9=maybe(TEXT),
)  # fmt: skip
HOME = st.one_of(
    parts(_1=TEXT, _2=st.just("PRN"), _3=st.sampled_from(["PH", "FX", "CP"])),
    parts(_2=st.sampled_from(["NET", "PRN"]), _3=st.just("Internet"), _4=TEXT),
)
WORK = parts(_1=TEXT, _2=st.just("WPN"), _3=st.sampled_from(["PH", "FX"]))
TABLED = parts(_1=CODE, _2=maybe(TEXT))
CWE = parts(_1=CODE, _2=maybe(TEXT), _3=st.sampled_from(["LN", "SCT", "I10C", "L", "OUR|CODES"]))


def among(codes: str) -> st.SearchStrategy[Any]:
    """A code of a table with a text of the sender's own."""
    return parts(_1=st.sampled_from(codes.split()), _2=maybe(TEXT))


def beside(codes: str) -> st.SearchStrategy[Any]:
    """A code of a table, alone or with a second and a third coding of the sender's own."""
    coded, own = {"_1": st.sampled_from(codes.split()), "_2": maybe(TEXT)}, st.just("L")
    two = coded | {"_4": CODE, "_5": maybe(TEXT), "_6": own}
    three = two | {"_10": CODE, "_11": maybe(TEXT), "_12": own}
    return st.one_of(parts(**coded), parts(**two), parts(**three))


def doctor(number: st.SearchStrategy[str], use: Any = NAME_USE) -> st.SearchStrategy[Any]:
    return parts(
        _1=number, _2=TEXT, _3=maybe(TEXT), _5=maybe(TEXT), _6=maybe(TEXT),
        _9=AUTHORITY, _10=use, _13=maybe(st.sampled_from(["MD", "EI"])),
    )  # fmt: skip


def doctors(prefix: str, use: Any = NAME_USE) -> st.SearchStrategy[Any]:
    """Nobody stands in two fields, or one of the two would win."""
    return some(doctor(WORD.map(lambda word: f"{prefix}{word}"), use), 2)


Segment = dict[int, Any]
PID: dict[int, st.SearchStrategy[Any]] = {
    3: st.lists(CX, min_size=1, max_size=3, unique_by=lambda cx: str(cx[0])),
    5: some(XPN), 7: maybe(st.one_of(DATE, TIME)), 8: maybe(st.sampled_from("FMOU")),
    10: maybe(st.builds(lambda text: [["2106-3", text, "CDCREC"]], TEXT)),
    11: some(XAD), 13: some(HOME), 14: some(WORK),
    15: some(parts(_1=CODE, _2=maybe(TEXT), _3=st.just("ISO639")), 1),
    16: some(beside("A D M S W C G N I B U O T ZZ"), 1),
    17: some(parts(_1=CODE, _2=maybe(TEXT), _3=st.just("HL70006")), 1),
    18: some(CX, 1), 19: maybe(TEXT), 23: maybe(TEXT), 24: maybe(st.sampled_from("YN")),
    26: some(CWE, 2), 28: some(CWE, 1), 29: maybe(MOMENT),
}  # fmt: skip
PV1 = {
    2: st.sampled_from("EIOPRBCU"), 4: some(among("A E L R N U C Z9"), 1),
    5: some(CX, 1), 7: doctors("A"), 8: doctors("R"), 9: doctors("C"),
    10: some(beside("MED SUR URO PUL CAR X1"), 1), 13: some(among("R"), 1),
    14: some(parts(_1=CODE, _2=maybe(TEXT), _3=st.just("HL70023")), 1),
    15: some(among("A2 A3 B6 Q"), 2), 17: doctors("D"),
    18: some(parts(_1=CODE, _2=maybe(TEXT), _3=st.just("HL70018")), 1),
    19: st.lists(parts(_1=TEXT, _4=AUTHORITY, _5=st.just("VN")), min_size=1, max_size=1),
    36: some(among("01 02 03 04 07 20 50 62 65 Z"), 1), 37: maybe(TEXT), 39: maybe(TEXT),
    44: maybe(TIME), 52: doctors("O"),
}  # fmt: skip
PV2 = {
    3: some(parts(_1=CODE, _2=maybe(TEXT), _3=st.just("L")), 1), 8: maybe(MOMENT),
    9: maybe(MOMENT), 12: maybe(TEXT), 25: some(beside("1 2 3 9"), 1),
    38: maybe(st.sampled_from("ACFHPOU")),
}  # fmt: skip
AL1 = {
    2: st.sampled_from(["DA", "FA", "MA", "EA", "AA"]), 3: CWE.map(lambda cwe: [cwe]),
    4: maybe(st.sampled_from(["SV", "MI"])), 5: st.lists(TEXT, max_size=2), 6: maybe(DATE),
}  # fmt: skip
DG1 = {
    3: CWE.map(lambda cwe: [cwe]), 4: maybe(TEXT), 5: maybe(MOMENT),
    6: maybe(st.sampled_from(["A", "F", "W"])), 19: maybe(MOMENT),
    20: some(parts(_1=TEXT, _2=TEXT), 1),
}  # fmt: skip
IN1 = {
    2: some(parts(_1=CODE, _2=maybe(TEXT)), 1),
    3: st.lists(parts(_1=TEXT, _4=AUTHORITY), min_size=1, max_size=1),
    4: TEXT, 5: some(XAD), 7: some(WORK, 2), 8: maybe(TEXT), 9: maybe(TEXT), 12: maybe(MOMENT),
    13: maybe(MOMENT), 15: some(parts(_1=CODE, _2=maybe(TEXT), _3=st.just("HL70086")), 1),
    16: some(XPN, 2), 17: st.lists(beside("SPO CHD PAR OTH MTH"), min_size=1, max_size=1),
    18: maybe(DATE), 19: some(XAD), 36: maybe(TEXT), 43: maybe(st.sampled_from("FMOU")),
}  # fmt: skip
SCH = {
    1: some(parts(_1=TEXT, _2=TEXT), 1),
    2: st.lists(parts(_1=TEXT, _2=TEXT), min_size=1, max_size=1),
    7: some(CWE, 1), 8: some(CWE, 1), 16: doctors("F"), 20: doctors("E"),
}  # fmt: skip


def segment(fields: dict[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Segment]:
    return st.fixed_dictionaries(fields)


def row(name: str, fields: Segment) -> list[Any]:
    return [name, *(fields.get(n, "") for n in range(1, max(fields) + 1))]


def message(kind: str, *segments: list[Any]) -> Any:
    msh = [
        "MSH",
        "",
        "",
        "A",
        "B",
        "C",
        "D",
        "20260101000000+0000",
        "",
        [kind.split("^")],
        "1",
        "P",
    ]
    return FORMAT.decode(FORMAT.compose([[*msh, "2.5.1"], *segments]), Terms())


def tree(message: Any, segment: list[str], number: int) -> Any:
    """A field as repetitions of components of sub-components, without empty ends."""
    marks = message.separators
    raw = segment[number] if number < len(segment) else ""

    def cut(text: str, marks_left: list[str]) -> Any:
        if not marks_left:
            return unescape(text, marks)
        found = [cut(part, marks_left[1:]) for part in text.split(marks_left[0])]
        while found and not found[-1]:
            found.pop()
        return found

    return cut(raw, [marks.repetition, marks.component, marks.subcomponent])


def fields_of(message: Any, *names: str) -> dict[str, Any]:
    counts: dict[str, int] = {}
    found = {}
    for item in message.segments:
        if item[0] not in names:
            continue
        counts[item[0]] = counts.get(item[0], 0) + 1
        for number in range(1, len(item)):
            if value := tree(message, item, number):
                found[f"{item[0]}({counts[item[0]]})-{number}"] = value
    return found


@pytest.fixture(scope="module")
def there_and_back():
    catalogue, facts = library(), context()

    def check(given: Any, *names: str) -> None:
        found = trip(catalogue, facts, given)
        assert found is not None
        wanted = fields_of(given, *names)
        written = fields_of(FORMAT.decode(found.wire, Terms()), *names)
        assert {place: written.get(place) for place in wanted} == wanted
        assert {kind: item.missing for kind, item in compare(found) if item.missing} == {}

    return check


BRIEFLY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)


@BRIEFLY
@given(segment(PID), segment(PV1), segment(PV2))
def test_patient_and_visit(there_and_back, pid, pv1, pv2):
    given = message("ADT^A01", row("PID", pid), row("PV1", pv1), row("PV2", pv2))
    there_and_back(given, "PID", "PV1", "PV2")


@BRIEFLY
@given(
    segment({3: PID[3]}),
    st.lists(segment(AL1), max_size=3, unique_by=lambda item: item[3][0][0]),
    st.lists(segment(DG1), max_size=3, unique_by=lambda item: item[3][0][0]),
)
def test_allergies_and_diagnoses(there_and_back, pid, allergies, diagnoses):
    numbers = [found[20][0][0] for found in diagnoses if found[20]]
    assume(len(set(numbers)) == len(numbers))
    rows = [row("AL1", {1: str(n), **item}) for n, item in enumerate(allergies, 1)]
    rows += [row("DG1", {1: str(n), **item}) for n, item in enumerate(diagnoses, 1)]
    visit = row("PV1", {1: "1", 2: "I", 19: [["V1", "", "", "", "VN"]]})
    there_and_back(message("ADT^A08", row("PID", pid), visit, *rows), "AL1", "DG1")


@BRIEFLY
@given(
    segment({3: PID[3]}),
    st.lists(segment(IN1), max_size=3, unique_by=lambda item: item[3][0][0]),
)
def test_insurance(there_and_back, pid, plans):
    assume(all(plan[8] != plan[9] for plan in plans))
    rows = [row("IN1", {1: str(n), **plan}) for n, plan in enumerate(plans, 1)]
    there_and_back(message("ADT^A04", row("PID", pid), row("PV1", {2: "O"}), *rows), "IN1")


@BRIEFLY
@given(
    segment(SCH),
    segment({3: PID[3]}),
    doctors("P", st.just("")),
    st.lists(CWE, max_size=2),
    maybe(TEXT),
)
def test_bookings(there_and_back, sch, pid, people, services, note):
    times = ["", "", "", "20260301090000+0100", "20260301093000+0100"]
    rows = [row("SCH", {**sch, 9: "30", 10: "MIN", 11: [times], 25: "Booked"})]
    rows += [row("NTE", {1: "1", 3: note})] if note else []
    rows += [row("PID", pid), row("RGS", {1: "1", 2: "A"})]
    rows += [row("AIS", {1: str(n), 2: "A", 3: [item]}) for n, item in enumerate(services, 1)]
    rows += [
        row("AIP", {1: str(n), 2: "A", 3: [item], 12: "Booked"}) for n, item in enumerate(people, 1)
    ]
    there_and_back(message("SIU^S12", *rows), "SCH", "NTE", "AIS", "AIP")
