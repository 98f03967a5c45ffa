"""Student's t distribution, with nothing but the standard library."""

from math import erfc, exp, isfinite, lgamma, log, log1p, pi, sqrt
from statistics import NormalDist

__all__ = ["t_quantile", "t_upper_tail"]

SMALLEST = 1e-300
ENOUGH = 1e-15
MOST_STEPS = 10_000
NEARLY_NORMAL = 1e6
"""From so many degrees of freedom on the normal curve, bent a little, is nearer than what lgamma can tell apart."""


def t_upper_tail(t: float, df: float) -> float:
    """Return the probability of a value above ``t`` with ``df`` degrees of freedom, exact far into the tail."""
    if not isfinite(t):
        return 0.0 if t > 0 else 1.0
    if df > NEARLY_NORMAL:  # Abramowitz and Stegun 26.7.8
        return erfc(t * (1 - 1 / (4 * df)) / sqrt(1 + t * t / (2 * df)) / sqrt(2)) / 2
    tail = _incomplete_beta(df / (df + t * t), df / 2, 0.5) / 2
    return tail if t >= 0 else 1 - tail


def t_quantile(probability: float, df: float) -> float:
    """Return the value below which t lies with this probability, for a probability between 0 and 1."""
    if probability < 0.5:
        return -t_quantile(1 - probability, df)
    z = NormalDist().inv_cdf(probability)
    low, high = 0.0, max(z, 1.0)
    while t_upper_tail(high, df) > 1 - probability:
        low, high = high, high * 2
    t = min(max(z + (z**3 + z) / (4 * df), low), high)
    for _ in range(200):
        excess = t_upper_tail(t, df) - (1 - probability)
        low, high = (t, high) if excess > 0 else (low, t)
        density = _density(t, df)
        nearer = t + excess / density if density else high
        nearer = nearer if low < nearer < high else (low + high) / 2
        if abs(nearer - t) <= ENOUGH * max(1.0, abs(t)):
            return nearer
        t = nearer
    return t


def _density(t: float, df: float) -> float:
    whole = lgamma((df + 1) / 2) - lgamma(df / 2) - 0.5 * log(df * pi)
    return exp(whole - (df + 1) / 2 * log1p(t * t / df))


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function, by the continued fraction of DLMF 8.17.22."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    # Lentz's method, from the front.
    value = 1.0
    upper, lower = value, 0.0
    for number in range(1, MOST_STEPS):
        m = number // 2
        if number % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 + term * lower
        lower = 1 / (lower if abs(lower) > SMALLEST else SMALLEST)
        upper = 1 + term / upper
        upper = upper if abs(upper) > SMALLEST else SMALLEST
        value *= upper * lower
        if abs(upper * lower - 1) < ENOUGH:
            break
    return value
