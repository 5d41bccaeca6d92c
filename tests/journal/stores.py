"""The databases a journal can be kept in."""

from __future__ import annotations

import pytest

#: For a test, or a module of tests, that holds over each of them.
BOTH = pytest.mark.parametrize("server", ["sqlite", "postgres"], indirect=True)
