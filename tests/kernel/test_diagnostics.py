from __future__ import annotations

import pytest

from vagus.kernel.diagnostics import Diagnostics, Place, did_you_mean
from vagus.kernel.errors import ConfigError


def test_findings_are_kept_once_and_in_the_order_of_the_files() -> None:
    found = Diagnostics()
    found.error(Place("b", 1, 1), "x", "late")
    found.warning(Place("a", 2, 10), "y", "second")
    for _ in range(2):
        found.error(Place("a", 2, 9), "z", "first")
    other = Diagnostics()
    other.extend(found)
    assert [str(item) for item in other] == [
        "a:2:9: error z: first",
        "a:2:10: warning y: second",
        "b:1:1: error x: late",
    ]
    assert len(other.errors) == 2


def test_only_errors_are_raised() -> None:
    found = Diagnostics()
    found.warning(Place("a"), "y", "look")
    found.raise_errors()
    found.error(Place("a"), "x", "mend")
    with pytest.raises(ConfigError) as caught:
        found.raise_errors()
    assert [item.code for item in caught.value.diagnostics] == ["x"]
    assert str(caught.value) == "a:1:1: error x: mend"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("strored", "; did you mean 'stored'?"),
        ("STORED", "; did you mean 'stored'?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_nearest_word(name: str, hint: str) -> None:
    assert did_you_mean(name, ["received", "stored"]) == hint
