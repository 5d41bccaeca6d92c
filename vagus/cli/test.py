"""`vagus test`: the golden tests of a project; messages in, what must come out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from mappings import golden
from mappings.golden import CaseResult
from vagus.cli import opening, output
from vagus.cli.failure import CLEAN, FINDINGS
from vagus.cli.options import examples, folder, form
from vagus.project import Project


@click.command(
    epilog=examples(
        "vagus test",
        "vagus test samples/riverside_clinic --format json",
        "vagus test --accept && git diff",
    )
)
@folder()
@click.option("--accept", is_flag=True, help="Rewrite the expected files to what comes out now.")
@form()
def command(folder: Path | None, accept: bool, form: str) -> int:
    """Run the golden tests in tests/*.test.yaml and show each difference.

    Exit code 1 when a test fails.
    """
    project = opening.opened(folder)
    passed = failed = 0
    for case in _cases(project, accept):
        passed += case.passed
        failed += not case.passed
        _show(case, form)
    if form == output.TEXT:
        output.say(f"{passed} passed, {failed} failed")
    if not passed + failed:
        output.note(f"no tests in {project.folder / 'tests'}")
    return FINDINGS if failed else CLEAN


def _cases(project: Project, accept: bool) -> Iterator[CaseResult]:
    for path in sorted((project.folder / "tests").glob("*.test.yaml")):
        yield from golden.run(path, project.catalogue, accept, project.systems)


def _show(case: CaseResult, form: str) -> None:
    if form == output.JSON:
        output.line(
            {
                "file": case.place.file,
                "line": case.place.line,
                "case": case.name,
                "passed": case.passed,
                "differences": case.differences,
            }
        )
    elif not case.passed:
        output.say(f"{case.place}: FAILED: {case.name}")
        for difference in case.differences:
            output.say(f"  {output.text(difference)}")
