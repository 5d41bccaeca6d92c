"""How a verb that cannot go on says so: one line or the diagnostics, and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import click

from vagus.kernel.errors import ConfigError, VagusError

#: Done and clean; findings or failure; wrong use or configuration; stopped by the keyboard.
CLEAN, FINDINGS, MISUSE, INTERRUPTED = 0, 1, 2, 130


def report(error: BaseException) -> int:
    """Write what an error means for the user to standard error; returns the exit code.

    Errors that are not ours show their type and place only: their text could quote a message.
    """
    match error:
        case SystemExit():
            raise error
        case KeyboardInterrupt() | click.Abort():
            return INTERRUPTED
        case click.ClickException():
            error.show()
            return MISUSE
        case BrokenPipeError():
            return hang_up()
        case ConfigError():
            before = "" if error.diagnostics else "error: "
            click.echo(f"{before}{_text(error)}", err=True)
            return MISUSE
        case VagusError():
            click.echo(f"error: {_text(error)}", err=True)
            return FINDINGS
        case BaseExceptionGroup():
            return max(report(inner) for inner in error.exceptions)
        case OSError():
            about = f"{error.filename}: " if error.filename else ""
            click.echo(f"error: {about}{error.strerror or type(error).__name__}", err=True)
            return FINDINGS
    click.echo(f"error: internal fault {type(error).__name__} at {_place(error)}", err=True)
    click.echo("set VAGUS_DEBUG=1 to see more; that may show message content", err=True)
    return FINDINGS


def hang_up() -> int:
    """Give up standard output, whose reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FINDINGS


def _text(error: VagusError) -> str:
    return str(error) or type(error).__name__


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
