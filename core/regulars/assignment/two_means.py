"""The difference of two means with its interval: whether one arm did better, and by how much at least and at most."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf, isfinite, sqrt

from regulars.assignment.student_t import t_quantile, t_upper_tail
from regulars.errors import ExpectedError, OutOfRange

__all__ = ["ArmSums", "Difference", "NotEnoughData", "Side", "difference_of_means", "sums_of_hits"]


class Side(StrEnum):
    """What the interval bounds: both ends, or only how small or how large the difference may be."""

    BOTH = "both"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class NotEnoughData(ExpectedError):
    """No interval can be given for what was measured."""

    code = "NOT_ENOUGH_DATA"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"No difference can be told yet: {reason}")


@dataclass(frozen=True)
class ArmSums:
    """What was measured in one arm: how many units, the sum of their values, and the sum of the values' squares.

    With ``is_share`` the values are 0 or 1, and the variance is that of a share.
    """

    n: int
    total: float
    total_of_squares: float
    is_share: bool = False

    @property
    def mean(self) -> float:
        """Return the mean of the values."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Return the variance of the values, with n − 1 in the denominator unless they are 0 or 1."""
        if self.is_share:
            return self.mean * (1 - self.mean)
        return (self.total_of_squares - self.total * self.total / self.n) / (self.n - 1)


@dataclass(frozen=True)
class Difference:
    """Treated less control: the estimate, its interval, and how surprising it would be if there were none.

    ``low`` is −∞ and ``high`` ∞ where the side asked for has no bound. ``p`` belongs to that side too.
    """

    estimate: float
    low: float
    high: float
    std_error: float
    p: float
    df: float

    @property
    def is_clear(self) -> bool:
        """Tell whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def sums_of_hits(n: int, hits: int) -> ArmSums:
    """Return the sums of n units of which so many did what was hoped for."""
    return ArmSums(n, hits, hits, is_share=True)


def difference_of_means(
    control: ArmSums, treated: ArmSums, *, alpha: float = 0.05, side: Side = Side.BOTH, is_relative: bool = False
) -> Difference:
    """Return by how much the treated arm's mean exceeds the control's, with an interval of confidence 1 − ``alpha``.

    The arms may differ in size and in variance. With ``is_relative`` it is a share of the control's mean, by the delta
    method. The interval holds for one look that was fixed beforehand, not for looking until it pleases.
    Raises ``NotEnoughData`` for an arm of less than two units, values that do not vary, or a share of nothing, and
    ``OutOfRange`` for an ``alpha`` that is no probability or sums that are no numbers.
    Sources: Welch (1947), The Generalization of "Student's" Problem; Satterthwaite (1946) for the degrees of freedom.
    """
    _check(control, treated, alpha)
    spread_c, spread_t = control.variance / control.n, treated.variance / treated.n
    if spread_c + spread_t <= 0 or min(spread_c, spread_t) < 0:
        raise NotEnoughData("the values do not vary.")
    df = (spread_c + spread_t) ** 2 / (spread_c**2 / (control.n - 1) + spread_t**2 / (treated.n - 1))
    estimate, squared_error = treated.mean - control.mean, spread_c + spread_t
    if is_relative:
        if control.mean == 0:
            raise NotEnoughData("the control's mean is 0, of which nothing is a share.")
        squared_error = spread_t / control.mean**2 + spread_c * treated.mean**2 / control.mean**4
        estimate /= control.mean
    return _interval(estimate, sqrt(squared_error), df, alpha, side)


def _interval(estimate: float, std_error: float, df: float, alpha: float, side: Side) -> Difference:
    t = estimate / std_error
    if side is Side.BOTH:
        reach = t_quantile(1 - alpha / 2, df) * std_error
        p = 2 * t_upper_tail(abs(t), df)
        return Difference(estimate, estimate - reach, estimate + reach, std_error, p, df)
    reach = t_quantile(1 - alpha, df) * std_error
    if side is Side.AT_LEAST:
        return Difference(estimate, estimate - reach, inf, std_error, t_upper_tail(t, df), df)
    return Difference(estimate, -inf, estimate + reach, std_error, t_upper_tail(-t, df), df)


def _check(control: ArmSums, treated: ArmSums, alpha: float) -> None:
    if not 0 < alpha < 1:
        raise OutOfRange(f"alpha {alpha} does not lie between 0 and 1.", path=("alpha",))
    for name, arm in (("control", control), ("treated", treated)):
        if not (isfinite(arm.total) and isfinite(arm.total_of_squares)):
            raise OutOfRange(f"The sums of the arm {name} are no numbers.", path=(name,))
        if arm.n < 2:
            raise NotEnoughData(f"the arm {name} has {arm.n} units, and two are the least.")
