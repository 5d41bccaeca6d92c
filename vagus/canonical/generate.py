"""Writes `data/r4.json`, the R4 element table: `python -m vagus.canonical.generate`.

Run by a maintainer when fhir.resources or the corrections change, never by the engine. Needs the
`models` extra. The same inputs give the same bytes.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from vagus.canonical import corrections, models

DATA = Path(__file__).parent / "data"


def main() -> None:
    """Write the table beside this module."""
    (DATA / "r4.json").write_text(table_text(), encoding="utf-8")


def table_text() -> str:
    """The element table as JSON text, one shape or code set a line.

    Rows are `[type, many, required, code set, choice, targets, code set of a CodeableConcept]`,
    cut after the last value that says something.
    """
    additions = _additions()
    shapes = {
        name: [shape["kind"], {key: _row(row) for key, row in shape["elements"].items()}]
        for name, shape in corrections.to_r4(models.read()).items()
    }
    for name, (kind, rows) in additions["shapes"].items():
        shapes[name] = [kind, {key: _added_row(row) for key, row in rows.items()}]
    _bind(shapes, additions["code_bindings"], 3)
    _bind(shapes, additions["concept_bindings"], 6)
    for _, rows in shapes.values():
        for row in rows.values():
            _trim(row)
    return _lines({"shapes": shapes, "codes": additions["codes"]})


def _additions() -> dict[str, Any]:
    text = resources.files("vagus.canonical").joinpath("data/r4_additions.json").read_text("utf-8")
    additions: dict[str, Any] = json.loads(text)
    return additions


def _row(row: dict[str, Any]) -> list[Any]:
    many, required = int(row["many"]), int(row["required"])
    return [row["type"], many, required, 0, row["choice"] or 0, row["targets"] or 0, 0]


def _added_row(row: list[Any]) -> list[Any]:
    kind, many, required, choice, targets = row + [0] * (5 - len(row))
    return [kind, many, required, 0, choice, targets, 0]


def _bind(shapes: dict[str, Any], bindings: dict[str, list[str]], column: int) -> None:
    for codes, paths in bindings.items():
        for path in paths:
            shape, element = path.rsplit(".", 1)
            shapes[shape][1][element][column] = codes


def _trim(row: list[Any]) -> None:
    while not row[-1]:
        row.pop()


def _lines(sections: dict[str, dict[str, Any]]) -> str:
    parts = []
    for title, entries in sections.items():
        lines = ",\n".join(f"{_compact(k)}:{_compact(v)}" for k, v in sorted(entries.items()))
        parts.append(f"{_compact(title)}:{{\n{lines}\n}}")
    return "{" + ",\n".join(parts) + "}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main()
