"""The bar that long files have: it lets every piece through and writes to standard error only."""

from __future__ import annotations

from vagus.cli import drawing


def test_a_bar_lets_everything_through(capsys) -> None:
    pieces = [b"a" * 1000, b"b" * 2000]
    assert list(drawing.progress(pieces, 3000)) == pieces
    assert capsys.readouterr().out == ""
