"""Refreshes the dictionary's data from the tables of HL7's own v2-to-FHIR guide (CC0).

`python -m vagus.formats.hl7v2.generate FOLDER [OUT]`, where FOLDER holds the guide's `segments`
and `datatypes` folders of CSV files. The guide adds fields and names; a field is required only
when both sides say so and repeats when either does, because feeds of every release must fit.
What the guide leaves out stays as the data files have it, so running it twice changes nothing.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from vagus.formats.hl7v2.dictionary import DATA, sections

_PLACE = re.compile(r"([A-Z][A-Z0-9]{1,2})[-.](\d{1,2})")
_DATATYPE = re.compile(r"[A-Z][A-Z0-9]{1,2}|varies")
_UNCLEAR = frozenset(("CE", "CM", "DTN", "IS", "LA2"))
_PRIMITIVES = frozenset(("DT", "DTM", "FT", "ID", "IS", "NM", "SI", "ST", "TM", "TS", "TX"))
_RENAMED = {"TS": "DTM"}
_HEADERS = {
    "segments": (
        "# Segments of HL7 v2, releases 2.3 to 2.9: number, data type, usage and name of each\n"
        "# field. R = required, O = optional, * = repeats. Refreshed by generate.py.\n"
    ),
    "datatypes": (
        "# Data types of HL7 v2, releases 2.3 to 2.9: number, data type and name of each\n"
        "# component. A type that is not here is primitive. Refreshed by generate.py.\n"
    ),
}

Lines = dict[int, str]


def generate(source: Path, target: Path) -> None:
    """Write `segments.yaml` and `datatypes.yaml` into `target` from the guide in `source`."""
    for kind in ("segments", "datatypes"):
        blocks = {
            name: {int(line.split(" ", 1)[0]): line for line in text.splitlines()}
            for name, text in sections(DATA / f"{kind}.yaml").items()
        }
        for name, number, line in _rows(source / kind, kind == "segments"):
            block = blocks.setdefault(name, {})
            block[number] = _merged(block.get(number, ""), line, kind == "segments")
        path = target / f"{kind}.yaml"
        path.write_text(_HEADERS[kind] + "".join(map(_block, sorted(blocks.items()))), "utf-8")


def _block(item: tuple[str, Lines]) -> str:
    name, lines = item
    return f"{name}: |\n" + "".join(f"  {lines[number]}\n" for number in sorted(lines))


def _rows(folder: Path, fields: bool) -> Iterator[tuple[str, int, str]]:
    """Name, number and line of every field or component the guide describes."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.reader(file):
                place = _PLACE.fullmatch(row[1].strip()) if len(row) > 5 else None
                kind = _DATATYPE.match(row[3].strip()) if place else None
                if place is None or kind is None or place[1] in _PRIMITIVES:
                    continue
                number = int(place[2])
                line = [str(number), _RENAMED.get(kind[0], kind[0])]
                if fields:
                    line.append(_usage(row[4], row[5]))
                yield place[1], number, " ".join([*line, _name(row[2], place[1])])


def _merged(known: str, line: str, fields: bool) -> str:
    """The line to keep: the guide's name for a field, and of both sides what admits more."""
    new = line.split(" ", 3 if fields else 2)
    if not known:
        return line
    old = known.split(" ", len(new) - 1)
    if new[1] in _UNCLEAR or old[1] != "CE":
        new[1] = old[1]
    if not fields:
        return " ".join([old[0], new[1], old[2]])
    required = "R" if old[2][0] == new[2][0] == "R" else "O"
    new[2] = required + ("*" if "*" in old[2] + new[2] else "")
    return " ".join(new)


def _usage(least: str, most: str) -> str:
    required = "R" if least.strip() == "1" else "O"
    return required if most.strip() in ("0", "1", "") else required + "*"


def _name(text: str, owner: str) -> str:
    words = re.sub(r"\(.*?\)", " ", text.lower().replace("'", "").replace("\u2019", ""))
    name = " ".join(re.findall(r"[a-z0-9]+", words))
    return name.removesuffix(f" {owner.lower()}")


if __name__ == "__main__":
    generate(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else DATA)
