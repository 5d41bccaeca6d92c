from __future__ import annotations

import pytest

ADT = "MSH|^~\\&|A||||||ADT^A08|1|P|2.5\r"
SIU = "MSH|^~\\&|A||||||SIU^S12|1|P|2.5\rSCH|1\r"
A40 = "MSH|^~\\&|A||||||ADT^A40|1|P|2.5\r"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (ADT + "PID|1||7^^^H^MR~8^^^STATE\r", ("7^H",)),
        (SIU + "PID|1||7^^^H&1.2.3&ISO^MR\r", ("7^H",)),
        (ADT + "PID|1||7^^^&1.2.3&ISO^MR\r", ("7^1.2.3",)),
        (ADT + "PID|1|| 7 \r", ("7^",)),
        (ADT + "PID|1||^^^H~9^^^H\r", ("9^H",)),
        (ADT + 'PID|1||""~9^^^H\r', ("9^H",)),
        (ADT + "PID|1|5^^^X|\r", ("5^X",)),
        (ADT + 'PID|1||""\r', ()),
        (ADT + "PID|1\r", ()),
        (SIU, ()),
        (ADT + "PID|1||A\\T\\B^^^H\\S\\1\r", ("A&B^H^1",)),
        (A40 + "PID|1||7^^^H\rMRG|8^^^H~9^^^H\r", ("7^H", "8^H", "9^H")),
        (A40 + "PID|1||7^^^H\rMRG||||6^^^H\r", ("7^H", "6^H")),
        (A40 + "PID|1||7^^^H\rMRG|7^^^H\r", ("7^H",)),
        (A40 + "PID|1||1\rMRG|2\rPID|1||3\rMRG|4\r", ("1^", "2^", "3^", "4^")),
        (ADT.replace("A08", "A17") + "PID|1||1\rPV1|1\rPID|2||2\rPV1|2\r", ("1^", "2^")),
        (ADT.replace("A08", "A24") + "PID|1||2\rPID|2||1\r", ("2^", "1^")),
    ],
)
def test_the_patients_a_message_is_about(hl7, decode, text, keys):
    assert hl7.lane_keys(decode(text)) == keys


def test_the_same_patient_has_the_same_key_under_other_delimiters(hl7, decode):
    other = "MSH*:+/%*A******ADT:A01*1*P*2.5\rPID*1**7:::H%1.2%ISO\r"
    assert hl7.lane_keys(decode(other)) == hl7.lane_keys(decode(ADT + "PID|1||7^^^H\r"))
