"""Read the CDNOW purchase histories from the wheel that carries them; the package itself is never imported.

The data are Fader and Hardie's (2001), "Forecasting repeat sales at CDNOW: A case study", Interfaces 31(3): a
systematic tenth of the customers who first bought in the first quarter of 1997, until June 1998. They have no explicit
licence, so they are not part of this product.
"""

from datetime import datetime
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, files

from regulars.demo.purchases import Purchase
from regulars.errors import ExpectedError

__all__ = ["SampleMissing", "cdnow_purchases", "cdnow_text"]

WHEEL = "lifetimes"


class SampleMissing(ExpectedError):
    """The CDNOW purchase histories come in a wheel that is not installed."""

    code = "DEMO_SAMPLE_MISSING"

    def __init__(self, *, file: str) -> None:
        self.file = file
        super().__init__(
            f"{file} is not installed. Run: pip install 'regulars[demo]', whose wheel carries the CDNOW sample."
        )


def cdnow_purchases() -> list[Purchase]:
    """Return the 6,919 purchases of 2,357 customers, named ``0001`` to ``2357``; amounts in US dollars.

    Raises ``SampleMissing`` when the extra ``regulars[demo]`` is not installed.
    """
    rows = [line.split() for line in cdnow_text("CDNOW_sample.txt").splitlines() if line.strip()]
    return [
        Purchase(
            customer=row[1],
            day=datetime.strptime(row[2], "%Y%m%d").date(),  # noqa: DTZ007  a shop's day has no time zone
            amount=Decimal(row[4]),
        )
        for row in rows
    ]


def cdnow_text(name: str) -> str:
    """Return a text file of the wheel by its name, such as ``CDNOW_sample.txt``.

    Raises ``SampleMissing`` when the extra ``regulars[demo]`` is not installed.
    """
    try:
        found = next(file for file in files(WHEEL) or [] if file.name == name)
        return found.read_text(encoding="utf-8")
    except (PackageNotFoundError, StopIteration, OSError) as problem:
        raise SampleMissing(file=name) from problem
