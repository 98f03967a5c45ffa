"""The likelihood and the forecasts that BG/NBD and MBG/NBD share: customers may leave after each purchase.

BG/NBD lets nobody leave before the first repeat purchase; MBG/NBD lets them leave right after the first purchase too.
That is the only difference, and it is the number ``chances`` of leaving before any repeat purchase, 0 or 1.

Sources: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2);
Batislam, Denizel and Filiztekin (2007), Empirical validation and comparison of models for customer base analysis.
"""

from functools import partial

import numpy as np
from scipy import special

from regulars_clv.history import DistinctRows, Rows, Vector, distinguish, weight_by_value
from regulars_clv.nbd import log_rate_likelihood, rate_likelihood, start_of_rate
from regulars_clv.purchase_model import Matrix, Objective, PurchaseModel
from regulars_clv.while_alive import purchases_while_alive

__all__ = ["geometric_dropout_model", "purchase_distribution"]

# Small enough for the cache, and below the size from which BLAS would start threads for a dot product.
CHUNK = 8_192
SMALLEST_CHANCE = 1e-300
MOST_PURCHASES = 1e15


def geometric_dropout_model(name: str, *, chances: int) -> PurchaseModel:
    """Return the model with so many ``chances`` (0 or 1) to leave before any repeat purchase."""
    return PurchaseModel(
        name=name,
        parameter_names=("r", "alpha", "a", "b"),
        dropout_names=("a", "b"),
        start=_start,
        objective=partial(_objective, chances),
        log_likelihood=partial(_log_likelihood, chances),
        probability_alive=partial(_probability_alive, chances),
        expected_purchases=partial(_expected_purchases, chances),
        newcomer_purchases=partial(_newcomer_purchases, chances),
        draw_purchases=partial(_draw_purchases, chances),
        alive_is_certain_without_repeat=chances == 0,
    )


def purchase_distribution(chances: int, parameters: Vector, counts: Vector, *, periods: float) -> Vector:
    """Return the probability of each number of purchases in ``counts`` by a newcomer within ``periods``.

    Source: Fader, Hardie and Lee (2005), equation 8.
    """
    r, alpha, a, b = parameters
    z = periods / (alpha + periods)
    log_exactly = (
        special.gammaln(r + counts)
        - special.gammaln(r)
        - special.gammaln(counts + 1)
        - r * np.log1p(periods / alpha)
        + special.xlogy(counts, z)
    )
    stays = np.exp(special.betaln(a, b + chances + counts) - special.betaln(a, b))
    leaves = np.exp(special.betaln(a + 1, b + chances + counts - 1) - special.betaln(a, b))
    may_have_left = counts + chances > 0
    at_least = np.where(counts > 0, special.betainc(np.maximum(counts, 1), r, z), 1.0)
    return np.asarray(stays * np.exp(log_exactly) + np.where(may_have_left, leaves, 0.0) * at_least)


def _start(rows: DistinctRows) -> Vector:
    return np.array([*start_of_rate(rows), 1.0, 2.0])


def _log_odds_left(chances: int, parameters: Vector, rows: Rows) -> Vector:
    """Return the logarithm of how much likelier it is to have left after the last purchase than to be alive."""
    r, alpha, a, b = parameters
    x = rows.frequency
    silence = np.log1p((rows.age - rows.recency) / (alpha + rows.recency))
    with np.errstate(divide="ignore"):
        odds = np.log(a) - np.log(np.maximum(b + x + chances - 1.0, 0.0)) + (r + x) * silence
    return np.where(x + chances > 0, odds, -np.inf)


def _log_likelihood(chances: int, parameters: Vector, rows: Rows) -> Vector:
    _, _, a, b = parameters
    survived = rows.frequency + chances
    return np.asarray(
        log_rate_likelihood(parameters[:2], rows)
        + special.betaln(a, b + survived)
        - special.betaln(a, b)
        + np.logaddexp(0.0, _log_odds_left(chances, parameters, rows))
    )


def _probability_alive(chances: int, parameters: Vector, rows: Rows) -> Vector:
    return np.asarray(special.expit(-_log_odds_left(chances, parameters, rows)))


def _expected_purchases(chances: int, parameters: Vector, rows: Rows, periods: Vector) -> Matrix:
    r, alpha, a, b = parameters
    pairs = distinguish([rows.frequency, rows.age])
    x, age = rows.frequency[pairs.example][:, np.newaxis], rows.age[pairs.example][:, np.newaxis]
    alive = purchases_while_alive(r + x, alpha + age, a, b + chances + x, periods[np.newaxis, :])
    return np.asarray(_probability_alive(chances, parameters, rows)[:, np.newaxis] * alive[pairs.group_of_row])


