"""NBD: Poisson purchases at a rate of one's own, and nobody ever leaves. The fallback when leaving cannot be seen.

Source: Ehrenberg (1959), The pattern of consumer purchases, Applied Statistics 8(1).
"""

from collections.abc import Callable

import numpy as np
from scipy import special

from regulars_clv.history import DistinctRows, Rows, Vector, weight_by_value
from regulars_clv.purchase_model import Matrix, Objective, PurchaseModel

__all__ = ["NBD", "log_rate_likelihood", "rate_likelihood", "start_of_rate"]

MOST_PURCHASES = 1e15


def start_of_rate(rows: DistinctRows) -> Vector:
    """Return r and alpha from which to search: alpha in the scale of the customers' ages."""
    return np.array([1.0, max(float(np.average(rows.age, weights=rows.count)), 1e-6)])


def log_rate_likelihood(parameters: Vector, rows: Rows) -> Vector:
    """Return the log-likelihood of each row under r and alpha if nobody ever left, shape (n,)."""
    r, alpha = parameters
    x = rows.frequency
    return np.asarray(
        special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + rows.age)
    )


def rate_likelihood(rows: DistinctRows) -> Callable[[float, float], tuple[float, Vector]]:
    """Return a function of r and alpha: the log-likelihood of all customers, and its gradient by r and alpha.

    What depends on the number of purchases alone, or on the age alone, is computed once per different value.
    """
    counts, count_weight = weight_by_value(rows.frequency, rows.count)
    ages, age_weight = weight_by_value(rows.age, rows.count)
    _, purchases_by_age = weight_by_value(rows.age, rows.count * rows.frequency)
    customers = float(rows.count.sum())

    def evaluate(r: float, alpha: float) -> tuple[float, Vector]:
        exposure, log_age = r * age_weight + purchases_by_age, np.log(alpha + ages)
        value = (
            count_weight @ (special.gammaln(r + counts) - special.gammaln(r))
            + customers * r * np.log(alpha)
            - exposure @ log_age
        )
        by_r = (
            count_weight @ (special.digamma(r + counts) - special.digamma(r))
            + customers * np.log(alpha)
            - age_weight @ log_age
        )
        by_alpha = customers * r / alpha - exposure @ (1.0 / (alpha + ages))
        return float(value), np.array([by_r, by_alpha])

    return evaluate


def _objective(rows: DistinctRows) -> Objective:
    likelihood = rate_likelihood(rows)

    def evaluate(log_parameters: Vector) -> tuple[float, Vector]:
        parameters = np.exp(log_parameters)
        value, gradient = likelihood(*parameters.tolist())
        return value, gradient * parameters

    return evaluate


def _expected_purchases(parameters: Vector, rows: Rows, periods: Vector) -> Matrix:
    r, alpha = parameters
    return np.asarray(((r + rows.frequency) / (alpha + rows.age))[:, np.newaxis] * periods[np.newaxis, :])


def _newcomer_purchases(parameters: Vector, periods: Vector) -> Vector:
    r, alpha = parameters
    return np.asarray(r / alpha * periods)


def _draw_purchases(parameters: Matrix, rows: Rows, periods: float, generator: np.random.Generator) -> Matrix:
    r, alpha = (column[np.newaxis, :] for column in parameters.T)
    rate = generator.standard_gamma(r + rows.frequency[:, np.newaxis]) / (alpha + rows.age[:, np.newaxis])
    return np.asarray(generator.poisson(np.minimum(rate * periods, MOST_PURCHASES)), dtype=np.float64)


NBD = PurchaseModel(
    name="nbd",
    parameter_names=("r", "alpha"),
    dropout_names=(),
    start=start_of_rate,
    objective=_objective,
    log_likelihood=log_rate_likelihood,
    probability_alive=None,
    expected_purchases=_expected_purchases,
    newcomer_purchases=_newcomer_purchases,
    draw_purchases=_draw_purchases,
)
