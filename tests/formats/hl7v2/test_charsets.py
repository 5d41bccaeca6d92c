from __future__ import annotations

import pytest

from vagus.formats.hl7v2 import charsets
from vagus.kernel.errors import DecodeError


def message(named: str, family: bytes) -> bytes:
    head = f"MSH|^~\\&|A||||||ADT^A01|1|P|2.5||||||{named}\r".encode("ascii")
    return head + b"PID|1||7||" + family + b"\r"


@pytest.mark.parametrize(
    ("named", "python", "family"),
    [
        ("", "utf-8", "Müller"),
        ("ASCII", "ascii", "Muller"),
        ("ISO IR6", "ascii", "Muller"),
        ("8859/1", "iso8859-1", "Müller"),
        ("8859/2", "iso8859-2", "Dvořák"),
        ("8859/5", "iso8859-5", "Иванов"),
        ("8859/7", "iso8859-7", "Παπάς"),
        ("8859/8", "iso8859-8", "כהן"),
        ("8859/9", "iso8859-9", "Şahin"),
        ("8859/15", "iso8859-15", "Œuvre"),
        ("GB 18030-2000", "gb18030", "王"),
        ("KS X 1001", "euc_kr", "김"),
        ("BIG-5", "big5", "許功蓋"),
        ("ISO IR14", "shift_jis", "ｱﾝ"),
        ("ISO IR87", "iso2022_jp_2", "山田"),
        ("ASCII~ISO IR87", "iso2022_jp_2", "Yamada 山田"),
        ("ISO IR6~ISO IR159", "iso2022_jp_2", "丂"),
        ("UNICODE UTF-8", "utf-8", "Ω日本"),
        ("UNICODE", "utf-8", "Ω"),
        ("UTF-8", "utf-8", "Ω"),
        ("windows-1252", "cp1252", "Œ"),
        ("Unicode UTF-8", "utf-8", "Ω"),
        ("8859/1~ASCII", "iso8859-1", "Müller"),
    ],
)
def test_names_of_table_0211(decode, named, python, family):
    read = decode(message(named, family.encode(python)))
    assert read.get("PID-5") == family and read.charset == python


@pytest.mark.parametrize(
    ("named", "family"),
    [
        ("", b"M\xfcller"),
        ("ASCII", "Müller".encode()),
        ("UNICODE UTF-8", b"M\xfcller"),
        ("8859/7", b"\xff"),
        ("ISO IR87", b"\x1b$B\xff\xff"),
        ("CNS 11643-1992", b"x"),
        ("EBCDIC", b"x"),
        ("UNICODE UTF-16", b"x"),
        ("UNICODE UTF-32", b"x"),
        ("utf_7", b"x"),
        ("rot13", b"x"),
    ],
)
def test_what_is_not_what_it_says_is_refused(decode, named, family):
    with pytest.raises(DecodeError) as caught:
        decode(message(named, family))
    assert (caught.value.code, caught.value.where) == ("charset", "MSH-18")
    assert caught.value.__cause__ is None


def test_the_endpoint_says_what_the_message_leaves_unsaid(decode):
    body = message("", b"M\xfcller")
    assert decode(body, charset="8859/1").get("PID-5") == "Müller"
    assert decode(body, charset="windows-1252").charset == "cp1252"
    assert decode(message("8859/5", b"\xb8"), charset="8859/1").get("PID-5") == "И"
    with pytest.raises(DecodeError):
        decode(body, charset="nonsense")


def test_delimiters_hidden_in_wide_characters_do_not_cut(decode):
    # Big5 writes these three with the ASCII bytes of \ and ~ as their second halves.
    family = "許功坍"
    assert b"\\" in family.encode("big5") and b"~" in family.encode("big5")
    read = decode(message("BIG-5", family.encode("big5")))
    assert read.get("PID-5") == family and len(read.first("PID")) == 6


def test_a_utf8_mark_is_dropped(decode):
    body = b"\xef\xbb\xbf" + message("", "Müller".encode())
    assert decode(body).get("PID-5") == "Müller" and decode(body).segments[0][0] == "MSH"
    assert decode(b"\xef\xbb\xbf" + message("UNICODE UTF-8", b"x")).charset == "utf-8"
    with pytest.raises(DecodeError):
        decode(b"\xef\xbb\xbf" + message("8859/1", b"M\xfcller"))


@pytest.mark.parametrize("wide", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_wide_encodings_are_refused(decode, wide):
    with pytest.raises(DecodeError) as caught:
        decode(message("", b"x").decode().encode(wide))
    assert caught.value.code in ("charset", "no-msh")


def test_a_sender_that_hides_its_charset_behind_wide_delimiters_is_refused(decode):
    body = b"MSH|^~\\&|\xb3|||||||ADT|1|P|2.5|||||BIG-5|\r"
    with pytest.raises(DecodeError):
        decode(body)


def test_every_codec_exists_and_reads_ascii_alike_where_it_says_so():
    for name in ("8859/1", "ISO IR14", "BIG-5", "GB 18030-2000", "KS X 1001", "UNICODE"):
        codec = charsets.codec(name)
        letters = bytes(range(32, 127)) if codec != "shift_jis" else b"MSH|^~&\\"
        assert letters.decode(codec) == letters.decode("ascii")
