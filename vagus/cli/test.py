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
        "vagus test --only registration",
        "vagus test --only 'two plans' --accept",
    )
)
@folder()
@click.option("--accept", is_flag=True, help="Rewrite the expected files to what comes out now.")
@click.option(
    "--only",
    metavar="TEXT",
    default="",
    help="Only tests with this text in the name of the case, the mapping or the file.",
)
@form()
def command(folder: Path | None, accept: bool, only: str, form: str) -> int:
    """Run the golden tests in tests/*.test.yaml and show each difference.

    --accept writes what comes out now to the files named by `expect_exactly`, and shows in what
    they differ from before; nothing is written while the project has lint errors. Exit code 1
    when a test fails.
    """
    project = opening.opened(folder)
    passed = failed = accepted = 0
    for case in _cases(project, accept, only):
        passed += case.passed
        failed += not case.passed
        accepted += bool(case.accepted)
        _show(case, form)
    if form == output.TEXT:
        written = f", {accepted} accepted" if accept else ""
        output.say(f"{passed} passed, {failed} failed{written}")
    if passed + failed:
        return FINDINGS if failed else CLEAN
    output.note(f"no test{f' with {only!r}' if only else 's'} in {project.folder / 'tests'}")
    return FINDINGS if only else CLEAN


def _cases(project: Project, accept: bool, only: str) -> Iterator[CaseResult]:
    for path in sorted((project.folder / "tests").glob("*.test.yaml")):
        yield from golden.run(path, project.catalogue, accept, project.systems, only)


def _show(case: CaseResult, form: str) -> None:
    if form == output.JSON:
        output.line(
            {
                "file": case.place.file,
                "line": case.place.line,
                "case": case.name,
                "passed": case.passed,
                "differences": case.differences,
                "accepted": case.accepted,
            }
        )
        return
    if not case.passed:
        output.say(f"{case.place}: FAILED: {case.name}")
        for difference in case.differences:
            output.say(f"  {output.text(difference)}")
    if case.accepted:
        output.say(f"{case.place}: accepted: {case.name}")
        for line in case.accepted:
            output.say(f"  {output.text(line)}")
