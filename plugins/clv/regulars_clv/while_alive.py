"""Expected purchases of customers who may leave after any purchase, without overflow and without a hole at a = 1."""

import numpy as np
from scipy import special

from regulars_clv.history import Vector

__all__ = ["expm1_over", "purchases_while_alive"]

# Arrays of this many rows stay in the processor's cache.
CHUNK = 16_384
MOST_TERMS = 2_000
TERMS_BETWEEN_CHECKS = 8
# The series is trusted while cancellation leaves about eleven digits.
WORST_CANCELLATION = 1e5


def purchases_while_alive(
    r: Vector | float, alpha: Vector | float, a: Vector | float, b: Vector | float, periods: Vector | float
) -> Vector:
    """Return the purchases expected within ``periods``, all arguments broadcast to one shape.

    The rate of purchases is Gamma(r, alpha), the chance to leave after each purchase Beta(a, b). For a customer with a
    history the posterior takes the parameters' place: r + x, alpha + T, b + x.

    Source: Fader, Hardie and Lee (2005), equation 9. Its 2F1 has parameters that grow with x and overflows; after
    Euler's transformation only its denominator grows, the factor a - 1 cancels term by term and the terms fall fast.
    Where that series would be slow or cancel, the integral over the chance to leave is taken instead.
    """
    columns = np.broadcast_arrays(r, alpha, a, b, periods)
    flat = [np.ascontiguousarray(column, dtype=np.float64).ravel() for column in columns]
    purchases = np.empty(len(flat[0]))
    for first in range(0, len(purchases), CHUNK):
        part = slice(first, first + CHUNK)
        purchases[part] = _chunk(*(column[part] for column in flat))
    return purchases.reshape(columns[0].shape)


def _chunk(r: Vector, alpha: Vector, a: Vector, b: Vector, periods: Vector) -> Vector:
    purchases, trusted = _by_series(r, alpha, a, b, periods)
    left = np.flatnonzero(~trusted)
    if len(left):
        purchases[left] = _by_integral(r[left], alpha[left], a[left], b[left], periods[left])
    return purchases


def _by_series(r: Vector, alpha: Vector, a: Vector, b: Vector, periods: Vector) -> tuple[Vector, np.ndarray]:
    z = periods / (alpha + periods)
    log_rest = -np.log1p(periods / alpha)
    top, excess, bottom = a + b - 1.0 - r, a - 1.0, a + b - 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        term = top * z
        total, size = term.copy(), np.abs(term)
        settled = False
        for k in range(1, MOST_TERMS):
            term *= (top + k) * (excess + k) / ((bottom + k) * (k + 1.0)) * z
            total += term
            size += np.abs(term)
            if k % TERMS_BETWEEN_CHECKS == 0 and np.all(np.abs(term) <= 1e-17 * size):
                settled = True
                break
        finished = np.abs(term) <= 1e-14 * size
        weight = np.exp(excess * log_rest)
        lead = bottom * -expm1_over(excess, log_rest)
        purchases = lead - weight * total
        trusted = np.abs(lead) + weight * size <= WORST_CANCELLATION * purchases
    trusted &= np.isfinite(purchases) & (settled | finished)
    return purchases, trusted | (periods == 0.0)


def expm1_over(excess: Vector, log_rest: Vector) -> Vector:
    """Return (exp(excess * log_rest) - 1) / excess, which is log_rest where the excess vanishes."""
    product = excess * log_rest
    nonzero = np.where(excess == 0.0, 1.0, excess)
    return np.where(np.abs(product) < 1e-300, log_rest, np.expm1(product) / nonzero)


def _by_integral(r: Vector, alpha: Vector, a: Vector, b: Vector, periods: Vector) -> Vector:
    """Integrate over p in steps of log(p / (1 - p)), where the trapezoidal rule converges exponentially.

    Every term is positive, so that nothing cancels.
    """
    spread = np.sqrt(special.polygamma(1, a) + special.polygamma(1, b))
    middle = np.log(a / b)
    lowest, highest = middle - 9 * spread - 38 / a, middle + 9 * spread + 38 / b
    width = np.minimum(0.2, spread / 3)
    steps = int(np.max(np.ceil((highest - lowest) / width)))
    width = (highest - lowest) / steps
    scale = special.betaln(a, b)
    total = np.zeros(len(r))
    for step in range(steps + 1):
        y = lowest + step * width
        log_p, log_rest = -np.logaddexp(0.0, -y), -np.logaddexp(0.0, y)
        p = np.exp(log_p)
        weight = np.exp(a * log_p + b * log_rest - scale)
        nonzero = np.maximum(p, 1e-300)
        total += weight * -np.expm1(-r * np.log1p(nonzero * periods / alpha)) / nonzero
    return np.asarray(total * width)
