from __future__ import annotations

import pytest
from cli.given import adt

KEYS = {"message", "severity", "code", "level", "where", "text"}


def given(tmp_path, content: bytes):
    path = tmp_path / "message.hl7"
    path.write_bytes(content)
    return path


def test_a_clean_message_has_no_findings(call, message):
    done = call("validate", message)
    assert (done.code, done.out, done.err) == (0, "", "")


def test_findings_are_json_lines_with_a_place_and_no_value(call, tmp_path):
    wrong = adt().replace(b"|19800101|", b"|MARKED-DATE|").replace(b"PV1|1|O", b"PV1|1|")
    done = call("validate", given(tmp_path, wrong))
    assert done.code == 1
    assert [(line["code"], line["where"], line["level"]) for line in done.lines] == [
        ("bad-timestamp", "PID[1]-7", 3),
        ("required-field", "PV1[1]-2", 2),
    ]
    assert all(set(line) == KEYS and line["severity"] == "error" for line in done.lines)
    assert "MARKED" not in done.out + done.err


def test_each_message_of_a_batch_is_counted(call, tmp_path):
    batch = b"BHS|^~\\&\r" + adt("1") + adt("2").replace(b"PID|1|", b"PID|x|") + b"BTS|2\r"
    (line,) = call("validate", given(tmp_path, batch)).lines
    assert (line["message"], line["where"]) == (2, "PID[1]-1")


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        (b"PID|1||5\r", "no-msh", "MSH"),
        (adt().replace(b"JANE", b"JAN\xc9"), "charset", "MSH-18"),
        (adt().replace(b"JANE", b"JA\rNE"), "segment-name", "segment 4"),
        (b"\x00\xff\xfe", "no-msh", "MSH"),
    ],
)
def test_what_cannot_be_read_is_a_finding(call, tmp_path, content, code, where):
    done = call("validate", given(tmp_path, content))
    (line,) = done.lines
    assert done.code == 1
    assert (line["code"], line["where"], line["level"]) == (code, where, 1)


def test_the_reply_owed_lists_the_errors(call, tmp_path):
    wrong = adt().replace(b"PV1|1|O", b"PV1|1|")
    done = call("validate", "--ack", given(tmp_path, wrong))
    assert done.code == 1
    segments = done.lines[0]["reply"].split("\r")
    assert segments[1] == "MSA|AE|C1"
    assert segments[2] == "ERR||PV1^1^2|101^Required field missing^HL70357|E"


def test_the_reply_to_a_clean_message_accepts_it(call, message):
    done = call("validate", "--ack", message)
    assert done.code == 0 and done.lines[0]["reply"].split("\r")[1] == "MSA|AA|C1"


def test_enhanced_mode_owes_two_replies(call, tmp_path):
    asked = adt().replace(b"|P|2.5.1", b"|P|2.5.1|||AL|AL").replace(b"PV1|1|O", b"PV1|1|")
    done = call("validate", "--ack", given(tmp_path, asked))
    codes = [line["reply"].split("\r")[1] for line in done.lines]
    assert codes == ["MSA|CA|C1", "MSA|AE|C1"]


def test_up_to_2_4_errors_have_the_older_form(call, tmp_path):
    older = adt().replace(b"|2.5.1", b"|2.3").replace(b"PV1|1|O", b"PV1|1|")
    segments = call("validate", "--ack", given(tmp_path, older)).lines[0]["reply"].split("\r")
    assert segments[2] == "ERR|PV1^1^2^101&Required field missing&HL70357"


def test_standard_input(shell):
    done = shell("validate", "-", stdin=adt())
    assert (done.code, done.out) == (0, "")


def test_a_file_without_a_message_is_a_failure(call, tmp_path):
    done = call("validate", given(tmp_path, b""))
    assert done.code == 1 and "no message" in done.err


PROFILE = "profile: desk\nrules:\n  PV1-19: required\n"


def test_a_profile_beside_the_messages(call, message):
    profiles = message.parent / "profiles"
    profiles.mkdir()
    (profiles / "any.yaml").write_text(PROFILE)
    (line,) = call("validate", "--profile", "desk", message).lines
    assert (line["code"], line["where"], line["level"]) == ("profile-required", "PV1[1]-19", 5)


def test_a_profile_by_its_file(call, message, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(PROFILE)
    assert len(call("validate", "--profile", path, message).lines) == 1


def test_a_profile_of_a_project(call, message, tmp_path):
    project = tmp_path / "project"
    (project / "profiles").mkdir(parents=True)
    (project / "vagus.yaml").write_text("project: clinic\n")
    (project / "profiles" / "desk.yaml").write_text(PROFILE)
    assert len(call("validate", "--profile", "desk", "--project", project, message).lines) == 1


def test_a_profile_that_is_not_there_is_wrong_use(call, message):
    (message.parent / "profiles").mkdir()
    (message.parent / "profiles" / "desk.yaml").write_text(PROFILE)
    done = call("validate", "--profile", "dask", message)
    assert done.code == 2 and "did you mean 'desk'" in done.err
    assert call("validate", "--profile", "no.yaml", message).code == 2


def test_a_profile_that_is_wrong_is_said_with_its_place(call, message, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(PROFILE.replace("required", "requird"))
    done = call("validate", "--profile", path, message)
    assert done.code == 2 and f"{path}:3:11: error bad-value" in done.err


def test_strict_adds_what_hl7apy_finds(call, tmp_path):
    wrong = adt().replace(b"|F\r", b"|FEMALE\r")
    lines = call("validate", "--strict", given(tmp_path, wrong)).lines
    assert {(line["code"], line["level"]) for line in lines} >= {
        ("unsuggested-code", 4),
        ("strict-table", 6),
    }
    assert "FEMALE" not in str(lines)
