from __future__ import annotations

import pytest

from vagus.formats.format import Answer, Stage, Terms, Verdict
from vagus.kernel.errors import DecodeError

NOW = 1_767_323_045.9
OK = Answer(Verdict.ACCEPTED)
BAD = Answer(Verdict.ERROR, "101", "PID-3.1")
NO = Answer(Verdict.REJECTED, "202", "MSH-11")
MODES = ["", "AL", "NE", "ER", "SU"]


def body(version: str = "2.5.1", *, kind: str = "ADT^A01", more: str = "", rest: str = "") -> bytes:
    head = f"MSH|^~\\&|EHR|MERCY|VAGUS|HUB|2026||{kind}|C-77|P|{version}{more}\r"
    return (head + rest).encode()


@pytest.fixture
def reply(hl7):
    def answered(raw: bytes, answer: Answer, stage: Stage = Stage.STORED) -> str | None:
        message = hl7.decode(raw, Terms())
        sent = hl7.reply(raw, message, answer, stage, "R-1", NOW)
        return None if sent is None else sent.decode(message.charset)

    return answered


def msh(kind: str, version: str, more: str = "") -> str:
    return f"MSH|^~\\&|VAGUS|HUB|EHR|MERCY|20260102030405+0000||{kind}|R-1|P|{version}{more}\r"


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("2.1", "ACK"),
        ("2.2", "ACK"),
        ("2.3", "ACK^A01"),
        ("2.3.1", "ACK^A01"),
        ("2.4", "ACK^A01^ACK"),
        ("2.5", "ACK^A01^ACK"),
        ("2.9", "ACK^A01^ACK"),
        ("2.5.1^USA", "ACK^A01^ACK"),
    ],
)
def test_acceptance_by_version(reply, version, kind):
    assert reply(body(version), OK) == msh(kind, version) + "MSA|AA|C-77\r"


@pytest.mark.parametrize(
    ("version", "kind", "msa", "err"),
    [
        ("2.2", "ACK", "|Required field missing", "ERR|PID^1^3^101&Required field missing&HL70357"),
        (
            "2.3.1",
            "ACK^A01",
            "|Required field missing",
            "ERR|PID^1^3^101&Required field missing&HL70357",
        ),
        ("2.4", "ACK^A01^ACK", "", "ERR|PID^1^3^101&Required field missing&HL70357"),
        ("2.5", "ACK^A01^ACK", "", "ERR||PID^1^3^1^1|101^Required field missing^HL70357|E"),
        ("2.8.2", "ACK^A01^ACK", "", "ERR||PID^1^3^1^1|101^Required field missing^HL70357|E"),
    ],
)
def test_errors_by_version(reply, version, kind, msa, err):
    expected = msh(kind, version) + f"MSA|AE|C-77{msa}\r{err}\r"
    assert reply(body(version), BAD) == expected


@pytest.mark.parametrize(
    ("where", "erl"),
    [
        ("", ""),
        ("MSH", "MSH^1"),
        ("PID-3", "PID^1^3"),
        ("PID-3(2)", "PID^1^3^2"),
        ("PID-3(2).1.4", "PID^1^3^2^1^4"),
        ("segment 7", ""),
        ("Ann Smith", ""),
    ],
)
def test_the_place_of_an_error(reply, where, erl):
    sent = reply(body(), Answer(Verdict.ERROR, "103", where))
    assert sent.split("\r")[2] == f"ERR||{erl}|103^Table value not found^HL70357|E"


def test_only_words_of_the_standard_go_back(reply):
    sent = reply(body(), Answer(Verdict.REJECTED, "Ann Smith", "12345"))
    assert sent.endswith("MSA|AR|C-77\rERR|||207^Application internal error^HL70357|E\r")


@pytest.mark.parametrize("accept", MODES)
@pytest.mark.parametrize("application", MODES)
def test_who_is_owed_what_and_when(reply, accept, application):
    raw = body(more=f"|||{accept}|{application}")
    for answer, good in ((OK, True), (BAD, False), (NO, False)):
        letter = {"accepted": "A", "error": "E", "rejected": "R"}[answer.verdict]
        owed = {"AL": True, "NE": False, "": False, "SU": good, "ER": not good}
        for stage, prefix, mode in ((Stage.STORED, "C", accept), (Stage.DONE, "A", application)):
            sent = reply(raw, answer, stage)
            if not accept and not application:
                assert sent.split("\r")[1].startswith(f"MSA|A{letter}|C-77")
            elif owed[mode]:
                assert sent.split("\r")[1] == f"MSA|{prefix}{letter}|C-77"
                assert sent.split("\r")[0].endswith("|P|2.5.1|||NE|NE")
            else:
                assert sent is None


