"""Read customers whose numbers somebody else has prepared: one row per customer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regulars_clv.csv_rows import read_rows
from regulars_clv.errors import NoUsableRow
from regulars_clv.history import History, row_codes
from regulars_clv.rejections import RejectedRow

__all__ = ["Summary", "read_summary"]


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """The usable rows, in the order of the file; without ids a customer is called by the row's number, from 1."""

    customer_ids: tuple[str, ...]
    history: History
    rejected: tuple[RejectedRow, ...]
    rows: int


def read_summary(path: Path) -> Summary:
    """Return the customers of a file with the columns ``frequency,recency,T`` and, optional, ``monetary_value`` and
    ``customer_id``; times are in periods.

    Raises ``ColumnMissing``, ``FileUnreadable`` and ``NoUsableRow``.
    """
    present, rows = read_rows(path, required=("frequency", "recency", "T"), optional=("monetary_value", "customer_id"))
    lines, cells = [], []
    for line, row in rows:
        lines.append(line)
        cells.append(row)
    if not lines:
        raise NoUsableRow
    frequency, recency, age = (np.array([_number(row[place]) for row in cells]) for place in range(3))
    # Whoever never came back has no mean amount to write down.
    mean = np.array(
        [_number(row[3] or "0") if frequency[place] == 0 else _number(row[3]) for place, row in enumerate(cells)]
    )
    if "monetary_value" not in present:
        mean = np.zeros(len(cells))
    codes = row_codes(frequency=frequency, recency=recency, age=age, monetary_value=mean)
    ids = [row[4] or str(number) for number, row in enumerate(cells, start=1)]
    kept = np.array([code is None for code in codes])
    rejected = tuple(RejectedRow(line, code) for line, code in zip(lines, codes, strict=True) if code)
    if not kept.any():
        raise NoUsableRow(rejected=len(rejected))
    return Summary(
        customer_ids=tuple(name for name, keep in zip(ids, kept, strict=True) if keep),
        history=History(frequency[kept], recency[kept], age[kept], mean[kept]),
        rejected=rejected,
        rows=len(lines),
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
