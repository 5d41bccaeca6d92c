"""The official v2-to-FHIR tables: every row that gives a field or component a FHIR target."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from map_conformance import corrections

CORPORA = Path(__file__).parents[3] / "shared/corpora"
TABLES = CORPORA / "hl7-v2-to-fhir/mappings"
#: Of segments that ADT messages carry though no official ADT or SIU message table names them.
BESIDE = ("IAM[AllergyIntolerance]", "NTE[Observation]", "SFT[MessageHeader]")

_IDENTIFIER = re.compile(r"([A-Z][A-Z0-9]{1,2})(?:[-.](\d+))?(?:\.(\d+))?\Z")
_INDEX = re.compile(r"\[[^\]]*\]?")
_FORMULA = re.compile(r"[A-Z0-9]{2,3}[-.]\d|\+")


@dataclass(frozen=True)
class Step:
    """A path below one type; a further step leads through the reference at its end."""

    types: tuple[str, ...]
    path: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One row. `segment` is a data type in the tables of data types; its `field` a component."""

    sheet: str
    segment: str
    field: int
    component: int
    attribute: str
    steps: tuple[Step, ...]
    constant: str
    url: str
    datatype: str
    condition: str

    @property
    def of_datatype(self) -> bool:
        """Whether it stands in the table of a data type."""
        return _folder(self.sheet) == "datatypes"

    @property
    def place(self) -> str:
        """The field as one writes it: `PID-3`, `OBX-5`, `CX.4`."""
        mark = "." if self.of_datatype else "-"
        return f"{self.segment}{mark}{self.field}" if self.field else self.segment

    @property
    def target(self) -> str:
        """The attribute without numbers of instances."""
        return _INDEX.sub("", self.attribute) or "$this"


@cache
def segment_sheets() -> tuple[str, ...]:
    """The segment tables that the official tables of ADT and SIU messages refer to."""
    found = set(BESIDE)
    for path in (TABLES / "messages").glob("*.csv"):
        if "ADT_" in path.name or "SIU_" in path.name:
            found.update(cell[10].strip() for cell in _cells(path) if len(cell) > 10)
    return tuple(sorted(name for name in found if _file("segments", name)))


def datatype_sheets(following: Iterable[Row]) -> set[str]:
    """The data type tables that some rows refer to."""
    known = {_name(path).lower(): _name(path) for path in (TABLES / "datatypes").glob("*.csv")}
    wanted = {row.datatype.replace(" ", "").lower() for row in following}
    return {known[name] for name in wanted & known.keys()}


@cache
def rows(sheet: str) -> tuple[Row, ...]:
    """The rows of a table that have a FHIR target."""
    return tuple(row for row in _read(_folder(sheet), sheet) if row.attribute)


def _folder(sheet: str) -> str:
    return "segments" if _file("segments", sheet) else "datatypes"


def _name(path: Path) -> str:
    found = re.search(r"_ (.*\]) -", path.name)
    return found[1] if found else ""


@cache
def _file(folder: str, sheet: str) -> Path | None:
    paths = (TABLES / folder).glob("*.csv")
    return next((path for path in paths if _name(path) == sheet), None)


def _cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [[cell.strip() for cell in line] for line in list(csv.reader(file))[2:]]


@cache
def _read(folder: str, sheet: str) -> tuple[Row, ...]:
    path = _file(folder, sheet)
    assert path is not None, sheet
    lines = [line for line in _cells(path) if len(line) > 16]
    urls: dict[tuple[str, str], str] = {}
    for line in lines:
        if _url(line[9]):
            near = line[9].rsplit(".", 1)[0]
            urls[line[1], near] = corrections.text(line[16])
            urls.setdefault(("", near), urls[line[1], near])
    return tuple(row for line in lines if (row := _row(sheet, line, urls)) is not None)


def _url(attribute: str) -> bool:
    return attribute.endswith((".url", ".uri", ".url)"))


def _row(sheet: str, line: list[str], urls: dict[tuple[str, str], str]) -> Row | None:
    found = _IDENTIFIER.match(line[1])
    if found is None:
        return None
    attribute, _, assigned = line[9].partition("=")
    attribute = attribute.strip()
    made = (attribute == "$this" and line[14]) or sheet
    target = re.split(r"[-.\]]", made.partition("[")[2])[0]
    near = attribute.rsplit(".", 1)[0] if "extension" in attribute else ""
    steps = tuple(_steps(target, attribute, sheet))
    return Row(
        sheet,
        found[1],
        int(found[2] or 0),
        int(found[3] or 0),
        attribute,
        steps,
        corrections.MISPLACED.get((line[1], attribute)) or _constant(assigned or line[16], steps),
        urls.get((line[1], near)) or urls.get(("", near), ""),
        line[14],
        line[6] or line[8],
    )


def _constant(text: str, steps: tuple[Step, ...]) -> str:
    """The text to write; '' for remarks, formulas, and where a resource cannot be a text."""
    remark = text.startswith("/") or "valueset-" in text
    if remark or _FORMULA.search(text) or not steps[-1].path:
        return ""
    return corrections.text(text)


def _steps(target: str, attribute: str, sheet: str) -> Iterator[Step]:
    """`location[5].location(Location.operationalStatus)` is two steps, through the reference."""
    text = _INDEX.sub("", attribute).replace("$this", "").replace("$value", "")
    parts = corrections.words(text).replace(")", "").replace("}", "").split("(")
    prefix = re.search(r"\[\w+\.(\w+)-", sheet)
    first = parts[0].removeprefix(f"{target}.")
    yield Step((target,), _path(f"{prefix[1]}.{first}" if prefix else first))
    for part in parts[1:]:
        name, _, rest = part.partition(".")
        yield Step(tuple(name.split("|")), _path(rest))


def _path(text: str) -> tuple[str, ...]:
    words = [word for word in text.split(".") if word and word != "reference"]
    if words[-1:] == ["uri"]:
        words[-1] = "system" if words[-2:-1] == ["coding"] else "url"
    return tuple(words)
