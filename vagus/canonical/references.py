"""Where the references of a Bundle lead, and whether its fullUrls tell its entries apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from vagus.canonical import shapes

Object = dict[str, Any]


class Breach(NamedTuple):
    """What is wrong: a code, the element, and what is needed; never a value."""

    code: str
    element: str
    text: str


class Targets:
    """What a reference may lead to: the entries of one Bundle by fullUrl.

    Without a Bundle (`entries=None`) a `urn:` is believed.
    """

    __slots__ = ("types",)

    def __init__(self, entries: list[Any] | None) -> None:
        self.types: dict[str, str] | None = None
        if entries is not None:
            self.types = {}
            for entry in entries:
                resource = entry.get("resource") if isinstance(entry, dict) else None
                if isinstance(resource, dict) and isinstance(url := entry.get("fullUrl"), str):
                    self.types[url] = str(resource.get("resourceType", ""))

    def sound(self, text: Any, allowed: tuple[str, ...]) -> bool:
        """Whether a `urn:`, relative or absolute reference leads to an allowed type."""
        if not isinstance(text, str):
            return True
        kind = self.types.get(text) if self.types is not None else None
        if kind is None:
            if text[:4] == "urn:":
                return self.types is None
            kind = _type_of(text)
        return not kind or not allowed or kind in allowed

    def breach(
        self, reference: Object, allowed: tuple[str, ...], resource: Object
    ) -> Breach | None:
        """What is wrong with a Reference that stands inside `resource`, or None.

        A `urn:` must be an entry of the Bundle and a `#id` be contained; wherever the type of
        the target shows, it must be one of `allowed` (any, when that is empty).
        """
        text = reference.get("reference")
        if not isinstance(text, str):
            return None
        if text.startswith("#"):
            kind = _contained_type(text[1:], resource)
            if kind is None:
                return Breach("ref-1", "reference", "no contained resource has that id")
            good = not kind or not allowed or kind in allowed
        elif text.startswith("urn:") and self.types is not None and text not in self.types:
            return Breach("reference-missing", "reference", "no entry of the Bundle has that url")
        else:
            good = self.sound(text, allowed)
        if good:
            return None
        needed = f"it must lead to {' or '.join(allowed)}"
        return Breach("reference-target", "reference", needed)


def _contained_type(name: str, resource: Object) -> str | None:
    """The type of a contained resource, '' when it does not show, None when there is none."""
    if not name:
        return str(resource.get("resourceType", ""))
    contained = resource.get("contained")
    for item in contained if isinstance(contained, list) else ():
        if isinstance(item, dict) and item.get("id") == name:
            return str(item.get("resourceType", ""))
    return None


def _type_of(text: str) -> str:
    """The resource type in `Type/id` or `http://server/Type/id/_history/1`; '' when none shows."""
    parts = text.split("/_history/", 1)[0].rsplit("/", 2)
    kind = parts[-2] if len(parts) > 1 else ""
    return kind if kind in shapes.names("resource") else ""


def plain(entries: list[Any]) -> bool:
    """Whether it is plain to see that the entries' urls are right: each its own `urn:`."""
    urls = {entry.get("fullUrl", "") for entry in entries}
    return len(urls) == len(entries) and all(url[:4] == "urn:" for url in urls)


def url_breaches(entries: list[Any]) -> Iterator[Breach]:
    """bdl-7, and fullUrls that contradict the id of their resource (R4 Bundle.entry.fullUrl)."""
    seen: set[tuple[str, object]] = set()
    for index, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(url := entry.get("fullUrl"), str):
            continue
        where = f"entry[{index}].fullUrl"
        key = (url, _version(resource))
        if key in seen:
            yield Breach("bdl-7", where, "two entries have this fullUrl")
        seen.add(key)
        tail = f"/{resource.get('resourceType')}/{resource.get('id')}"
        if (
            url.startswith("http")
            and "id" in resource
            and _type_of(url)
            and url[-len(tail) :] != tail
        ):
            yield Breach("id-mismatch", where, "it must end with the resource's type and id")


def _version(resource: Object) -> object:
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else None
