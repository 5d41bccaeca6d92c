"""`vagus doctor`: is this machine and installation fit to run an engine."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import resource
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import NamedTuple

import click

from vagus.cli import output
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, folder, form
from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.errors import ConfigError

_FILE = "vagus.yaml"
OK, NOTE, PROBLEM = "ok", "note", "problem"
OUR_NAMES = ("vagus", "connectors", "mappings", "channels", "broker")
_PYTHON = (3, 11)
_SQLITE = (3, 37, 0)
_FILES_WANTED = 4096
_SYNCS = 20
_SLOW_SYNC_MS = 20.0
_NEWEST_CLOCK = 4_102_444_800  # 2100-01-01: a clock beyond it is broken
_OLDEST_CLOCK = 1_767_225_600  # 2026-01-01: nothing here is older
_REQUIREMENT = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?:>=\s*([0-9.]+))?[^;]*(?:;\s*(.*))?$"
)


class Check(NamedTuple):
    """One thing that was looked at; only a problem makes the exit code 1."""

    name: str
    state: str
    text: str


@click.command(epilog=examples("vagus doctor", "vagus doctor samples/riverside_clinic"))
@folder()
@form()
def command(folder: Path | None, form: str) -> int:
    """Check Python, dependencies, disk, limits and clock, and a project's keys and store.

    Exit code 1 when there is a problem; notes are for information.
    """
    checks = [*_installation(), *_machine()]
    place = _place(folder)
    checks += _storage(place or Path())
    if place is not None:
        checks += _project(place)
    output.rows((item._asdict() for item in checks), Check._fields, form)
    return FINDINGS if any(item.state == PROBLEM for item in checks) else CLEAN


def _place(given: Path | None) -> Path | None:
    """The project folder, if one was named or is near; needs no dependency to be there."""
    if given is not None:
        if not (given / _FILE).is_file():
            raise ConfigError(f"{given}: no {_FILE} in it; make a project with: vagus init DIR")
        return given
    here = Path().resolve()
    return next((item for item in (here, *here.parents) if (item / _FILE).is_file()), None)


def _installation() -> Iterator[Check]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("python", OK if sys.version_info >= _PYTHON else PROBLEM, version)
    sqlite = OK if sqlite3.sqlite_version_info >= _SQLITE else PROBLEM
    yield Check("sqlite", sqlite, sqlite3.sqlite_version)
    yield from _dependencies()
    yield from foreign_owners(importlib.metadata.packages_distributions())


def _dependencies() -> Iterator[Check]:
    for requirement in importlib.metadata.requires("vagus") or ():
        match = _REQUIREMENT.match(requirement)
        if match is None:
            continue
        name, least, marker = match[1], match[2] or "0", match[3] or ""
        extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", marker)
        if extra is not None and extra[1] == "dev":
            continue
        label = f"{name} ({extra[1]})" if extra else name
        yield _dependency(label, name, least, optional=extra is not None)


def _dependency(label: str, name: str, least: str, *, optional: bool) -> Check:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(label, NOTE if optional else PROBLEM, "not installed")
    if _numbers(version) < _numbers(least):
        return Check(label, PROBLEM, f"{version}; at least {least} is needed")
    return Check(label, OK, version)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def foreign_owners(owners: dict[str, list[str]] | object) -> Iterator[Check]:
    """Whether another distribution also brings one of our top-level packages."""
    assert isinstance(owners, dict)
    clean = True
    for name in OUR_NAMES:
        others = sorted({item for item in owners.get(name, ()) if item.lower() != "vagus"})
        if others:
            clean = False
            text = f"{', '.join(others)} also installs '{name}'; give Vagus its own environment"
            yield Check("packages", PROBLEM, text)
    if clean:
        yield Check("packages", OK, "no other distribution owns a name of ours")


def _machine() -> Iterator[Check]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{soft} (at most {hard})" + (
        f"; raise it to {_FILES_WANTED} for many connections" if soft < _FILES_WANTED else ""
    )
    yield Check("open files", OK if soft >= _FILES_WANTED else NOTE, text)
    now = time.time()
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    sane = _OLDEST_CLOCK <= now <= _NEWEST_CLOCK
    yield Check("clock", OK if sane else PROBLEM, shown if sane else f"{shown}; set the clock")
    yield Check("processors", OK, str(os.cpu_count() or 1))


def _storage(folder: Path) -> Iterator[Check]:
    usage = shutil.disk_usage(folder)
    low = usage.free < min(2 << 30, 0.05 * usage.total)
    yield Check("free disk", PROBLEM if low else OK, f"{usage.free / (1 << 30):.1f} GiB")
    try:
        took = _sync_ms(folder)
    except OSError as error:
        yield Check("fsync", PROBLEM, f"cannot write in {folder}: {error.strerror}")
        return
    slow = took > _SLOW_SYNC_MS
    text = f"{took:.2f} ms each" + ("; every acknowledgement waits for one" if slow else "")
    yield Check("fsync", NOTE if slow else OK, text)


def _sync_ms(folder: Path) -> float:
    """How long it takes to make a few bytes durable in that folder."""
    times = []
    with TemporaryFile(dir=folder) as file:
        for _ in range(_SYNCS):
            file.write(b"vagus" * 100)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return median(times) * 1000


def _project(folder: Path) -> Iterator[Check]:
    try:
        # Only here, so that a missing dependency is a line of the answer and not its end.
        projects = importlib.import_module("vagus.project")
    except ImportError as error:
        yield Check("project", PROBLEM, f"cannot be read: {error.name} is missing")
        return
    diagnostics = Diagnostics()
    project = projects.load(folder, diagnostics)
    errors = len(diagnostics.errors)
    text = f"{errors} errors; run: vagus lint {folder}" if errors else f"{folder} lints clean"
    yield Check("project", PROBLEM if errors else OK, text)
    if project is not None:
        keys = project.settings.keys
        yield _key_file(project.folder / keys.file, keys.create)


def _key_file(path: Path, made: bool) -> Check:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        text = "made at the first start" if made else f"{path} is missing"
        return Check("key file", NOTE if made else PROBLEM, text)
    if mode & 0o077:
        return Check("key file", PROBLEM, f"others may read it; run: chmod 600 {path}")
    return Check("key file", OK, f"{path} is readable by its owner only")
