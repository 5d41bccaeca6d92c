"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
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
