"""Code tables ready for use: one dictionary access for each look-up (§6)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mappings.headers import TableFile


class Table:
    """A code table; `codes` gives the target code, `codings` the whole Coding."""

    __slots__ = ("_keys", "_keys_of", "codes", "codings", "name", "source", "unmapped")

    def __init__(self, file: TableFile) -> None:
        self.name = file.name
        self.source = file.source
        self.unmapped = file.unmapped
        self.codes: Mapping[str, str] = MappingProxyType(
            {key: entry.code for key, entry in file.codes.items()}
        )
        self.codings: Mapping[str, dict[str, str]] = MappingProxyType(
            {
                key: _coding(entry.system or file.target, entry.code, entry.display)
                for key, entry in file.codes.items()
            }
        )

        entries = list(self.codings.items())[::-1]  # the entry that stands first wins
        self._keys = {(coding.get("system"), coding["code"]): key for key, coding in entries}
        self._keys_of = {coding["code"]: key for key, coding in entries}

    def key(self, code: str) -> str | None:
        """The first code of the table that becomes a target code."""
        return self._keys_of.get(code)

    def key_of(self, system: str, code: str) -> str | None:
        """The first code of the table that becomes a Coding; one that it passed is itself."""
        found = self._keys.get((system, code))
        return code if found is None and system == self.source and system else found

    def passed(self, code: str) -> dict[str, str]:
        """The Coding of a code the table lacks when it lets such codes through."""
        return _coding(self.source, code, "")


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    coding = {"system": system, "code": code, "display": display}
    return {key: value for key, value in coding.items() if value}
