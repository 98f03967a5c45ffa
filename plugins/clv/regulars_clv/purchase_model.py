"""Say what a model of purchases must be able to do, so that fitting, value and intervals serve every model alike."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regulars_clv.history import DistinctRows, Rows, Vector

__all__ = ["Matrix", "Objective", "PurchaseModel"]

Matrix = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]
"""Logarithms of the parameters in; the log-likelihood of all customers and its gradient out."""


@dataclass(frozen=True, slots=True)
class PurchaseModel:
    """One model of how customers buy and leave.

    Parameters are vectors in the order of ``parameter_names``, all positive; times are in periods. ``rows`` have n
    rows. ``expected_purchases`` takes horizons of shape (k,) and returns (n, k); ``draw_purchases`` takes one
    parameter vector per draw, shape (draws, parameters), and returns counts of shape (n, draws).
    """

    name: str
    parameter_names: tuple[str, ...]
    dropout_names: tuple[str, ...]
    start: Callable[[DistinctRows], Vector]
    objective: Callable[[DistinctRows], Objective]
    log_likelihood: Callable[[Vector, Rows], Vector]
    probability_alive: Callable[[Vector, Rows], Vector] | None
    expected_purchases: Callable[[Vector, Rows, Vector], Matrix]
    newcomer_purchases: Callable[[Vector, Vector], Vector]
    draw_purchases: Callable[[Matrix, Rows, float, np.random.Generator], Matrix]
    alive_is_certain_without_repeat: bool = False
