"""Print rows under each other, whole, so that they can be read, copied and searched."""

from collections.abc import Sequence

import typer

__all__ = ["print_columns"]

GAP = "  "


def print_columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows under their heads, each column as wide as its widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        typer.echo(GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
