"""Pareto/NBD: Poisson purchases at a rate of one's own; the customer may leave at any moment, unseen.

Source: Schmittlein, Morrison and Colombo (1987), Counting your customers, Management Science 33(1); the forms of
Fader and Hardie (2005), A note on deriving the Pareto/NBD model.
"""

import numpy as np
from scipy import special

from regulars_clv.history import DistinctRows, Rows, Vector, weight_by_value
from regulars_clv.nbd import log_rate_likelihood, rate_likelihood, start_of_rate
from regulars_clv.purchase_model import Matrix, Objective, PurchaseModel
from regulars_clv.silence import weigh_silence
from regulars_clv.while_alive import expm1_over

__all__ = ["PARETONBD"]

MOST_PURCHASES = 1e15
# P(alive) moves little with the parameters and costs an integral: so many of the draws answer it for all.
DRAWS_OF_ALIVE = 100


def _start(rows: DistinctRows) -> Vector:
    r, alpha = start_of_rate(rows)
    return np.array([r, alpha, 1.0, alpha])


def _log_likelihood(parameters: Vector, rows: Rows) -> Vector:
    _, _, s, beta = parameters
    left = weigh_silence(parameters, rows).log_odds_left
    return np.asarray(
        log_rate_likelihood(parameters[:2], rows) - s * np.log1p(rows.age / beta) + np.logaddexp(0.0, left)
    )


def _objective(rows: DistinctRows) -> Objective:
    """Return the log-likelihood with its gradient: purchases while nobody left, staying till the end, or leaving."""
    rate = rate_likelihood(rows)
    ages, age_weight = weight_by_value(rows.age, rows.count)

    def evaluate(log_parameters: Vector) -> tuple[float, Vector]:
        parameters = np.exp(log_parameters)
        r, alpha, s, beta = parameters.tolist()
        value, by_rate = rate(r, alpha)
        log_stay = np.log1p(ages / beta)
        silence = weigh_silence(parameters, rows)
        value += float(rows.count @ np.logaddexp(0.0, silence.log_odds_left) - s * (age_weight @ log_stay))
        by_s, by_beta = -(age_weight @ log_stay), s * (age_weight @ (ages / (beta * (beta + ages))))
        weight = rows.count * special.expit(silence.log_odds_left)
        gradient = np.array([*by_rate, by_s, by_beta]) + (silence.slopes * weight).sum(axis=1)
        return value, gradient * parameters

    return evaluate


def _probability_alive(parameters: Vector, rows: Rows) -> Vector:
    return np.asarray(special.expit(-weigh_silence(parameters, rows).log_odds_left))


def _expected_purchases(parameters: Vector, rows: Rows, periods: Vector) -> Matrix:
    r, alpha, s, beta = parameters
    rate = (r + rows.frequency) / (alpha + rows.age) * _probability_alive(parameters, rows)
    return np.asarray(rate[:, np.newaxis] * _time_alive(s, (beta + rows.age)[:, np.newaxis], periods[np.newaxis, :]))


def _newcomer_purchases(parameters: Vector, periods: Vector) -> Vector:
    r, alpha, s, beta = parameters
    return np.asarray(r / alpha * _time_alive(s, beta, periods))


def _time_alive(s: float, beta: Vector | float, periods: Vector) -> Vector:
    """Return how many of the coming ``periods`` somebody who leaves at a rate Gamma(s, beta) is expected to stay."""
    return np.asarray(-beta * expm1_over(np.asarray(s - 1.0), -np.log1p(periods / beta)))


def _draw_purchases(parameters: Matrix, rows: Rows, periods: float, generator: np.random.Generator) -> Matrix:
    """Draw for every row and draw: whether still there, how long they stay, and the purchases until then."""
    r, alpha, s, beta = (column[np.newaxis, :] for column in parameters.T)
    answers = np.array([_probability_alive(each, rows) for each in parameters[:DRAWS_OF_ALIVE]]).T
    alive = answers[:, np.arange(len(parameters)) % answers.shape[1]]
    x, age = rows.frequency[:, np.newaxis], rows.age[:, np.newaxis]
    rate = generator.standard_gamma(r + x) / (alpha + age)
    leaving = generator.standard_gamma(np.broadcast_to(s, alive.shape)) / (beta + age)
    staying = generator.standard_exponential(alive.shape) / np.maximum(leaving, 1e-300)
    bought = generator.poisson(np.minimum(rate * np.minimum(staying, periods), MOST_PURCHASES))
    return np.where(generator.random(alive.shape) < alive, bought, 0).astype(np.float64)


PARETONBD = PurchaseModel(
    name="paretonbd",
    parameter_names=("r", "alpha", "s", "beta"),
    dropout_names=("s", "beta"),
    start=_start,
    objective=_objective,
    log_likelihood=_log_likelihood,
    probability_alive=_probability_alive,
    expected_purchases=_expected_purchases,
    newcomer_purchases=_newcomer_purchases,
    draw_purchases=_draw_purchases,
)
