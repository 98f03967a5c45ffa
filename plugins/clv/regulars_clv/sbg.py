"""sBG: customers under contract, each with a chance of their own not to renew, seen as a shrinking cohort.

Source: Fader and Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1).
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import special

from regulars_clv.csv_rows import read_rows
from regulars_clv.errors import NobodyRenewed, NoUsableRow, SurvivorsRise
from regulars_clv.fitting import Fit, maximise
from regulars_clv.history import Vector
from regulars_clv.purchase_model import Objective
from regulars_clv.rejections import RejectedRow

__all__ = ["PARAMETER_NAMES", "Cohort", "fit_cohort", "read_cohort", "survival"]

PARAMETER_NAMES = ("alpha", "beta")


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """How many customers were left after so many renewals, ascending periods; the first entry is the whole cohort."""

    period: Vector
    survivors: Vector
    rejected: tuple[RejectedRow, ...] = ()
    rows: int = 0


def read_cohort(path: Path) -> Cohort:
    """Return the cohort in a file with the columns ``period,survivors``, in any order of the rows.

    Raises ``ColumnMissing``, ``FileUnreadable``, ``NoUsableRow`` without two periods, and ``SurvivorsRise``.
    """
    _, lines = read_rows(path, required=("period", "survivors"), optional=())
    kept: dict[int, float] = {}
    rejected, rows = [], 0
    for line, cells in lines:
        rows += 1
        period, survivors = _whole(cells[0]), _amount(cells[1])
        if period is None or period in kept:
            rejected.append(RejectedRow(line, "BAD_PERIOD"))
        elif survivors is None:
            rejected.append(RejectedRow(line, "BAD_SURVIVORS"))
        else:
            kept[period] = survivors
    if len(kept) < 2:
        raise NoUsableRow(rejected=len(rejected))
    periods = sorted(kept)
    if not kept[periods[0]] > 0:
        raise NoUsableRow(rejected=len(rejected))
    for before, after in pairwise(periods):
        if kept[after] > kept[before]:
            raise SurvivorsRise(period=after, before=kept[before], after=kept[after])
    survivors_by_period = np.array([kept[period] for period in periods])
    return Cohort(np.array(periods, dtype=np.float64), survivors_by_period, tuple(rejected), rows)


def survival(parameters: Vector, renewals: Vector) -> Vector:
    """Return the share of a cohort that is left after each number of ``renewals``, shape (n,)."""
    alpha, beta = parameters
    return np.asarray(np.exp(special.betaln(alpha, beta + renewals) - special.betaln(alpha, beta)))


def fit_cohort(cohort: Cohort) -> Fit:
    """Return the most likely alpha and beta.

    Raises ``NobodyRenewed`` when nobody was left at the second period.
    """
    if not cohort.survivors[1] > 0:
        raise NobodyRenewed(customers=int(cohort.survivors[0]))
    return maximise(
        _objective(cohort), names=PARAMETER_NAMES, start=np.array([1.0, 2.0]), customers=float(cohort.survivors[0])
    )


def _objective(cohort: Cohort) -> Objective:
    renewals = cohort.period - cohort.period[0]
    left = cohort.survivors[-1]
    happened = np.diff(cohort.survivors) < 0
    lost = -np.diff(cohort.survivors)[happened]

    def evaluate(log_parameters: Vector) -> tuple[float, Vector]:
        parameters = np.exp(log_parameters)
        alpha, beta = parameters.tolist()
        share = survival(parameters, renewals)
        by_alpha = share * (special.digamma(alpha + beta) - special.digamma(alpha + beta + renewals))
        by_beta = by_alpha + share * (special.digamma(beta + renewals) - special.digamma(beta))
        leaving = -np.diff(share)[happened]
        value = lost @ np.log(leaving) + left * np.log(share[-1])
        gradient = np.array(
            [
                lost @ (-np.diff(slope)[happened] / leaving) + left * slope[-1] / share[-1]
                for slope in (by_alpha, by_beta)
            ]
        )
        return float(value), gradient * parameters

    return evaluate


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _amount(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
