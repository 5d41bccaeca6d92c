"""Tables and progress bars on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text


def table(heads: Sequence[str], lines: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print a table on standard output."""
    Console(highlight=False).print(grid(heads, lines, title=title))


def grid(heads: Sequence[str], lines: Sequence[Sequence[str]], *, title: str = "") -> Table:
    """A table of plain texts; columns of numbers stand to the right."""
    drawn = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for number, head in enumerate(heads):
        figures = all(line[number].isdigit() or line[number] == "-" for line in lines)
        drawn.add_column(head, justify="right" if figures and lines else "left", overflow="fold")
    for line in lines:
        drawn.add_row(*(Text(cell) for cell in line))
    return drawn


def progress(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The pieces of a file, with a bar on standard error that says how much of it is read."""
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=size)
        for piece in pieces:
            yield piece
            bar.advance(task, len(piece))