def _newcomer_purchases(chances: int, parameters: Vector, periods: Vector) -> Vector:
    r, alpha, a, b = parameters
    still_there = (b / (a + b)) ** chances
    return np.asarray(still_there * purchases_while_alive(r, alpha, a, b + chances, periods))


def _draw_purchases(
    chances: int, parameters: Matrix, rows: Rows, periods: float, generator: np.random.Generator
) -> Matrix:
    """Draw for every row and draw: rate, chance to leave, whether alive, and the purchases that follow."""
    r, alpha, a, b = (column[np.newaxis, :] for column in parameters.T)
    x, recency, age = (values[:, np.newaxis] for values in (rows.frequency, rows.recency, rows.age))
    odds = (
        np.log(a)
        - np.log(np.maximum(b + x + chances - 1.0, SMALLEST_CHANCE))
        + (r + x) * np.log1p((age - recency) / (alpha + recency))
    )
    left = np.where(x + chances > 0, special.expit(odds), 0.0)
    shape = left.shape
    rate = generator.standard_gamma(np.broadcast_to(r + x, shape)) / (alpha + age)
    leaving = generator.beta(np.broadcast_to(a, shape), np.broadcast_to(b + x + chances, shape))
    until_leaving = np.ceil(-generator.standard_exponential(shape) / np.log1p(-np.clip(leaving, 1e-15, 1 - 1e-15)))
    wanted = generator.poisson(np.minimum(rate * periods, MOST_PURCHASES))
    return np.where(generator.random(shape) < left, 0.0, np.minimum(wanted, until_leaving))


class _SilenceTail:
    """The part of the likelihood that needs every row: has the customer left since the last purchase?

    Buffers are made once, because page faults on temporaries cost more than the arithmetic (measured).
    """

    def __init__(self, chances: int, rows: DistinctRows) -> None:
        kept = rows.frequency + chances > 0
        self.frequency = rows.frequency[kept]
        self.recency = rows.recency[kept]
        self.silence = rows.age[kept] - self.recency
        self.age = rows.age[kept]
        self.count = rows.count[kept]
        self.before = self.frequency + (chances - 1.0)
        self.buffers = np.empty((6, min(CHUNK, len(self.frequency))))

    def add_to(self, gradient: Vector, r: float, alpha: float, a: float, b: float) -> float:
        """Add this part's gradient by r, alpha, a, b and return its log-likelihood."""
        value, log_a = 0.0, float(np.log(a))
        for first in range(0, len(self.frequency), CHUNK):
            part = slice(first, min(first + CHUNK, len(self.frequency)))
            odds, ratio, power, left, beyond, weight = self.buffers[:, : part.stop - part.start]
            count = self.count[part]
            np.add(self.recency[part], alpha, out=weight)
            np.divide(self.silence[part], weight, out=beyond)
            np.log1p(beyond, out=ratio)
            np.add(self.frequency[part], r, out=power)
            np.add(self.before[part], b, out=left)
            np.multiply(power, ratio, out=odds)
            odds += log_a
            np.log(left, out=weight)
            odds -= weight
            np.abs(odds, out=weight)
            np.negative(weight, out=weight)
            np.exp(weight, out=weight)
            soft = np.log1p(weight)
            value += float(count @ soft) + float(count @ np.maximum(odds, 0.0))
            share = np.where(odds > 0, 1.0, weight)
            weight += 1.0
            share /= weight
            share *= count
            gradient[0] += share @ ratio
            power *= share
            beyond /= self.age[part] + alpha
            gradient[1] -= power @ beyond
            gradient[2] += float(share.sum()) / a
            np.divide(share, left, out=left)
            gradient[3] -= float(left.sum())
        return value


def _objective(chances: int, rows: DistinctRows) -> Objective:
    """Return the log-likelihood, with its gradient, of how often they bought, stayed, and left after the last one."""
    rate = rate_likelihood(rows)
    counts, count_weight = weight_by_value(rows.frequency, rows.count)
    survived = counts + chances
    tail = _SilenceTail(chances, rows)

    def evaluate(log_parameters: Vector) -> tuple[float, Vector]:
        parameters = np.exp(log_parameters)
        r, alpha, a, b = parameters.tolist()
        value, by_rate = rate(r, alpha)
        value += float(count_weight @ (special.betaln(a, b + survived) - special.betaln(a, b)))
        stays = special.digamma(a + b) - special.digamma(a + b + survived)
        by_a = count_weight @ stays
        by_b = count_weight @ (stays + special.digamma(b + survived) - special.digamma(b))
        gradient = np.array([*by_rate, by_a, by_b])
        value += tail.add_to(gradient, r, alpha, a, b)
        return value, gradient * parameters

    return evaluate
