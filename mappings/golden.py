"""Runs the golden tests of mappings: messages in, what must come out (§13)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Named
from dataclasses import dataclass, field
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path
from typing import Any

from mappings import comparison, givens
from mappings.catalogue import Catalogue
from mappings.context import Context
from mappings.mapping import Mapping
from mappings.nodes import Items, Node, Object, Text, adopt, dump, restore, words
from mappings.result import Result
from vagus.canonical import bundle as bundles
from vagus.canonical import events, systems
from vagus.canonical.identity import Identity
from vagus.formats.hl7v2 import writer
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean
from vagus.kernel.errors import VagusError

CASE_KEYS = "name given expect expect_exactly warnings deletes loss error trace".split()
SETTINGS = "now key systems zone source endpoint facility type".split()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case; `differences` say where and how the output is not as expected.

    `accepted` are the lines of the difference between an expected file and what was written to it.
    """

    name: str
    place: Place
    passed: bool
    differences: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)


def run(
    path: Path,
    catalogue: Catalogue,
    accept: bool = False,
    registries: Named[str, systems.Systems] | None = None,
    only: str = "",
) -> list[CaseResult]:
    """The results of every case of a `*.test.yaml` file.

    With `accept` the files named by `expect_exactly` are rewritten to what comes out. Registries
    of identifier systems are those given, those in the file itself, else an empty one. `only`
    leaves out every case that has this text neither in its name nor in that of its file or mapping.
    """
    report = Diagnostics()
    nodes = [adopt(node) for node in strictyaml.load_file(path, report)]
    known = dict(registries or {})
    for node in nodes:
        if isinstance(node, Object) and "systems" in node.entries:
            found = systems.load(restore(node), report)
            if found is not None and isinstance(name := node.entries["systems"], Text):
                known[name.value or ""] = found
    results = [CaseResult("file", item.place, False, [item.text]) for item in report.errors]
    for node in nodes:
        if isinstance(node, Object) and "tests" in node.entries:
            results += _Tests(path, node, catalogue, known, accept, only.casefold()).run()
    return results


class _Tests:
    """The cases of one document."""

    def __init__(
        self,
        path: Path,
        node: Object,
        catalogue: Catalogue,
        registries: Named[str, systems.Systems],
        accept: bool,
        only: str,
    ) -> None:
        self._path = path
        self._node = node
        self._accept = accept
        self._only = only
        self._written: list[str] = []
        self._catalogue = catalogue
        self._settings = comparison.entries(node.entries.get("settings"))
        self._registries = registries

    def run(self) -> Iterator[CaseResult]:
        """Run the cases in order."""
        cases = self._node.entries.get("cases")
        if not isinstance(cases, Items) or not cases.items:
            yield CaseResult("cases", self._node.place, False, ["there are no cases"])
            return
        for number, case in enumerate(cases.items, 1):
            if not isinstance(case, Object):
                yield CaseResult(f"case {number}", case.place, False, ["a case is a map"])
                continue
            name = comparison.word(case.entries.get("name")) or f"case {number}"
            if not self._wanted(name):
                continue
            self._written = []
            differences = [
                f"'{key}' is not a key of a case{did_you_mean(key, CASE_KEYS)}"
                for key in case.entries
                if key not in CASE_KEYS
            ]
            try:
                differences += self._case(case)
            except (VagusError, ValueError, OSError) as error:
                differences.append(f"{type(error).__name__}: {error}")
            yield CaseResult(name, case.place, not differences, differences, self._written)

    def _wanted(self, name: str) -> bool:
        mapping = comparison.word(self._node.entries["tests"])
        return self._only in f"{self._path.name}\n{mapping}\n{name}".casefold()

    def _case(self, case: Object) -> list[str]:
        name = comparison.word(self._node.entries["tests"])
        mapping = self._catalogue.get(name)
        if mapping is None:
            hint = did_you_mean(name, self._catalogue.names())
            return [f"there is no mapping '{name}'{hint}"]
        if "given" not in case.entries:
            return ["a case needs 'given'"]
        message = givens.read(case.entries["given"], mapping.source_format, self._path.parent)
        expected = comparison.word(case.entries.get("error"))
        try:
            loss = "field" if "loss" in case.entries else ""
            result = mapping.apply(message, self._context(mapping, message), loss=loss)
        except VagusError as error:
            code = getattr(error, "code", type(error).__name__)
            return [] if expected == code else [f"error: {error}"]
        if expected:
            return [f"error: '{expected}' is expected and the message was mapped"]
        return [*self._output(case, result, mapping.target_format), *_noticed(case, result)]

    def _context(self, mapping: Mapping, message: Any) -> Context:
        settings = {key: comparison.word(node) for key, node in self._settings.items()}
        for key in settings:
            if key not in SETTINGS:
                raise ValueError(f"'{key}' is not a setting{did_you_mean(key, SETTINGS)}")
        now = settings.get("now", "2026-01-01T00:00:00Z")
        name = settings.get("systems", "test")
        secret = sha256(settings.get("key", "test").encode()).digest()
        return Context(
            message_id="0000000000001",
            endpoint=settings.get("endpoint", "test"),
            source=settings.get("source", name),
            facility=settings.get("facility", ""),
            received_at=now,
            raw_url="urn:x-vagus:raw:0000000000001",
            now=now,
            zone=settings.get("zone", "UTC"),
            identity=Identity(secret),
            systems=self._registries.get(name) or systems.Systems(name),
            type=settings.get("type") or _type(mapping, message),
        )

    def _output(self, case: Object, result: Result, target: str) -> list[str]:
        differences: list[str] = []
        if (wanted := case.entries.get("expect")) is not None:
            differences += comparison.subset(wanted, result.bundle)
        if (exact := case.entries.get("expect_exactly")) is not None:
            differences += self._exactly(exact, result, target)
        return differences

    def _exactly(self, node: Node, result: Result, target: str) -> list[str]:
        given = _pretty(result.bundle) if target == "fhir" else _lines(result, target)
        named = comparison.entries(node).get("file")
        if named is None:
            found = comparison.lines(comparison.word(node).strip(), given.strip())
            hint = ["only a file can be accepted: write expect_exactly: {file: golden/…}"]
            return found + hint if found and self._accept else found
        file = self._path.parent / comparison.word(named)
        if self._accept:
            self._written = _rewritten(file, given)
            return []
        if not file.is_file():
            return [f"{named.place}: {file.name} is not there: run with --accept to write it"]
        expected = file.read_text("utf-8")
        if target == "fhir":
            return comparison.whole(_loads(expected), _loads(given))
        return comparison.lines(expected.strip(), given.strip())


