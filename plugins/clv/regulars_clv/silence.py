"""Weigh having left during a silence against still being there, when customers may leave at any moment.

Pareto/NBD integrates, over the moment y of leaving between the last purchase and the end of observation,

    (alpha + y)^-(r + x) (beta + y)^-(s + 1)

which textbooks write as a difference of two 2F1 that underflows for x above 150. Taken as the integral of positive
terms, in logarithms and relative to its first point, it neither cancels nor underflows.
"""

from dataclasses import dataclass

import numpy as np

from regulars_clv.history import Rows, Vector

__all__ = ["Silence", "weigh_silence"]

# In u = log(min(alpha, beta) + y) the nearest singularity is pi away, whatever the parameters.
POINTS, WEIGHTS = np.polynomial.legendre.leggauss(32)
# Moments of leaving that are e^40 times less likely than the first are left out.
NEGLIGIBLE = 40.0
CHUNK = 2_048


@dataclass(frozen=True, slots=True, eq=False)
class Silence:
    """Per row: the logarithm of the odds of having left, and its slope by r, alpha, s and beta, shape (4, n)."""

    log_odds_left: Vector
    slopes: Vector


def weigh_silence(parameters: Vector, rows: Rows) -> Silence:
    """Return how much likelier each row's customer has left than not, with the slopes; minus infinity if not silent."""
    log_odds, slopes = np.empty(len(rows)), np.empty((4, len(rows)))
    for first in range(0, len(rows), CHUNK):
        part = slice(first, first + CHUNK)
        log_odds[part], slopes[:, part] = _chunk(parameters, rows.frequency[part], rows.recency[part], rows.age[part])
    return Silence(log_odds, slopes)


def _chunk(parameters: Vector, frequency: Vector, recency: Vector, age: Vector) -> tuple[Vector, Vector]:
    r, alpha, s, beta = parameters
    power, silent = r + frequency, age - recency
    near, far = min(alpha, beta) + recency, max(alpha, beta) + recency
    by_alpha, by_beta = (near, far) if alpha <= beta else (far, near)
    with np.errstate(over="ignore"):
        horizon = np.minimum(
            silent,
            np.minimum(by_alpha * np.expm1(NEGLIGIBLE / power), by_beta * np.expm1(NEGLIGIBLE / (s + 1.0))),
        )
    length = np.log1p(horizon / near)
    log_near = np.outer(0.5 * (POINTS + 1.0), length)
    left_after = near * np.expm1(log_near)
    log_far = np.log1p(left_after / far)
    log_alpha, log_beta = (log_near, log_far) if alpha <= beta else (log_far, log_near)
    density = np.exp(log_near - power * log_alpha - (s + 1.0) * log_beta) * WEIGHTS[:, np.newaxis]
    total = density.sum(axis=0)
    until_alpha, until_beta = np.log1p(silent / by_alpha), np.log1p(silent / by_beta)
    with np.errstate(divide="ignore"):
        log_integral = np.log(0.5 * length * near / by_beta * total)
    log_odds = np.log(s) + log_integral + power * until_alpha + s * until_beta
    share = density / total
    slopes = np.array(
        [
            until_alpha - (share * log_alpha).sum(axis=0),
            power * (1.0 / (by_alpha + silent) - (share / (by_alpha + left_after)).sum(axis=0)),
            1.0 / s + until_beta - (share * log_beta).sum(axis=0),
            s / (by_beta + silent) - (s + 1.0) * (share / (by_beta + left_after)).sum(axis=0),
        ]
    )
    return log_odds, slopes
