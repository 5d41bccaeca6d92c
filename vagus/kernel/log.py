"""Structured logging that cannot carry message content.

A log call names an event word and fields. Only values that look like engine vocabulary pass:
numbers, booleans, message ids, and short words. Everything else is replaced, exceptions
included, so that a mistake in a call site still leaks nothing.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO

import orjson
import structlog

from vagus.kernel.errors import VagusError

REDACTED = "[redacted]"
#: Fields whose values are words of the configuration or of a standard, never of a message.
WORD_FIELDS = frozenset(
    "event level logger module time id channel source destination connector code reason stage "
    "state event_type type mapping format host url path file name kind fault error verb signal "
    "version partner action actor queue".split()
)
_MAX_WORD = 200


def _safe(key: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseException):
        return _failure(value)
    if key in WORD_FIELDS and isinstance(value, str | Path):
        word = str(value)[:_MAX_WORD]
        return word if word.isprintable() else "".join(c if c.isprintable() else "?" for c in word)
    return REDACTED


def _failure(error: BaseException) -> str:
    """What may be said of an exception: our own say codes, those of others only their type."""
    code = getattr(error, "code", "") if isinstance(error, VagusError) else ""
    return f"{type(error).__name__}:{code}" if code else type(error).__name__


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The structlog processor that lets engine vocabulary through and nothing else."""
    failure = event.pop("exc_info", None)
    if failure is True:
        failure = sys.exc_info()[1]
    elif isinstance(failure, tuple):
        failure = failure[1]
    safe = {key: _safe(key, value) for key, value in event.items()}
    if isinstance(failure, BaseException):
        safe["error"] = _failure(failure)
        safe["at"] = _where(failure)
    return safe


def _where(error: BaseException) -> str:
    """The innermost line of code an exception passed, without any value."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f"{Path(code.co_filename).name}:{trace.tb_lineno}:{code.co_name}"


def _json(event: Mapping[str, Any], **_: Any) -> str:
    return orjson.dumps(event, default=lambda _: REDACTED).decode()


def configure(level: str = "info", stream: TextIO | None = None, *, plain: bool = True) -> None:
    """Send the log to a stream (standard error) as JSON lines, or coloured for a terminal."""
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_json)
        if plain
        else structlog.dev.ConsoleRenderer()
    )
    _structure(renderer, level, lambda: stream or sys.stderr)
    _tame_others(stream or sys.stderr)


def _structure(renderer: Any, level: str, stream: Callable[[], TextIO]) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=lambda *_: structlog.PrintLogger(stream()),
        cache_logger_on_first_use=False,
    )


class _OthersFormatter(logging.Formatter):
    """Other libraries' records: which one spoke and how loud, never what it said."""

    def format(self, record: logging.LogRecord) -> str:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        event = {"event": "library", "logger": record.name, "level": record.levelname.lower()}
        return orjson.dumps(event | ({"error": kind} if kind else {})).decode()


def _tame_others(stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_OthersFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def get_logger(name: str) -> Any:
    """A logger for one module; it leaks nothing even where nobody has called `configure`."""
    if not structlog.is_configured():
        _structure(structlog.processors.JSONRenderer(serializer=_json), "info", lambda: sys.stderr)
    return structlog.get_logger(module=name)
