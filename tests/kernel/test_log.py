"""Nothing of a message gets into the log, whatever a call site does."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from vagus.kernel import log as logs
from vagus.kernel.errors import DecodeError, MessageError

CANARY = "CANARY^JANE"


@pytest.fixture
def lines() -> Iterator[Any]:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure("debug", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before, level
    structlog.reset_defaults()
    logs.get_logger("reset")


def fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        CANARY.encode(),
        [CANARY],
        {"a": CANARY},
        {CANARY},
        (CANARY,),
        ValueError(CANARY),
        Path("/x") / CANARY,
        type("Odd", (), {"__repr__": lambda self: CANARY, "__str__": lambda self: CANARY})(),
    ],
)
def test_only_vocabulary_passes(lines: Any, value: object) -> None:
    logs.get_logger("m").warning("happened", value=value, patient=value, body=value, text=value)
    (line,) = lines()
    assert CANARY not in json.dumps(line)
    assert line["event"] == "happened"


def test_words_numbers_and_codes_pass(lines: Any) -> None:
    logs.get_logger("m").info("happened", channel="adt_in", count=3, ok=True, nothing=None)
    logs.get_logger("m").info("failed", problem=DecodeError("no-msh", "MSH"))
    first, second = lines()
    assert (first["channel"], first["count"], first["ok"], first["nothing"]) == (
        "adt_in",
        3,
        True,
        None,
    )
    assert second["problem"] == "DecodeError:no-msh"


def test_exceptions_of_others_show_their_type_and_line_only(lines: Any) -> None:
    log = logs.get_logger("m")
    try:
        fail(KeyError(CANARY))
    except KeyError as error:
        log.exception("failed")
        log.warning("failed", error=error, exc_info=error)
        log.warning("failed", exc_info=(type(error), error, error.__traceback__))
    for line in lines():
        assert CANARY not in json.dumps(line)
        assert line["error"] == "KeyError"
        assert line["at"].startswith("test_log.py:")


def test_causes_and_notes_do_not_leak(lines: Any) -> None:
    try:
        try:
            fail(ValueError(CANARY))
        except ValueError as cause:
            cause.add_note(CANARY)
            raise MessageError("broken", "PID-3") from cause
    except MessageError:
        logs.get_logger("m").exception("failed")
    assert CANARY not in json.dumps(lines())


def test_a_word_cannot_be_a_whole_message(lines: Any) -> None:
    logs.get_logger("m").info("x" * 500, channel="y" * 500)
    (line,) = lines()
    assert max(len(value) for value in line.values()) <= 200


def test_line_ends_cannot_forge_a_line(lines: Any) -> None:
    logs.get_logger("m").info("one", channel='a\n{"event": "forged"}\u2028\x1b[31m')
    assert [line["event"] for line in lines()] == ["one"]


def test_other_libraries_say_that_they_spoke_but_not_what(lines: Any) -> None:
    logging.getLogger("asyncio").error("got %s", CANARY)
    try:
        fail(ValueError(CANARY))
    except ValueError:
        logging.getLogger("aiohttp.access").exception(CANARY)
    logging.getLogger("aiohttp").info("quiet")
    assert lines() == [
        {"event": "library", "logger": "asyncio", "level": "error"},
        {"event": "library", "logger": "aiohttp.access", "level": "error", "error": "ValueError"},
    ]


def test_levels(lines: Any) -> None:
    logs.configure("error", stream := io.StringIO())
    logs.get_logger("m").warning("unheard")
    logs.get_logger("m").error("heard")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["heard"]


def test_a_terminal_shows_no_more(lines: Any) -> None:
    logs.configure("info", stream := io.StringIO(), plain=False)
    secret = CANARY
    try:
        fail(ValueError(secret))
    except ValueError:
        logs.get_logger("m").exception("failed", body=secret)
    assert "failed" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_nothing_leaks_where_nobody_configured_it() -> None:
    code = (
        "from vagus.kernel.log import get_logger\n"
        f"secret = '{CANARY}'\n"
        "try:\n    raise ValueError(secret)\n"
        "except ValueError:\n    get_logger('m').exception('failed', body=secret)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr)["event"] == "failed"
    assert CANARY not in done.stdout + done.stderr
