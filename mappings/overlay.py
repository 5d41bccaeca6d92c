"""Copies templates in and merges overlays over what they extend, before anything is compiled (§8).

`$use` is resolved here: keys beside it are merged over the template's body, maps into maps,
everything else replacing; null and `$remove` delete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mappings.headers import TemplateFile
from mappings.nodes import Items, Node, Object, Text, Use, Via, texts
from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean

MAX_DEPTH = 8
MAX_NODES = 20_000
MAX_NESTING = 40


class Expander:
    """Expands the `$use` of a tree; remembers which templates were used."""

    def __init__(self, templates: Mapping[str, TemplateFile], diagnostics: Diagnostics) -> None:
        self._templates = templates
        self._report = diagnostics
        self._open: list[str] = []
        self._via: Via = ()
        self._count = 0
        self._nesting = 0
        self.used: set[str] = set()

    def expand(self, node: Node) -> Node:
        """The tree with every template copied in."""
        self._count += 1
        if self._count > MAX_NODES or self._nesting > MAX_NESTING:
            self._too_large(node.place)
            return Text(None, node.place)
        self._nesting += 1
        try:
            match node:
                case Items():
                    return Items(tuple(map(self.expand, node.items)), node.place, self._via)
                case Object():
                    return self._object(node)
                case Text():
                    return Text(node.value, node.place, self._via) if self._via else node
        finally:
            self._nesting -= 1

    def _too_large(self, place: Place) -> None:
        if self._nesting > MAX_NESTING:
            self._report.error(place, "limit-exceeded", f"at most {MAX_NESTING} levels deep")
        else:
            self._report.error(
                place, "limit-exceeded", f"at most {MAX_NODES} nodes once templates are copied in"
            )

    def _object(self, node: Object) -> Object:
        entries = {key: self.expand(child) for key, child in node.entries.items()}
        own = replace(node, entries=entries, via=self._via)
        if "$use" not in entries:
            return own
        body = self._template(entries["$use"])
        own = own.without("$use")
        if body is None:
            return replace(own, broken=True)
        return merge(body, own, self._report)

    def _template(self, asked: Node) -> Object | None:
        if not isinstance(asked, Text) or not asked.value:
            self._report.error(asked.place, "unknown-template", "$use takes the name of a template")
            return None
        name = asked.value
        template = self._templates.get(name)
        if template is None:
            hint = did_you_mean(name, self._templates)
            self._report.error(asked.place, "unknown-template", f"'{name}' is not a template{hint}")
            return None
        self.used.add(name)
        if name in self._open:
            chain = " > ".join([*self._open, name])
            self._report.error(asked.place, "template-cycle", f"a template uses itself: {chain}")
            return None
        if len(self._open) >= MAX_DEPTH:
            self._report.error(
                asked.place, "limit-exceeded", f"templates nest at most {MAX_DEPTH} deep"
            )
            return None
        outer, self._via = self._via, (*self._via, asked.place)
        self._open.append(name)
        body = self._object(template.body)
        self._open.pop()
        self._via = outer
        return replace(body, uses=(*body.uses, Use(name, template.takes, asked.place)))


def merge(base: Object, over: Object, diagnostics: Diagnostics) -> Object:
    """One object over another; keys keep the order of the base, new ones follow."""
    entries = dict(base.entries)
    keys = dict(base.keys)
    copies = "$copy" in entries or "$copy" in over.entries
    for name in texts(over.entries.get("$remove")):
        if copies:
            entries[name.value or ""] = Text(None, name.place)
            keys[name.value or ""] = name.place
        elif entries.pop(name.value or "", None) is None:
            _nothing(name.value or "", name.place, entries, diagnostics)
    for key, node in over.entries.items():
        if key == "$remove":
            continue
        below = entries.get(key)
        if isinstance(node, Text) and node.value is None:
            if copies:
                entries[key], keys[key] = node, over.keys[key]
            elif entries.pop(key, None) is None:
                _nothing(key, over.keys[key], entries, diagnostics)
            continue
        if isinstance(node, Object) and isinstance(below, Object):
            entries[key] = merge(below, node, diagnostics)
        else:
            entries[key] = node
            keys[key] = over.keys[key]
    broken = base.broken or over.broken
    return Object(entries, keys, over.place, (*base.uses, *over.uses), broken, over.via)


def _nothing(key: str, place: Place, entries: Mapping[str, Node], diagnostics: Diagnostics) -> None:
    hint = did_you_mean(key, entries)
    diagnostics.error(
        place, "nothing-to-remove", f"'{key}' is not there, so it cannot be removed{hint}"
    )


def leftovers(node: Node, diagnostics: Diagnostics) -> Node:
    """The tree without nulls and `$remove` that had nothing below them; each is reported."""
    match node:
        case Items():
            return replace(node, items=tuple(leftovers(item, diagnostics) for item in node.items))
        case Object():
            return _cleaned(node, diagnostics)
        case _:
            return node


def _cleaned(node: Object, diagnostics: Diagnostics) -> Object:
    entries: dict[str, Node] = {}
    keys = dict(node.keys)
    copies = "$copy" in node.entries
    for key, child in node.entries.items():
        if copies and key == "$remove":
            for text in texts(child):
                entries[text.value or ""] = Text(None, text.place)
                keys[text.value or ""] = text.place
        elif copies and isinstance(child, Text) and child.value is None:
            entries[key] = child
        elif key == "$remove" or (isinstance(child, Text) and child.value is None):
            diagnostics.error(
                node.keys[key], "nothing-to-remove", f"nothing is inherited here: leave out '{key}'"
            )
        else:
            entries[key] = leftovers(child, diagnostics)
    return replace(node, entries=entries, keys=keys)
