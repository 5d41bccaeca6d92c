from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vagus.formats.format import Terms
from vagus.formats.hl7v2 import HL7V2, Message

CORPORA = Path(__file__).parents[3].parent / "shared/corpora"

ADT = (
    "MSH|^~\\&|EHR|MERCY|VAGUS|HUB|20260102030405-0500||ADT^A01^ADT_A01|C-1|P|2.5.1\r"
    "EVN||20260102030405\r"
    "PID|1||12345^^^MERCY&1.2.3&ISO^MR~999^^^STATE^DL||O\\T\\Neil^Ann^Q~Smith^Ann||19800102|F|||"
    '5 Main St&Main&5^""^Durham^NC||""\r'
    "PV1|1|I|W^389^1\r"
    "IN1|1|PLAN1|PAYER1\r"
    "IN1|2|PLAN2|PAYER2\r"
)


@pytest.fixture
def corpora() -> Path:
    if not CORPORA.is_dir():
        pytest.skip("the shared corpora are not here")
    return CORPORA


@pytest.fixture
def hl7() -> HL7V2:
    return HL7V2()


@pytest.fixture
def adt() -> bytes:
    return ADT.encode()


@pytest.fixture
def decode(hl7: HL7V2) -> Callable[..., Message]:
    def from_text(text: str | bytes, **terms: object) -> Message:
        body = text.encode() if isinstance(text, str) else text
        return hl7.decode(body, Terms(**terms))

    return from_text
