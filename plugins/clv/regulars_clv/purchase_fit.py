"""Fit a model of purchases, and notice when the data cannot tell leaving from buying rarely."""

from dataclasses import dataclass

import numpy as np

from regulars_clv.errors import NoRepeats
from regulars_clv.fitting import Fit, maximise
from regulars_clv.history import DistinctRows, Vector
from regulars_clv.nbd import NBD
from regulars_clv.purchase_model import Matrix, PurchaseModel

__all__ = ["DEGENERATE_REASON", "Estimate", "PurchaseFit", "fit_purchases"]

# The 95 % point of chi-squared with two degrees of freedom: what two parameters of leaving must at least explain.
LEAST_GAIN = 5.99
DEGENERATE_REASON = "attrition cannot be identified in this data"


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A model with its parameters; ``log_covariance`` is ``None`` where they were given or are not determined."""

    model: PurchaseModel
    parameters: Vector
    log_covariance: Matrix | None = None

    def purchases(self, rows: DistinctRows, *, periods: float) -> Vector:
        """Return how many purchases each customer behind ``rows`` is expected to make in the coming ``periods``."""
        by_row = self.model.expected_purchases(self.parameters, rows, np.array([periods]))[:, 0]
        return np.asarray(by_row[rows.row_of_customer])


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseFit:
    """The model that was asked for as it fitted, and NBD beside it where leaving cannot be seen in the data."""

    model: PurchaseModel
    fit: Fit
    fallback: Fit | None

    @property
    def degenerate(self) -> bool:
        """Say whether the model's P(alive) would be a guess."""
        return self.fallback is not None

    @property
    def standard_errors(self) -> Vector | None:
        """Return the standard errors of the model asked for, none when it is degenerate."""
        return None if self.degenerate else self.fit.standard_errors

    @property
    def estimate(self) -> Estimate:
        """Return what to forecast with: the model, or NBD in its place."""
        if self.fallback is not None:
            return Estimate(NBD, self.fallback.parameters, self.fallback.log_covariance)
        return Estimate(self.model, self.fit.parameters, self.fit.log_covariance)

    @property
    def warnings(self) -> list[str]:
        """Return the codes of what a reader of the figures must know."""
        codes = []
        if self.degenerate:
            codes.append("DEGENERATE")
        elif self.model.alive_is_certain_without_repeat:
            codes.append("ALIVE_NOT_IDENTIFIED")
        if not self.fit.converged:
            codes.append("NOT_CONVERGED")
        return codes


def fit_purchases(model: PurchaseModel, rows: DistinctRows) -> PurchaseFit:
    """Fit ``model`` to all customers of ``rows``.

    Raises ``NoRepeats`` when nobody bought on a second day.
    """
    if not np.any(rows.frequency > 0):
        raise NoRepeats(customers=int(rows.count.sum()))
    fit = _fit(model, rows)
    if not model.dropout_names:
        return PurchaseFit(model=model, fit=fit, fallback=None)
    plain = _fit(NBD, rows)
    explained = 2 * (fit.log_likelihood - plain.log_likelihood)
    at_edge = set(fit.at_edge) & set(model.dropout_names)
    return PurchaseFit(model=model, fit=fit, fallback=plain if at_edge or explained < LEAST_GAIN else None)


def _fit(model: PurchaseModel, rows: DistinctRows) -> Fit:
    return maximise(
        model.objective(rows),
        names=model.parameter_names,
        start=model.start(rows),
        customers=float(rows.count.sum()),
    )
