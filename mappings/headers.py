"""Reads the documents of a mapping folder: mappings, templates, tables, structures (§2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mappings.ignoring import Ignored, ignored
from mappings.nodes import Node, Object, Text, adopt, words
from vagus.kernel import strictyaml
from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean

MAX_FILE_BYTES = 256 * 1024
KINDS = ("mapping", "template", "table", "structure", "systems", "tests")

MAPPING_KEYS = "mapping description for from to extends structure ignore resources segments".split()
TABLE_KEYS = "table description source target unmapped codes".split()
STRUCTURE_KEYS = "structure description groups".split()
UNMAPPED = ("warn", "error", "pass")


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping as written; `body` is its `resources:` or `segments:` node."""

    name: str
    place: Place
    source: Text | None
    target: Text | None
    extends: Text | None
    structure: Object | None
    ignore: tuple[Ignored, ...]
    events: tuple[str, ...]
    resources: Object | None
    segments: Node | None


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template as written; mappings that use it leave alone what it ignores."""

    name: str
    place: Place
    takes: tuple[str, ...]
    ignore: tuple[Ignored, ...]
    body: Object


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a table."""

    code: str
    display: str
    place: Place
    system: str = ""  # where it differs from the table's target


@dataclass(frozen=True, slots=True)
class TableFile:
    """A code table as written."""

    name: str
    place: Place
    source: str
    target: str
    unmapped: str
    codes: dict[str, Code]


@dataclass(frozen=True, slots=True)
class StructureFile:
    """A structure as written, e.g. `x12/835`."""

    name: str
    place: Place
    groups: Object


Document = MappingFile | TemplateFile | TableFile | StructureFile


class Reader:
    """Turns YAML files into documents; what is wrong goes to the diagnostics."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self._report = diagnostics

    def folder(self, folder: Path, name: str | None = None) -> Iterator[Document]:
        """Every document of every `.yaml` file below a folder, in order of file name."""
        for path in sorted(folder.rglob("*.yaml")):
            if path.name.endswith(".test.yaml"):
                continue
            label = str(Path(name) / path.relative_to(folder)) if name else str(path)
            yield from self.file(path, label)

    def file(self, path: Path, label: str) -> Iterator[Document]:
        """The documents of one file."""
        if path.stat().st_size > MAX_FILE_BYTES:
            self._report.error(Place(label), "limit-exceeded", "a mapping file is at most 256 KiB")
            return
        yield from self.documents(strictyaml.load_file(path, self._report, label))

    def documents(self, nodes: Iterable[strictyaml.Node]) -> Iterator[Document]:
        """The documents of one parsed file."""
        for node in nodes:
            found = adopt(node)
            if not isinstance(found, Object):
                self._report.error(found.place, "bad-document", "a document is a map of keys")
                continue
            document = self._document(found)
            if document is not None:
                yield document

    def _document(self, body: Object) -> Document | None:
        match next(iter(body.entries), ""):
            case "mapping":
                return self._mapping(body)
            case "template":
                return self._template(body)
            case "table":
                return self._table(body)
            case "structure":
                return self._structure(body)
            case "systems" | "tests":
                return None
            case other:
                place = body.keys.get(other, body.place)
                self._report.error(
                    place,
                    "bad-document",
                    f"a document begins with mapping, template, table or structure, not '{other}'"
                    + did_you_mean(other, KINDS),
                )
                return None

    def _name(self, body: Object, key: str) -> str:
        node = body.entries[key]
        if isinstance(node, Text) and node.value and not node.reads:
            return node.value
        self._report.error(node.place, "bad-value", f"'{key}' needs a name")
        return ""

    def _known(self, body: Object, keys: list[str]) -> None:
        for key in body.entries:
            if key not in keys:
                hint = did_you_mean(key, keys)
                self._report.error(
                    body.keys[key], "unknown-key", f"'{key}' is not a key here{hint}"
                )

    def _text(self, body: Object, key: str) -> Text | None:
        node = body.entries.get(key)
        if node is None or isinstance(node, Text):
            return node
        self._report.error(node.place, "bad-value", f"'{key}' takes one text")
        return None

    def _object(self, body: Object, key: str) -> Object | None:
        node = body.entries.get(key)
        if node is None or isinstance(node, Object):
            return node
        self._report.error(node.place, "bad-value", f"'{key}' takes a map")
        return None

    def _mapping(self, body: Object) -> MappingFile:
        self._known(body, MAPPING_KEYS)
        return MappingFile(
            name=self._name(body, "mapping"),
            place=body.entries["mapping"].place,
            source=self._text(body, "from"),
            target=self._text(body, "to"),
            extends=self._text(body, "extends"),
            structure=self._object(body, "structure"),
            ignore=ignored(body.entries.get("ignore"), self._report),
            events=tuple(words(body.entries.get("for"))),
            resources=self._object(body, "resources"),
            segments=body.entries.get("segments"),
        )

    def _template(self, body: Object) -> TemplateFile:
        return TemplateFile(
            name=self._name(body, "template"),
            place=body.entries["template"].place,
            takes=tuple(words(body.entries.get("in"))),
            ignore=ignored(body.entries.get("ignore"), self._report),
            body=body.without("template", "in", "description", "ignore"),
        )

    def _structure(self, body: Object) -> StructureFile:
        self._known(body, STRUCTURE_KEYS)
        groups = self._object(body, "groups") or Object({}, {}, body.place)
        return StructureFile(self._name(body, "structure"), body.entries["structure"].place, groups)

    def _table(self, body: Object) -> TableFile:
        self._known(body, TABLE_KEYS)
        values = {key: self._text(body, key) for key in ("source", "target", "unmapped")}
        given = {key: node.value or "" for key, node in values.items() if node is not None}
        unmapped = given.get("unmapped", "warn")
        if unmapped not in UNMAPPED:
            place = body.entries["unmapped"].place
            self._report.error(place, "bad-value", "unmapped is warn, error or pass")
        return TableFile(
            name=self._name(body, "table"),
            place=body.entries["table"].place,
            source=given.get("source", ""),
            target=given.get("target", ""),
            unmapped=unmapped,
            codes=self._codes(self._object(body, "codes")),
        )

    def _codes(self, codes: Object | None) -> dict[str, Code]:
        found = {}
        for key, node in codes.entries.items() if codes else ():
            code = self._code(node)
            if code is not None:
                found[key] = code
        return found

    def _code(self, node: Node) -> Code | None:
        display = system = ""
        if isinstance(node, Object):
            self._known(node, ["code", "display", "system"])
            shown, named = self._text(node, "display"), self._text(node, "system")
            display = (shown.value or "") if shown else ""
            system = (named.value or "") if named else ""
            node = node.entries.get("code") or Text(None, node.place)
        if isinstance(node, Text) and node.value:
            return Code(node.value, display, node.place, system)
        self._report.error(node.place, "bad-value", "a table entry needs a code")
        return None
