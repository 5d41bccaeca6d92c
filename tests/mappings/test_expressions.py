from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.expressions import ExpressionError, Path, parse, parse_path

SOUP = st.text(alphabet="=|. '\"()/-_{}[]$PIDAZaz019\\\n\t\x00é", max_size=60)
WORDS = st.sampled_from(
    "PID-3(2).4.2 IN1/IN2-61.1 . .4 .4.2 2000A/2000B .name.family Patient.name MSH-9.2".split()
) | st.sampled_from(["'a b'", '"it\'s"'])
CALLS = st.sampled_from(
    ["first", "join '; '", "where .5 MR PI", "table X", "replace 'a' \"'\"", "default ''"]
)


@given(SOUP)
def test_any_text_parses_or_is_refused(text):
    try:
        tree = parse("=" + text)
    except ExpressionError:
        return
    assert parse(str(tree)) == tree


@given(st.lists(st.tuples(WORDS, st.lists(CALLS, max_size=4)), min_size=1, max_size=6))
def test_printing_and_parsing_are_inverse(parts):
    text = "=" + " || ".join(" | ".join([head, *calls]) for head, calls in parts)
    tree = parse(text)
    assert parse(str(tree)) == tree
    assert str(parse(str(tree))) == str(tree)
    assert len(tree.alternatives) == len(parts)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("PID-5.1", Path("PID-5.1", segment="PID", field=5, component=1)),
        ("PID-3(2).1", Path("PID-3(2).1", segment="PID", field=3, repetition=2, component=1)),
        ("1000B/N1-4", Path("1000B/N1-4", ("1000B",), "N1", 4)),
        ("2100C/2110C/EB-3", Path("2100C/2110C/EB-3", ("2100C", "2110C"), "EB", 3)),
        (".1.2", Path(".1.2", component=1, sub=2, relative=True)),
        (".valueQuantity", Path(".valueQuantity", names=("valueQuantity",), relative=True)),
        ("Patient.name", Path("Patient.name", segment="Patient", names=("name",))),
    ],
)
def test_paths_of_every_format(text, path):
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", ["PID-", "PID-3()", "pid-3", "PID-3.1.2.3", "..", "", "PID 3", "PID-3\n"]
)
def test_what_is_no_path(text):
    assert parse_path(text) is None


def test_long_input_is_read_in_one_scan():
    with pytest.raises(ExpressionError):
        parse("=" + "a" * 200_000 + " | " * 3)
    with pytest.raises(ExpressionError):
        parse("='" + "x" * 200_000)
