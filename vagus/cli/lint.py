"""`vagus lint`: every diagnostic of every file of a project, before anything runs."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import click

from vagus import project as projects
from vagus.cli import asking, opening, output
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, folder, form
from vagus.kernel.diagnostics import Diagnostic, Diagnostics, Place, Severity
from vagus.project import Project
from vagus.project.links import check_ports_free

GITHUB = "github"


@click.command(
    epilog=examples(
        "vagus lint",
        "vagus lint samples/riverside_clinic --strict",
        "vagus lint --offline --format github",
    )
)
@folder()
@click.option("--strict", is_flag=True, help="Warnings count as findings too.")
@click.option("--offline", is_flag=True, help="Do not look whether ports are free here.")
@form(output.TEXT, GITHUB)
def command(folder: Path | None, strict: bool, offline: bool, form: str) -> int:
    """Check every file of a project and show what is wrong, with its place and a remedy.

    Exit code 1 when there is an error.
    """
    place = opening.folder_of(folder)
    diagnostics = Diagnostics()
    project = projects.load(place, diagnostics)
    if project is not None and not offline:
        _check_ports(project, diagnostics)
    found = opening.located(place, diagnostics)
    for item in found:
        _show(item, form)
    errors = sum(item.severity is Severity.ERROR for item in found)
    if form == output.TEXT and output.is_terminal():
        output.note(f"{errors} errors, {len(found) - errors} warnings")
    return FINDINGS if errors or (strict and found) else CLEAN


def _show(item: Diagnostic, form: str) -> None:
    place = item.place
    if form == output.JSON:
        output.line(
            {
                "path": place.file,
                "line": place.line,
                "column": place.column,
                "severity": item.severity,
                "code": item.code,
                "text": item.text,
            }
        )
    elif form == GITHUB:
        where = f"file={place.file},line={place.line},col={place.column},title={item.code}"
        output.say(f"::{item.severity} {where}::{_escaped(item.text)}")
    else:
        output.say(str(item))


def _escaped(text: str) -> str:
    """A text as GitHub's workflow commands want it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _check_ports(project: Project, diagnostics: Diagnostics) -> None:
    """Report ports that something else has; those of our own running engine are its own."""
    if asking.runs(project):
        return
    check_ports_free(project, diagnostics)
    http = project.settings.http
    if http.enabled and http.port and _taken(http.host, http.port):
        text = f"port {http.port} of {http.host} is in use: stop what uses it, or choose another"
        diagnostics.error(Place(projects.FILE), "port-in-use", text)


def _taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
