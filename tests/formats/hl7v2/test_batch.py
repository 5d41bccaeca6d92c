from __future__ import annotations

import pytest

from vagus.formats.format import Terms
from vagus.formats.hl7v2.batch import split
from vagus.kernel.errors import DecodeError

ONE = b"MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1||7\r"
TWO = b"MSH*:+/%*B******ADT:A02*2*P*2.5\rPID*1**8\r"


@pytest.mark.parametrize(
    "frame",
    [
        ONE,
        b"\xef\xbb\xbf" + ONE,
        b"\r\n" + ONE,
        ONE.replace(b"\r", b"\n"),
        ONE + b"BTSX|9\r",
        ONE + b"NTE|1||MSH|BTS|\r",
        b"",
        b"rubbish",
    ],
)
def test_a_lone_message_is_the_very_frame(frame):
    [only] = split(frame)
    assert only is frame


def test_several_messages_in_one_frame_are_cut_where_each_begins():
    assert split(ONE + TWO + ONE) == [ONE, TWO, ONE]
    assert split((ONE + TWO).replace(b"\r", b"\r\n")) == [
        ONE.replace(b"\r", b"\r\n"),
        TWO.replace(b"\r", b"\r\n"),
    ]


@pytest.mark.parametrize(
    ("frame", "count"),
    [
        (b"BHS|^~\\&|X\r%sBTS|1\r", 1),
        (b"BHS|^~\\&|X\r%s%sBTS|2\r", 2),
        (b"BHS|^~\\&|X\r%s%sBTS\r", 2),
        (b"BHS|^~\\&|X\r%s%s", 2),
        (b"%s%sBTS|2|done\r", 2),
        (b"FHS|^~\\&\rBHS|^~\\&\r%sBTS|1\rBHS|^~\\&\r%sBTS|1\rFTS|2\r", 2),
        (b"FHS|^~\\&\r%s%sFTS|1\r", 2),
        (b"FHS|^~\\&\rBHS*:+/%%\r%sBTS*1*x\rFTS\r", 1),
        (b"BHS|^~\\&\rBTS|0\r", 0),
        (b"FHS|^~\\&\r\r\nBHS|^~\\&\r \r%sBTS|1\r\x1a", 1),
        (b'BHS|^~\\&\r%sBTS|""\r', 1),
        (b"\xef\xbb\xbfBHS|^~\\&\r%sBTS|1\r", 1),
    ],
)
def test_headers_and_trailers_are_opened(frame, count):
    assert list(split(frame % ((ONE, TWO)[: frame.count(b"%s")]))) == [ONE, TWO][:count]


@pytest.mark.parametrize(
    ("frame", "code", "where"),
    [
        (b"BHS|^~\\&\r%sBTS|2\r", "batch-count", "BTS-1"),
        (b"BHS|^~\\&\r%s%sBTS|1\r", "batch-count", "BTS-1"),
        (b"BHS|^~\\&\rBTS|1\r", "batch-count", "BTS-1"),
        (b"BHS|^~\\&\r%sBTS|one\r", "batch-count", "BTS-1"),
        (b"BHS|^~\\&\r%sBTS|-1\r", "batch-count", "BTS-1"),
        (b"BHS|^~\\&\r%sBTS|99999999999999999999\r", "batch-count", "BTS-1"),
        (b"FHS|^~\\&\rBHS|^~\\&\r%sBTS|1\rFTS|2\r", "batch-count", "FTS-1"),
        (b"FHS|^~\\&\rBHS|^~\\&\r%sBTS|1\rBHS|^~\\&\r%sBTS|1\rFTS|1\r", "batch-count", "FTS-1"),
        (b"BHS|^~\\&\rPID|1\r%sBTS|1\r", "batch", "BHS"),
        (b"FHS|^~\\&\rPID|1\r", "batch", "FHS"),
        (b"BHS|^~\\&\r%sBTS|1\rPID|1\r", "batch", "BTS"),
        (b"PID|1\rBHS|^~\\&\r%sBTS|1\r", "no-msh", "MSH"),
        (b"BHS|abcd\r%s", "separators", "BHS-2"),
    ],
)
def test_bad_batches_are_refused(frame, code, where):
    with pytest.raises(DecodeError) as caught:
        split(frame % ((ONE, TWO)[: frame.count(b"%s")]))
    assert (caught.value.code, caught.value.where) == (code, where)


def test_published_samples(hl7, corpora):
    counts = {}
    for path in sorted((corpora / "hl7-python-hl7").glob("sample_*.hl7")):
        try:
            bodies = hl7.split(path.read_bytes())
        except DecodeError as error:
            counts[path.stem] = error.code
            continue
        counts[path.stem] = len(bodies)
        assert all(len(hl7.decode(body, Terms()).segments) > 4 for body in bodies)
    bad = {f"sample_bad_{name}" for name in ("batch", "batch1", "file", "file1", "file2", "file3")}
    assert {name for name, found in counts.items() if found == "batch"} == bad
    assert {name: found for name, found in counts.items() if name not in bad} == {
        **{
            f"sample_batch{number}": found
            for number, found in zip("1234", (2, 2, 1, 1), strict=True)
        },
        **{
            f"sample_file{number}": found
            for number, found in zip("123456", (3, 2, 1, 1, 1, 1), strict=True)
        },
        "sample_batch": 1,
        "sample_file": 1,
        "sample_hl7": 1,
        "sample_msh": 1,
    }
