"""Measure how well forecasts met what then happened: in total, per customer, and in the ranking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regulars_clv.history import Vector
from regulars_clv.intervals import Interval

__all__ = ["Accuracy", "gini", "measure"]

GROUPS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Accuracy:
    """One forecast beside reality.

    ``total_ratio`` is predicted over actual. ``normalised_gini`` is the Gini of reality in the order of the forecast
    over the best possible one. The deciles hold means per customer, lowest forecast first; ``decile_mape`` is the mean
    of their relative errors. ``coverage`` and ``width`` are those of the repeat buyers' intervals. What cannot be
    computed (nothing happened, no interval) is ``None``.
    """

    total_ratio: float | None
    mae: float
    rmse: float
    normalised_gini: float | None
    decile_mape: float | None
    coverage: float | None
    width: float | None
    actual_by_decile: tuple[float, ...]
    predicted_by_decile: tuple[float, ...]


def measure(
    predicted: Vector,
    actual: Vector,
    *,
    customer_ids: Sequence[str],
    interval: Interval | None = None,
    repeat_buyers: Vector | None = None,
) -> Accuracy:
    """Compare forecasts with what happened, all of shape (n,), n > 0.

    The deciles start with the lowest forecast, the Gini with the highest; ties of the forecast go by customer id in
    both. ``repeat_buyers`` is 1 for the customers whose ``interval`` counts.
    """
    ids = np.array(customer_ids)
    highest_first = np.lexsort((ids, -predicted))
    deciles = [part for part in np.split(np.lexsort((ids, predicted)), _decile_ends(len(predicted))) if len(part)]
    happened = tuple(float(actual[part].mean()) for part in deciles)
    forecast = tuple(float(predicted[part].mean()) for part in deciles)
    error, total, best = predicted - actual, float(actual.sum()), gini(actual)
    covered = width = None
    if interval is not None and repeat_buyers is not None and np.any(repeat_buyers):
        inside = (actual >= interval.low) & (actual <= interval.high)
        covered = float(np.average(inside, weights=repeat_buyers))
        width = float(np.average(interval.high - interval.low, weights=repeat_buyers))
    return Accuracy(
        total_ratio=float(predicted.sum()) / total if total else None,
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        normalised_gini=_gini_in_order(actual[highest_first[::-1]]) / best if total and best else None,
        decile_mape=_mean_relative_error(forecast, happened),
        coverage=covered,
        width=width,
        actual_by_decile=happened,
        predicted_by_decile=forecast,
    )


def gini(amounts: Vector) -> float | None:
    """Return how unequally ``amounts`` are spread, 0 for equal shares; ``None`` where their total is not above 0.

    The mean is taken over negative amounts too: sum of (2i - n - 1) y_i over n times the total, y ascending.
    """
    return _gini_in_order(np.sort(amounts)) if float(amounts.sum()) > 0 else None


def _decile_ends(customers: int) -> list[int]:
    """Return how many customers the first nine deciles hold: the ranks up to each tenth of the way to the last one."""
    return [1 + (customers - 1) * tenth // GROUPS for tenth in range(1, GROUPS)]


def _gini_in_order(amounts: Vector) -> float:
    customers = len(amounts)
    rank = 2.0 * np.arange(1, customers + 1) - customers - 1
    return float((rank * amounts).sum() / (customers * amounts.sum()))


def _mean_relative_error(forecast: Sequence[float], happened: Sequence[float]) -> float | None:
    if min(happened) <= 0:
        return None
    return float(np.mean(np.abs(np.array(forecast) / np.array(happened) - 1)))
