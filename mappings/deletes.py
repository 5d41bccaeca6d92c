"""The explicit deletes of a message, as FHIRPath and as FHIRPath Patch (R4, fhirpatch.html; §4.3).

A mapping notes where it met `""` and what it took out of a list. Here that becomes, for each
resource, a `Parameters` resource of delete operations that travels in the Bundle: what is absent
says nothing, so a delete has to be said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mappings.result import Delete
from vagus.canonical import shapes

Resource = dict[str, Any]

#: The extension of an operation that names the resource it is for.
PATCHED = "urn:x-vagus:patched"
#: Resources of the message itself: nobody keeps them, so nothing of them is deleted.
_OWN = frozenset(("MessageHeader", "Provenance"))
_TOKEN = re.compile(r"[^.(]+(?:\('[^']*'\))?")
#: Types that are one statement: when their first part is null, the whole is.
_CODED = frozenset(("CodeableConcept", "Coding", "Identifier", "Quantity", "Reference", "Duration"))


def found(
    nulls: Iterable[tuple[str, str, str]],
    taken: Iterable[tuple[str, str, Any]],
    resources: Iterable[Resource],
) -> list[Delete]:
    """Every delete once: elements left empty by nulls, items taken out of lists.

    `nulls` are (`Type/id`, element, source), `taken` are (`Type/id`, element, the item). An element
    that a resource has after all is not deleted.
    """
    known = {f"{item['resourceType']}/{item['id']}": item for item in resources}
    deletes = []
    for owner, element, source in nulls:
        if (path := _path(known.get(owner), element, source)) is not None:
            deletes.append(Delete(owner, path, source))
    for owner, element, item in taken:
        if (test := _test(item)) is not None:
            deletes.append(Delete(owner, f"{element}.where({test})", ""))
    return list(dict.fromkeys(deletes))


def parameters(
    deletes: Sequence[Delete], named: Callable[[str], str]
) -> Iterator[tuple[str, Resource]]:
    """A Parameters resource for each resource that has deletes, and its id.

    `named` gives the id of the one for `Type/id`.
    """
    for owner in dict.fromkeys(delete.resource for delete in deletes):
        kind, _, id_ = owner.partition("/")
        if kind in _OWN:
            continue
        target = {"url": PATCHED, "valueReference": {"reference": f"urn:uuid:{id_}"}}
        operations = [
            {
                "extension": [target],
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "delete"},
                    {"name": "path", "valueString": f"{kind}.{delete.element}"},
                ],
            }
            for delete in deletes
            if delete.resource == owner
        ]
        own = named(owner)
        yield own, {"resourceType": "Parameters", "id": own, "parameter": operations}


def _path(resource: Resource | None, element: str, source: str) -> str | None:
    """The FHIRPath of an element below its resource; None when the resource has it after all."""
    if resource is None:
        return element
    shape = shapes.type(resource["resourceType"])
    given: list[Any] = [resource]
    steps = []
    for token in _TOKEN.findall(element):
        name, _, url = token.lstrip("_").partition("('")
        known = shape.elements.get(name)
        if url or known is None:
            steps.append(token)
            given = [item for item in _below(given, [name]) if item.get("url") == url[:-2]]
            break
        names = [other.name for other in shape.elements.values() if other.choice == known.choice]
        steps.append(known.choice.removesuffix("[x]") if known.choice else name)
        given = _below(given, names if known.choice else [token])
        if known.type in _CODED and not given and _first(source):
            break
        shape = shapes.type(known.type)
    return None if given else ".".join(steps)


def _below(given: Iterable[Any], names: Iterable[str]) -> list[Any]:
    """The values of some elements, those of lists one by one."""
    found: list[Any] = []
    for parent in given:
        for name in names:
            value = parent.get(name) if isinstance(parent, dict) else None
            found += value if isinstance(value, list) else [value] if value is not None else []
    return found


def _first(source: str) -> bool:
    """Whether a place such as `PID-16.1` is a whole field or its first component."""
    _, _, component = source.rpartition("-")[2].partition(".")
    return component.partition(".")[0] in ("", "1")


def _test(item: Any) -> str | None:
    """The FHIRPath condition that an item of a list is meant; None when it names nothing."""
    if not isinstance(item, dict):
        return None
    for name in ("actor", "individual", "member", "onBehalfOf"):
        if name in item:
            return _referring(item[name], f"{name}.")
    if codings := item.get("coding"):
        code = " and ".join(
            _equal(codings[0], name) for name in ("system", "code") if name in codings[0]
        )
        return f"coding.where({code}).exists()" if code else None
    return _equal(item, "text") if "text" in item else None


def _referring(reference: Any, before: str) -> str | None:
    identifier = reference.get("identifier", {})
    if "reference" in reference:
        return before + _equal(reference, "reference")
    if "value" in identifier:
        return f"{before}identifier." + _equal(identifier, "value")
    return before + _equal(reference, "display") if "display" in reference else None


def _equal(item: dict[str, Any], name: str) -> str:
    text = item[name].replace("\\", "\\\\").replace("'", "\\'")
    return f"{name} = '{text}'"
