"""Gamma-Gamma: how much a customer spends per purchase, independent of how often they buy.

Source: Fader and Hardie (2013), The Gamma-Gamma model of monetary value, note 025.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from regulars_clv.fitting import Fit, maximise
from regulars_clv.history import History, Vector
from regulars_clv.purchase_model import Objective

__all__ = [
    "PARAMETER_NAMES",
    "SpendFit",
    "expected_spend",
    "fit_spend",
    "log_likelihood",
    "mean_spend",
    "spend_warnings",
]

PARAMETER_NAMES = ("p", "q", "v")
FEWEST_REPEATERS = 10
STRONGEST_CORRELATION = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class SpendFit:
    """The most likely p, q, v; how many customers they rest on; and the correlation of count and mean amount.

    ``correlation`` is ``None`` where one of the two does not vary.
    """

    fit: Fit
    customers: int
    correlation: float | None


def fit_spend(history: History) -> SpendFit | None:
    """Return the fit over customers with repeat purchases and a positive mean, or ``None`` when they are too few."""
    paying = (history.frequency > 0) & (history.monetary_value > 0)
    customers = int(np.count_nonzero(paying))
    if customers < FEWEST_REPEATERS:
        return None
    # Sorted, so that the order of the customers cannot change the last digits.
    order = np.lexsort((history.monetary_value[paying], history.frequency[paying]))
    frequency, mean = history.frequency[paying][order], history.monetary_value[paying][order]
    fit = maximise(
        _objective(frequency, mean),
        names=PARAMETER_NAMES,
        start=np.array([2.0, 2.0, float(mean.mean())]),
        customers=customers,
    )
    return SpendFit(fit=fit, customers=customers, correlation=_correlation(frequency, mean))


def spend_warnings(spend: SpendFit | None) -> list[str]:
    """Return the codes of what a reader of the values must know; ``None`` means that nothing could be fitted."""
    if spend is None:
        return ["TOO_FEW_REPEATERS"]
    codes = []
    if spend.correlation is not None and abs(spend.correlation) > STRONGEST_CORRELATION:
        codes.append("SPEND_CORRELATED_WITH_FREQUENCY")
    if spend.fit.log_covariance is None:
        codes.append("SPEND_NOT_IDENTIFIED")
    if not np.isfinite(mean_spend(spend.fit.parameters)):
        codes.append("SPEND_MEAN_INFINITE")
    return codes


def log_likelihood(parameters: Vector, frequency: Vector, mean: Vector) -> Vector:
    """Return the log-density of each customer's ``mean`` amount over ``frequency`` purchases, both above zero."""
    p, q, v = parameters
    shape = p * frequency
    return np.asarray(
        special.gammaln(shape + q)
        - special.gammaln(shape)
        - special.gammaln(q)
        + q * np.log(v)
        + (shape - 1) * np.log(mean)
        + shape * np.log(frequency)
        - (shape + q) * np.log(v + mean * frequency)
    )


def expected_spend(parameters: Vector, frequency: Vector, mean: Vector) -> Vector:
    """Return the amount expected per future purchase of each customer; the population's mean where frequency is 0.

    Infinite where the model gives no finite mean (p x + q <= 1).
    """
    p, q, v = parameters
    degrees = p * frequency + q - 1
    with np.errstate(divide="ignore"):
        return np.where(degrees > 0, p * (v + mean * frequency) / np.where(degrees > 0, degrees, 1.0), np.inf)


def mean_spend(parameters: Vector) -> float:
    """Return the mean amount per purchase over the population; infinite for q <= 1."""
    zero = np.zeros(1)
    return float(expected_spend(parameters, zero, zero)[0])


def _correlation(frequency: Vector, mean: Vector) -> float | None:
    if np.ptp(frequency) == 0 or np.ptp(mean) == 0:
        return None
    return float(np.corrcoef(frequency, mean)[0, 1])


def _objective(frequency: Vector, mean: Vector) -> Objective:
    """Return the log-likelihood with its gradient; gamma functions are taken once per different frequency."""
    counts, group, weight = np.unique(frequency, return_inverse=True, return_counts=True)
    total = frequency * mean
    customers = len(frequency)
    constant = float(frequency @ np.log(total))
    log_means = float(np.log(mean).sum())

    def evaluate(log_parameters: Vector) -> tuple[float, Vector]:
        parameters = np.exp(log_parameters)
        p, q, v = parameters.tolist()
        reach = v + total
        log_reach = np.bincount(group, weights=np.log(reach))
        inverse_reach = np.bincount(group, weights=1.0 / reach)
        shape = p * counts
        value = (
            weight @ (special.gammaln(shape + q) - special.gammaln(shape))
            + customers * (q * np.log(v) - special.gammaln(q))
            + p * constant
            - log_means
            - (shape + q) @ log_reach
        )
        tilt = special.digamma(shape + q)
        gradient = np.array(
            [
                (weight * counts) @ (tilt - special.digamma(shape)) + constant - counts @ log_reach,
                weight @ tilt + customers * (np.log(v) - special.digamma(q)) - log_reach.sum(),
                customers * q / v - (shape + q) @ inverse_reach,
            ]
        )
        return float(value), gradient * parameters

    return evaluate
