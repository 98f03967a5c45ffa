"""Find the parameters under which the observed purchases are most likely, and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from regulars_clv.history import Vector
from regulars_clv.purchase_model import Matrix, Objective

__all__ = ["Fit", "draw_parameters", "maximise"]

# A parameter further out than this is not an estimate any more: the data push it to zero or infinity.
OUTERMOST_LOG = 12.0
EDGE_LOG = float(np.log(1e4))
# Nor is one that may as well be a hundred times larger or smaller, or that another one can make up for.
WIDEST_LOG_ERROR = 5.0
FLAT = 1e-9
# Below noise on ten million customers the search would only wander (77 evaluations instead of 24, measured).
RELATIVE_TOLERANCE = 1e-12
GRADIENT_STEP = 1e-5
POLISHED_GRADIENT = 1e-9
MOST_POLISHING_STEPS = 4
# Over so small a change of the logarithms the curvature stays the same to four digits.
NEGLIGIBLE_STEP = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The most likely parameters, in the order of ``names``.

    ``log_likelihood`` is the sum over all customers. ``log_covariance`` belongs to the logarithms of the parameters;
    it and ``standard_errors`` (delta method) are ``None`` where the data do not determine every parameter.
    ``at_edge`` names the parameters that ran towards zero or infinity, or that the data leave open.
    """

    names: tuple[str, ...]
    parameters: Vector
    log_likelihood: float
    log_covariance: Matrix | None
    converged: bool
    at_edge: tuple[str, ...]
    evaluations: int

    @property
    def standard_errors(self) -> Vector | None:
        """Return one standard error per parameter, in the parameter's own unit."""
        if self.log_covariance is None:
            return None
        return np.asarray(self.parameters * np.sqrt(np.diag(self.log_covariance)))

    @property
    def covariance(self) -> Matrix | None:
        """Return the covariance of the parameters in their own units, by the delta method."""
        if self.log_covariance is None:
            return None
        return np.asarray(self.log_covariance * np.outer(self.parameters, self.parameters))


def maximise(objective: Objective, *, names: Sequence[str], start: Vector, customers: float) -> Fit:
    """Return the parameters that maximise ``objective``, searched in their logarithms from ``start``.

    ``customers`` scales the search, so that its tolerances mean the same for a hundred customers and ten million.
    """
    counted = _Counted(objective)

    def descend(log_parameters: Vector) -> tuple[float, Vector]:
        value, gradient = counted(log_parameters)
        return -value / customers, -gradient / customers

    origin = np.log(start)
    found = optimize.minimize(
        descend,
        origin,
        jac=True,
        method="L-BFGS-B",
        bounds=[(at - OUTERMOST_LOG, at + OUTERMOST_LOG) for at in origin],
        options={"ftol": RELATIVE_TOLERANCE, "gtol": 1e-8, "maxiter": 1000, "maxcor": 20},
    )
    best, log_likelihood, information = _polish(counted, np.asarray(found.x), customers=customers)
    undetermined = (np.abs(best - origin) > EDGE_LOG) | _undetermined(information)
    _, gradient = counted(best)
    return Fit(
        names=tuple(names),
        parameters=np.exp(best),
        log_likelihood=log_likelihood,
        log_covariance=None if undetermined.any() else _inverse(information),
        converged=bool(not undetermined.any() and np.max(np.abs(gradient)) / customers < 1e-6),
        at_edge=tuple(name for name, lost in zip(names, undetermined, strict=True) if lost),
        evaluations=counted.evaluations,
    )


def draw_parameters(
    parameters: Vector, log_covariance: Matrix | None, *, draws: int, generator: np.random.Generator
) -> Matrix:
    """Return plausible parameters, shape (draws, parameters): log-normal around the estimate, by its covariance.

    Without a covariance every draw is the estimate itself.
    """
    if log_covariance is None:
        return np.tile(parameters, (draws, 1))
    logs = generator.multivariate_normal(np.log(parameters), log_covariance, size=draws, method="cholesky")
    return np.asarray(np.exp(logs))


class _Counted:
    def __init__(self, objective: Objective) -> None:
        self.objective, self.evaluations = objective, 0

    def __call__(self, log_parameters: Vector) -> tuple[float, Vector]:
        self.evaluations += 1
        return self.objective(log_parameters)


def _polish(objective: Objective, at: Vector, *, customers: float) -> tuple[Vector, float, Matrix]:
    """Take Newton steps to the top while they climb; return the top, its height and the information there."""
    height, gradient = objective(at)
    information = _information(objective, at)
    for _ in range(MOST_POLISHING_STEPS):
        covariance = _inverse(information)
        if covariance is None or np.max(np.abs(gradient)) / customers < POLISHED_GRADIENT:
            break
        reached = at + covariance @ gradient
        higher, flatter = objective(reached)
        if not (np.max(np.abs(flatter)) < np.max(np.abs(gradient)) and np.max(np.abs(reached - at)) < 1.0):
            break
        far = np.max(np.abs(reached - at)) > NEGLIGIBLE_STEP
        at, height, gradient = reached, higher, flatter
        information = _information(objective, at) if far else information
    return at, height, information


def _information(objective: Objective, at: Vector) -> Matrix:
    """Return the negative Hessian, by central differences of the analytic gradient."""
    steps = GRADIENT_STEP * np.eye(len(at))
    slopes = np.array([objective(at - step)[1] - objective(at + step)[1] for step in steps]) / (2 * GRADIENT_STEP)
    return np.asarray((slopes + slopes.T) / 2)


def _undetermined(information: Matrix) -> NDArray[np.bool_]:
    """Say of each parameter whether the data leave it open, such as two that may grow together without end."""
    if not np.all(np.isfinite(information)):
        return np.ones(len(information), dtype=np.bool_)
    scale = np.sqrt(np.abs(np.diag(information)))
    if np.any(scale == 0.0):
        return np.asarray(scale == 0.0)
    spectrum, directions = np.linalg.eigh(information / np.outer(scale, scale))
    flat = spectrum < FLAT
    if flat.any():
        return np.asarray((np.abs(directions[:, flat]) > 0.5).any(axis=1))
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(information))) > WIDEST_LOG_ERROR)


def _inverse(information: Matrix) -> Matrix | None:
    """Return the covariance, or ``None`` where some direction of the parameters is not determined."""
    if not np.all(np.isfinite(information)):
        return None
    scale = np.sqrt(np.abs(np.diag(information)))
    if np.any(scale == 0.0):
        return None
    spectrum = np.linalg.eigvalsh(information / np.outer(scale, scale))
    if spectrum[0] < FLAT:
        return None
    return np.asarray(np.linalg.inv(information), dtype=np.float64)