def test_an_unknown_condition_is_answered_rather_than_met_with_silence(reply):
    assert "MSA|CA|" in reply(body(more="|||YES|NE"), OK)
    assert "MSA|AA|" in reply(body(more='|||""|""'), OK)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("kind", ["ACK", "ACK^A01^ACK", "RSP^K21"])
def test_an_acknowledgement_is_never_acknowledged_by_the_application(reply, stage, kind):
    rest = "MSA|AA|1\r"
    assert reply(body(kind=kind, rest=rest), OK, stage) is None
    assert reply(body(kind=kind, rest=rest, more="||||AL"), OK, stage) is None
    accept = reply(body(kind=kind, rest=rest, more="|||AL|AL"), OK, stage)
    assert (accept is not None) is (stage is Stage.STORED)
    assert accept is None or "MSA|CA|C-77" in accept


def test_delimiters_charset_and_header_fields_are_echoed_as_they_came(hl7):
    raw = (
        "MSH*:+/%*Ä:1.2:ISO*B/S/C*D*E*2026**ADT:A01*C/F/7:x*T:A*2.6******8859/1\rPID*1\r"
    ).encode("iso8859-1")
    message = hl7.decode(raw, Terms())
    sent = hl7.reply(raw, message, BAD, Stage.STORED, "R-1", NOW).decode("iso8859-1")
    assert sent == (
        "MSH*:+/%*D*E*Ä:1.2:ISO*B/S/C*20260102030405+0000**ACK:A01:ACK*R-1*T:A*2.6******8859/1\r"
        "MSA*AE*C/F/7:x\r"
        "ERR**PID:1:3:1:1*101:Required field missing:HL70357*E\r"
    )


def test_control_characters_do_not_travel_back(hl7):
    raw = b"MSH|^~\\&|A\x1c\x0bB||||||ADT^A01|7\x1c|P|2.5\rPID|1\r"
    sent = hl7.reply(raw, hl7.decode(raw, Terms()), OK, Stage.STORED, "R", NOW)
    assert b"\x1c" not in sent and b"\x0b" not in sent and b"|AB|" in sent


def test_no_field_of_the_patient_goes_back(hl7, adt):
    message = hl7.decode(adt, Terms())
    for answer in (OK, BAD, NO, Answer(Verdict.ERROR, "102", "PID-5")):
        sent = hl7.reply(adt, message, answer, Stage.STORED, "R", NOW)
        for canary in (b"12345", b"Neil", b"Ann", b"19800102", b"Durham", b"PAYER1"):
            assert canary not in sent


NOTHING = b"MSH|^~\\&|||||20260102030405+0000||ACK|R-1|P|2.5\rMSA|AR\r"


@pytest.mark.parametrize(
    "raw", [b"", b"rubbish", b"PID|1||7\r", b"MSH", b"MSH|ABCD|x", b"\xff\xfe"]
)
def test_what_shows_no_header_is_rejected_with_defaults(hl7, raw):
    refused = hl7.refusal(DecodeError("no-msh", "MSH"))
    sent = hl7.reply(raw, None, refused, Stage.STORED, "R-1", NOW)
    assert sent == NOTHING + b"ERR||MSH^1|100^Segment sequence error^HL70357|E\r"


def test_what_the_header_still_shows_is_used(hl7):
    raw = body(more="||||||ASCII", rest="PID|1||7||M\xfcller\r").decode().encode("latin-1")
    with pytest.raises(DecodeError) as caught:
        hl7.decode(raw, Terms())
    sent = hl7.reply(raw, None, hl7.refusal(caught.value), Stage.STORED, "R-1", NOW)
    assert sent.decode() == msh("ACK^A01^ACK", "2.5.1", "||||||ASCII") + (
        "MSA|AE|C-77\rERR||MSH^1^18|102^Data type error^HL70357|E\r"
    )


def test_a_header_that_cannot_be_decoded_goes_back_byte_for_byte(hl7):
    raw = b"MSH|^~\\&|M\xfc\xff|||\xe9|||ADT^A01|C\xfc|P|2.5|||AL|NE\rPID|1\r"
    sent = hl7.reply(raw, None, NO, Stage.STORED, "R", NOW)
    assert sent.startswith(b"MSH|^~\\&||\xe9|M\xfc\xff||2026") and b"\rMSA|CR|C\xfc\r" in sent
    assert hl7.reply(raw, None, NO, Stage.DONE, "R", NOW) is None


def test_a_charset_nobody_knows_is_not_repeated(hl7):
    raw = body(more="||||||EBCDIC")
    with pytest.raises(DecodeError) as caught:
        hl7.decode(raw, Terms())
    sent = hl7.reply(raw, None, hl7.refusal(caught.value), Stage.STORED, "R-1", NOW)
    assert sent.startswith(msh("ACK^A01^ACK", "2.5.1").encode())