def _type(mapping: Mapping, message: Any) -> str:
    """The message type of what leaves, by the Bundle itself or by what the mapping is for."""
    if mapping.source_format != bundles.FORMAT:
        return ""
    said = events.written_as(mapping.target_format, message)
    return said or (mapping.events[0] if mapping.events else "")


def _rewritten(file: Path, text: str) -> list[str]:
    """Make a file hold this text; gives the lines in which it differs from what it held."""
    before = file.read_text("utf-8") if file.is_file() else ""
    if before == text:
        return []
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    old, new = f"{file}" if before else "nothing", f"{file}"
    return list(unified_diff(before.splitlines(), text.splitlines(), old, new, lineterm="", n=1))


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str)


def _pretty(bundle: Named[str, Any]) -> str:
    """The Bundle with one element a line, numbers written exactly."""
    exact = json.loads(bundles.dumps(dict(bundle)), parse_float=_Number, parse_int=_Number)
    marked = json.dumps(exact, indent=2, ensure_ascii=False, default=str)
    return _unquoted(marked) + "\n"


class _Number(str):
    """A number as it stands; marked so that it can be written without quotes."""

    __slots__ = ()

    def __new__(cls, text: str) -> _Number:
        return super().__new__(cls, f"\x00{text}\x00")


def _unquoted(text: str) -> str:
    return text.replace('"\\u0000', "").replace('\\u0000"', "")


def _lines(result: Result, target: str) -> str:
    if target == "hl7v2":
        return writer.write(result.segments).decode("utf-8").replace("\r", "\n")
    return "\n".join("*".join(_x12(field) for field in row) for row in result.segments) + "\n"


def _x12(value: Any) -> str:
    marks: tuple[Callable[[list[str]], str], ...] = ("^".join, ":".join, "?".join)

    def text(item: Any, depth: int) -> str:
        if isinstance(item, list):
            return marks[depth]([text(part, depth + 1) for part in item])
        return str(item or "")

    return text(value, 0)


def _noticed(case: Object, result: Result) -> list[str]:
    """Differences of warnings, deletes and loss."""
    differences: list[str] = []
    if "warnings" in case.entries:
        given = {warning.code for warning in result.warnings}
        differences += comparison.names("warnings", words(case.entries["warnings"]), given)
    if "deletes" in case.entries:
        given = {f"{item.resource.partition('/')[0]}.{item.element}" for item in result.deletes}
        differences += comparison.names("deletes", words(case.entries["deletes"]), given)
    wanted = dump(case.entries.get("loss"))
    if isinstance(wanted, dict):
        lost = {f"{item.segment}-{number}" for item in result.loss for number in item.fields}
        listed, unlisted = wanted.get("contains") or (), wanted.get("lacks") or ()
        differences += [f"loss: {name} is read" for name in listed if name not in lost]
        differences += [f"loss: nothing reads {name}" for name in unlisted if name in lost]
    return differences
