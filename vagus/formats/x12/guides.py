"""The guides we have, and which of them a transaction set is written by.

A set is found by GS01, its version and, where one transaction goes both ways, BHT01 and BHT02:
several guides share one ST01. Adding a guide, or a release, is adding a file to `data`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from vagus.formats.x12 import guide
from vagus.formats.x12.dictionary import DATA
from vagus.formats.x12.guide import Guide

#: Versions that senders name for a guide that has been amended since, or never had that number.
ALIASES = {
    "005010X279": "005010X279A1",
    "005010X221": "005010X221A1",
    "005010X222": "005010X222A1",
    "005010X222A2": "005010X222A1",
    "005010X223": "005010X223A2",
    "005010X223A1": "005010X223A2",
    "005010X223A3": "005010X223A2",
    "005010X224": "005010X224A2",
    "005010X224A1": "005010X224A2",
    "005010X224A3": "005010X224A2",
    "005010X231": "005010X231A1",
}


class Choice(NamedTuple):
    """The guide of a set; `is_alias` when the version it names is another than the guide's."""

    guide: Guide | None
    is_alias: bool = False
    is_known: bool = True  # the transaction is known in some version


@cache
def names() -> tuple[tuple[str, str], ...]:
    """The release and file name of every guide."""
    found = [
        (path.parent.name, path.name)
        for path in sorted(DATA.glob("*/*.yaml"))
        if path.name not in ("dictionary.yaml", "shared.yaml")
    ]
    return tuple(found)


@cache
def load(release: str, name: str) -> Guide:
    """One guide by its file; raises ConfigError when the file is wrong."""
    return guide.load(DATA / release / name)


def choose(
    transaction: str, group: str, version: str, purpose: str, ids: Iterable[str] = ()
) -> Choice:
    """The guide of a set with this ST01, GS01, version (ST03 or GS08), and `BHT01/BHT02`.

    Where those leave it open, the ids of the segments that follow may tell.
    """
    wanted = ALIASES.get(version, version)
    named = [(release, name) for release, name in names() if name.startswith(f"{transaction}_")]
    fitting = []
    for release, name in named:
        if f"_{wanted[6:]}" in name and release == wanted[:6]:
            fitting.append(load(release, name))
    fitting = [item for item in fitting if item.id == wanted]
    if len(fitting) > 1:
        said = [item for item in fitting if purpose in item.purposes]
        present = frozenset(ids)
        marked = said or [item for item in fitting if item.marks & present]
        fitting = marked or [item for item in fitting if item.group == group and not item.marks]
    if not fitting:
        return Choice(None, is_known=bool(named))
    return Choice(fitting[0], wanted != version)
