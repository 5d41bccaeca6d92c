from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.formats.hl7v2.escapes import escape, unescape, unescape_counting
from vagus.formats.hl7v2.separators import DEFAULT, Separators

OTHERS = [DEFAULT, Separators(truncation="#"), Separators("*", ":", "+", "/", "%", "!")]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
tricky = st.text('|^~\\&#*:+/%!XFSRET.brH0D"\r\n\x0b\x1c é日', max_size=40)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        (r"\P\\F\\F\ ", "#|| "),
        (r"one\.br\two\.br\\.br\three", "one\ntwo\n\nthree"),
        (r"\H\bold\N\ plain", "bold plain"),
        (r"\X0D\\X0A\\X0d0a\ ", "\r\n\r\n "),
        (r"\XC3A9\ \XC3\\XA9\ ", "é é "),
        (r"\.sp\a\.sp 2\b\.sp+3\c\.sk 2\d", "\na\n\nb\n\n\nc  d"),
        (r"\.fi\a\.nf\b\.in+4\c\.ti-2\d\.ce\e", "abcd\ne"),
        (r"plain", "plain"),
        ("", ""),
    ],
)
def test_known_escapes(raw, text):
    assert unescape_counting(raw, DEFAULT) == (text, 0)
    assert unescape(raw, DEFAULT) == text


@pytest.mark.parametrize(
    ("raw", "text", "unknown"),
    [
        ("5\\6", "5\\6", 1),
        ("ends with \\", "ends with \\", 1),
        (r"\Z01\kept\T\ ", r"\Z01\kept& ", 1),
        (r"\C2842\ and \M2442\ ", r"\C2842\ and \M2442\ ", 2),
        (r"C:\new dir\.br\x", "C:\\new dir\nx", 1),
        (r"\X\ ", r"\X\ ", 1),
        (r"\XABC\ ", r"\XABC\ ", 1),
        (r"\XZZ\ ", r"\XZZ\ ", 1),
        (r"\XFF\ ", r"\XFF\ ", 1),
        (r"\.xx\ ", r"\.xx\ ", 2),
        (r"\.sp 1000\T", r"\.sp 1000\T", 2),
        (r"\\", r"\\", 2),
        (r"\f\ ", r"\f\ ", 2),
    ],
)
def test_unknown_and_unterminated_escapes_stay_and_are_counted(raw, text, unknown):
    assert unescape_counting(raw, DEFAULT) == (text, unknown)


def test_hexadecimal_bytes_are_in_the_charset_of_the_message():
    assert unescape(r"\XE9\ ", DEFAULT, "iso8859-1") == "é "
    assert unescape_counting(r"\XE9\ ", DEFAULT, "utf-8") == (r"\XE9\ ", 1)


def test_without_an_escape_character_nothing_is_unescaped():
    plain = Separators(escape="")
    assert unescape("a\\T\\b", plain) == "a\\T\\b"
    with pytest.raises(ValueError, match="no escape character") as caught:
        escape("secret|", plain)
    assert "secret" not in str(caught.value)


def test_what_is_written_holds_no_delimiter_and_no_control_character():
    assert escape("a|b^c~d&e\\f\rg\x1ch", DEFAULT) == (r"a\F\b\S\c\R\d\T\e\E\f\X0D\g\X1C\h")
    assert escape("#", DEFAULT) == "#"
    assert escape("#", Separators(truncation="#")) == r"\P\ ".strip()


def test_two_quotes_as_text_are_not_the_null():
    assert escape('""', DEFAULT) == r"\X22\\X22\ ".strip()
    assert escape('say ""', DEFAULT) == 'say ""'


@given(st.one_of(texts, tricky), st.sampled_from(OTHERS))
def test_reading_what_was_written_gives_the_same_text(text, separators):
    raw = escape(text, separators)
    structural = {separators.field, separators.component, separators.repetition}
    assert not set(raw) & (structural | {separators.subcomponent, "\r", "\n"})
    assert raw != '""'
    assert unescape_counting(raw, separators) == (text, 0)


@given(st.text("\\XFSTHN.brsp 0123456789ABCDEFabc", max_size=80))
def test_any_text_can_be_unescaped(raw):
    text, unknown = unescape_counting(raw, DEFAULT)
    assert text == unescape(raw, DEFAULT)
    if raw.count("\\") % 2:
        assert unknown
