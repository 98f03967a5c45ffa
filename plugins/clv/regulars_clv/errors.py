"""What can go wrong with purchase histories and models, each with what to do about it.

ExpectedError
├── InputRefused             the file cannot be used as it is (exit 3)
│   ├── FileUnreadable
│   ├── ColumnMissing
│   ├── NoUsableRow
│   ├── NobodyBought
│   ├── CurrencyMix
│   ├── TooManyRejected
│   ├── NoHoldout
│   └── SurvivorsRise
└── NotFitted                the data are fine, but no model can be fitted to them (exit 4)
    ├── NoRepeats
    └── NobodyRenewed
"""

from collections.abc import Mapping, Sequence
from datetime import date

from regulars import ExpectedError

__all__ = [
    "ColumnMissing",
    "CurrencyMix",
    "FileUnreadable",
    "InputRefused",
    "NoHoldout",
    "NoRepeats",
    "NoUsableRow",
    "NobodyBought",
    "NobodyRenewed",
    "NotFitted",
    "SurvivorsRise",
    "TooManyRejected",
]


class InputRefused(ExpectedError):
    """The input as a whole cannot be used."""


class NotFitted(ExpectedError):
    """No model can be fitted to these customers."""


class FileUnreadable(InputRefused):
    """The file is not a comma-separated text in UTF-8."""

    code = "CLV_UNREADABLE"

    def __init__(self, *, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name} cannot be read: {reason}. Save it as comma-separated text in UTF-8.")


class ColumnMissing(InputRefused):
    """The header lacks a column."""

    code = "CLV_COLUMN_MISSING"

    def __init__(self, *, missing: Sequence[str], found: Sequence[str]) -> None:
        self.missing, self.found = tuple(missing), tuple(found)
        super().__init__(
            f"The file has no column {', '.join(missing)}; its header reads {','.join(found) or '(nothing)'}. "
            "Name the columns in the first line."
        )


class NoUsableRow(InputRefused):
    """Nothing is left to work on."""

    code = "CLV_EMPTY"

    def __init__(self, *, rejected: int = 0, calibration_end: date | None = None) -> None:
        self.rejected, self.calibration_end = rejected, calibration_end
        until = f" on or before {calibration_end.isoformat()}" if calibration_end else ""
        because = f" ({rejected} rows were rejected)" if rejected else ""
        super().__init__(f"There is no usable row{until}{because}. Check the file, its dates and the cut.")


class NobodyBought(InputRefused):
    """The database knows no purchase in the currency."""

    code = "CLV_EMPTY"

    def __init__(self, *, currency: str, until: date) -> None:
        self.currency, self.until = currency, until
        super().__init__(
            f"Nobody has bought anything in {currency} until {until.isoformat()}."
            " Import orders, or set the currency of the plugin clv."
        )


class CurrencyMix(InputRefused):
    """Amounts of several currencies stand side by side."""

    code = "CLV_CURRENCY_MIX"

    def __init__(self, *, currencies: Mapping[str, int]) -> None:
        self.currencies = dict(currencies)
        counted = ", ".join(f"{name} ({rows} rows)" for name, rows in self.currencies.items())
        super().__init__(f"The amounts are in several currencies: {counted}. Pick one with --currency.")


class TooManyRejected(InputRefused):
    """So many rows are unusable that the rest may be a wrong picture."""

    code = "CLV_TOO_MANY_REJECTED"

    def __init__(self, *, rejected: int, rows: int, allowed_share: float) -> None:
        self.rejected, self.rows, self.allowed_share = rejected, rows, allowed_share
        super().__init__(
            f"{rejected} of {rows} rows were rejected, more than {allowed_share:.2%}. "
            "Mend the file, or allow a larger share with --max-rejected."
        )


class NoHoldout(InputRefused):
    """No time is left after the cut to check a forecast against."""

    code = "CLV_NO_HOLDOUT"

    def __init__(self, *, calibration_end: date, holdout_end: date) -> None:
        self.calibration_end, self.holdout_end = calibration_end, holdout_end
        super().__init__(
            f"The holdout would end on {holdout_end.isoformat()}, not after the cut on {calibration_end.isoformat()}. "
            "Cut earlier, or add newer purchases."
        )


class SurvivorsRise(InputRefused):
    """A cohort cannot grow."""

    code = "CLV_NOT_MONOTONE"

    def __init__(self, *, period: int, before: float, after: float) -> None:
        self.period, self.before, self.after = period, before, after
        super().__init__(
            f"In period {period} the survivors rise from {before:g} to {after:g}. "
            "Give the same customers in every period, oldest first."
        )


class NoRepeats(NotFitted):
    """Nobody bought on a second day, so nothing can be learned about buying again."""

    code = "CLV_NO_REPEATS"

    def __init__(self, *, customers: int) -> None:
        self.customers = customers
        super().__init__(
            f"None of the {customers} customers bought on a second day. Wait for repeat purchases, or cut later."
        )


class NobodyRenewed(NotFitted):
    """The whole cohort left at the first renewal, so nothing can be learned about later ones."""

    code = "CLV_NO_RENEWALS"

    def __init__(self, *, customers: int) -> None:
        self.customers = customers
        super().__init__(f"None of the {customers} customers renewed. Take a cohort in which some did.")
