"""Choose a model by how well it foretells, on purchases that it has not seen; never by its log-likelihood."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from regulars_clv.accuracy import measure
from regulars_clv.bgnbd import BGNBD
from regulars_clv.errors import NoRepeats, NoUsableRow
from regulars_clv.history import DistinctRows, compress
from regulars_clv.mbgnbd import MBGNBD
from regulars_clv.paretonbd import PARETONBD
from regulars_clv.preparation import Holdout, Prepared, holdout_after, prepare
from regulars_clv.purchase_fit import fit_purchases
from regulars_clv.purchase_model import PurchaseModel
from regulars_clv.transactions import Transactions

__all__ = ["Candidate", "Choice", "choose_model"]

CANDIDATES = (MBGNBD, BGNBD, PARETONBD)
DEFAULT = MBGNBD
# The last third of the known days is foretold from the first two.
HOLDOUT_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """How one model did on the holdout; the figures are those of the number of purchases."""

    name: str
    mae: float
    decile_mape: float | None
    total_ratio: float | None
    degenerate: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen model, in words why, and what the candidates did."""

    model: PurchaseModel
    reason: str
    candidates: tuple[Candidate, ...]


def choose_model(transactions: Transactions, *, period_days: int, calibration_end: date) -> Choice:
    """Return the model that did best on the last third of the days until ``calibration_end``.

    The sum of the places in mean absolute error and in decile error decides, then the total. A model whose attrition
    cannot be identified is not chosen; without a holdout that says anything the default is.
    """
    first = date.fromordinal(int(transactions.day.min()))
    span = (calibration_end - first).days
    cut = calibration_end - timedelta(days=int(span * HOLDOUT_SHARE))
    if cut >= calibration_end:
        return Choice(DEFAULT, "The history is too short to hold any of it out; the default is taken.", ())
    try:
        prepared = prepare(transactions, period_days=period_days, calibration_end=cut)
        holdout = holdout_after(transactions, prepared, holdout_end=calibration_end)
        rows, periods = compress(prepared.history), (calibration_end - cut).days / period_days
        candidates = tuple(_try(model, rows, prepared, holdout, periods=periods) for model in CANDIDATES)
    except (NoRepeats, NoUsableRow):
        return Choice(DEFAULT, f"Too little was known on {cut.isoformat()} to compare; the default is taken.", ())
    usable = [each for each in candidates if not each.degenerate]
    if not usable:
        return Choice(DEFAULT, "Attrition cannot be identified by any model; the default is taken.", candidates)
    best = _best(usable)
    reason = (
        f"{best.name} came closest from {cut.isoformat()} to {calibration_end.isoformat()} by mean absolute error "
        "and decile error of the purchases, then by their total."
    )
    return Choice(next(model for model in CANDIDATES if model.name == best.name), reason, candidates)


def _try(
    model: PurchaseModel, rows: DistinctRows, prepared: Prepared, holdout: Holdout, *, periods: float
) -> Candidate:
    fit = fit_purchases(model, rows)
    predicted = fit.estimate.purchases(rows, periods=periods)
    counts = measure(predicted, holdout.purchases, customer_ids=prepared.customer_ids)
    return Candidate(
        name=model.name,
        mae=counts.mae,
        decile_mape=counts.decile_mape,
        total_ratio=counts.total_ratio,
        degenerate=fit.degenerate,
    )


def _best(candidates: list[Candidate]) -> Candidate:
    mae = np.array([each.mae for each in candidates])
    decile = np.array([np.inf if each.decile_mape is None else each.decile_mape for each in candidates])
    total = np.array([np.inf if each.total_ratio is None else abs(each.total_ratio - 1) for each in candidates])
    places = np.searchsorted(np.sort(mae), mae) + np.searchsorted(np.sort(decile), decile)
    return candidates[int(np.lexsort((total, places))[0])]
