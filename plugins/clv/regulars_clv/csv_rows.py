"""Read the lines of a comma-separated file, with or without byte-order mark, with any line ends."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from regulars_clv.errors import ColumnMissing, FileUnreadable

__all__ = ["read_rows"]


def read_rows(
    path: Path, *, required: Sequence[str], optional: Sequence[str]
) -> tuple[frozenset[str], Iterator[tuple[int, list[str]]]]:
    """Return which columns the file has, and an iterator over its rows: line number and the cells.

    Cells come in the order ``required`` then ``optional``, stripped, empty where a column or cell is absent. Blank
    lines are passed over but counted. Raises ``ColumnMissing``, and ``FileUnreadable`` also while iterating.
    """
    lines = _lines(path)
    _, header = next(lines, (1, []))
    names = [name.strip().casefold() for name in header]
    missing = [name for name in required if name.casefold() not in names]
    if missing:
        raise ColumnMissing(missing=missing, found=header)
    wanted = [*required, *optional]
    places = [names.index(name.casefold()) if name.casefold() in names else None for name in wanted]
    present = frozenset(name for name, place in zip(wanted, places, strict=True) if place is not None)
    return present, ((line, _pick(cells, places)) for line, cells in lines)


def _pick(cells: list[str], places: Sequence[int | None]) -> list[str]:
    width = len(cells)
    return [cells[place].strip() if place is not None and place < width else "" for place in places]


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            line = 1
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise FileUnreadable(name=path.name, reason=str(problem)) from problem
