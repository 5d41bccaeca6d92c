"""The journal's SQL, which is kept in `.sql` files so that it can be read as SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_FOLDER = Path(__file__).with_name("sql")
_HEADER = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def script(name: str) -> str:
    """A whole file of statements."""
    return (_FOLDER / name).read_text("utf-8")


def named(name: str) -> Mapping[str, str]:
    """The statements of a file in which each stands under a line `-- its_name --`."""
    parts = _HEADER.split(script(name))
    return MappingProxyType(
        {
            key: text.split("\n\n-- ")[0].strip()
            for key, text in zip(parts[1::2], parts[2::2], strict=True)
        }
    )


QUERIES = named("queries.sql")
VERIFY = named("verify.sql")
SEARCH = named("search.sql")
POSTGRES = named("postgres.sql")
