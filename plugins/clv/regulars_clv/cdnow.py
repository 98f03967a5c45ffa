"""Read the CDNOW purchase histories from the wheel that carries them; the package itself is never imported.

The data are Fader and Hardie's (2001), "Forecasting repeat sales at CDNOW: A case study", Interfaces 31(3): a
systematic tenth of the customers who first bought in the first quarter of 1997, until June 1998. They have no explicit
licence, so they are not part of this product.
"""

from datetime import datetime
from importlib.metadata import PackageNotFoundError, files

from regulars_clv.errors import SampleMissing
from regulars_clv.transactions import Transactions, transactions_of

__all__ = ["cdnow_rounded_summary", "cdnow_sample"]

WHEEL = "lifetimes"


def cdnow_sample() -> Transactions:
    """Return the 6,919 transactions of 2,357 customers, named ``0001`` to ``2357``; amounts in US dollars.

    Raises ``SampleMissing`` when the extra ``regulars[demo]`` is not installed.
    """
    rows = [line.split() for line in _text("CDNOW_sample.txt").splitlines() if line.strip()]
    return transactions_of(
        [row[1] for row in rows],
        [datetime.strptime(row[2], "%Y%m%d").date() for row in rows],  # noqa: DTZ007  a shop's day has no time zone
        [float(row[4]) for row in rows],
    )


def cdnow_rounded_summary() -> str:
    """Return the authors' own table as text: ``ID,x,t_x,T,zbar`` in weeks, two decimals, one customer per line.

    Raises ``SampleMissing`` when the extra ``regulars[demo]`` is not installed.
    """
    return _text("cdnow_customers_summary_with_transactions.csv")


def _text(name: str) -> str:
    try:
        found = next(file for file in files(WHEEL) or [] if file.name == name)
        return found.read_text(encoding="utf-8")
    except (PackageNotFoundError, StopIteration, OSError) as problem:
        raise SampleMissing(file=name) from problem
