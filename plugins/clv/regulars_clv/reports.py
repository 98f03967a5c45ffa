"""Lay out what the commands print: one object each, with the names that the documentation promises."""

from collections.abc import Iterable, Mapping, Sequence

from regulars_clv.accuracy import Accuracy
from regulars_clv.choice import Choice
from regulars_clv.fitting import Fit
from regulars_clv.gamma_gamma import SpendFit
from regulars_clv.history import Vector
from regulars_clv.preparation import Prepared
from regulars_clv.purchase_fit import DEGENERATE_REASON, PurchaseFit
from regulars_clv.rejections import ExcludedCustomer, RejectedRow
from regulars_clv.sbg import Cohort, survival
from regulars_clv.scoring import Scores
from regulars_clv.validation import Validation

__all__ = [
    "Report",
    "choice_report",
    "cohort_report",
    "customers_report",
    "fit_report",
    "left_out",
    "scores_report",
    "validation_report",
]

Report = dict[str, object]


def customers_report(prepared: Prepared) -> list[Report]:
    """Return the numbers of every customer."""
    history = prepared.history
    rows = zip(
        prepared.customer_ids,
        history.frequency.tolist(),
        history.recency.tolist(),
        history.age.tolist(),
        history.monetary_value.tolist(),
        prepared.refund_amount.tolist(),
        strict=True,
    )
    return [
        {
            "customer_id": customer_id,
            "frequency": int(frequency),
            "recency": recency,
            "T": age,
            "monetary_value": mean,
            "refund_amount": refunded,
        }
        for customer_id, frequency, recency, age, mean, refunded in rows
    ]


def fit_report(fit: PurchaseFit, spend: SpendFit | None) -> Report:
    """Return what a fit found; the figures on top stay those of the model asked for."""
    own, fallback = fit.fit, fit.fallback
    return {
        "parameters": _named(own, own.parameters),
        "standard_errors": _named(own, fit.standard_errors),
        "covariance": None if fit.degenerate or own.covariance is None else own.covariance.tolist(),
        "log_likelihood": own.log_likelihood,
        "converged": own.converged,
        "degenerate": fit.degenerate,
        "degenerate_reason": DEGENERATE_REASON if fit.degenerate else None,
        "fallback": None
        if fallback is None
        else {
            "model": fit.estimate.model.name,
            "parameters": _named(fallback, fallback.parameters),
            "log_likelihood": fallback.log_likelihood,
        },
        "gamma_gamma": None if spend is None else _spend_report(spend),
    }


def cohort_report(cohort: Cohort, fit: Fit) -> Report:
    """Return what a fit of a cohort found, with the survivors that it expects beside those there were."""
    renewals = cohort.period - cohort.period[0]
    expected = cohort.survivors[0] * survival(fit.parameters, renewals)
    rows = zip(cohort.period.tolist(), cohort.survivors.tolist(), expected.tolist(), strict=True)
    return {
        "customers": int(cohort.survivors[0]),
        "parameters": _named(fit, fit.parameters),
        "standard_errors": _named(fit, fit.standard_errors),
        "covariance": None if fit.covariance is None else fit.covariance.tolist(),
        "log_likelihood": fit.log_likelihood,
        "converged": fit.converged,
        "degenerate": bool(fit.at_edge),
        "degenerate_reason": DEGENERATE_REASON if fit.at_edge else None,
        "survivors": [
            {"period": int(period), "actual": actual, "expected": predicted} for period, actual, predicted in rows
        ],
    }


def choice_report(choice: Choice) -> Report:
    """Return why a model was chosen, and how the candidates did."""
    return {
        "reason": choice.reason,
        "candidates": [
            {
                "model": each.name,
                "mae": each.mae,
                "decile_mape": each.decile_mape,
                "total_ratio": each.total_ratio,
                "degenerate": each.degenerate,
            }
            for each in choice.candidates
        ],
    }


def scores_report(customer_ids: Sequence[str], scores: Scores) -> list[Report]:
    """Return the scores of every customer; ``low`` and ``high`` bound the number of purchases."""
    nothing: list[float | None] = [None] * len(customer_ids)
    alive = nothing if scores.probability_alive is None else scores.probability_alive.tolist()
    rows = zip(
        customer_ids,
        alive,
        scores.expected_purchases.tolist(),
        scores.purchases.low.tolist(),
        scores.purchases.high.tolist(),
        nothing if scores.value is None else scores.value.tolist(),
        scores.log_likelihood.tolist(),
        scores.alive_is_certain.tolist(),
        strict=True,
    )
    return [
        {
            "customer_id": customer_id,
            "p_alive": p_alive,
            "expected_purchases": expected,
            "low": int(low),
            "high": int(high),
            "value": value,
            "log_likelihood": log_likelihood,
            "warnings": ["ALIVE_NOT_IDENTIFIED"] if certain else [],
        }
        for customer_id, p_alive, expected, low, high, value, log_likelihood, certain in rows
    ]


def validation_report(checked: Validation) -> Report:
    """Return how the model and the naive rule did, in purchases and in money."""
    name, others = checked.fit.model.name, checked.non_repeaters
    value: Report = {"naive_past_rate_x_past_mean": _accuracy_report(checked.naive_value)}
    if checked.value is not None:
        value = {f"{name}_x_gamma_gamma": _accuracy_report(checked.value), **value}
    return {
        "horizon_periods": checked.periods,
        "customers": len(checked.prepared.customer_ids),
        "degenerate": checked.fit.degenerate,
        "actual_purchases": checked.actual_purchases,
        "actual_amount": checked.actual_amount,
        "counts": {
            name: _accuracy_report(checked.counts),
            "naive_past_rate": _accuracy_report(checked.naive_counts),
        },
        "value": value,
        "zero_repeaters": {"share": others.share, "actual": others.actual, name: others.predicted},
    }


def left_out(
    rejected: Iterable[RejectedRow] = (), excluded: Iterable[ExcludedCustomer] = ()
) -> Mapping[str, list[Report]]:
    """Return the rows and customers that were not used, with the reason of each."""
    return {
        "rejected": [{"line": row.line, "code": row.code} for row in rejected],
        "excluded": [{"customer_id": one.customer_id, "code": one.code} for one in excluded],
    }


def _spend_report(spend: SpendFit) -> Report:
    return {
        "parameters": _named(spend.fit, spend.fit.parameters),
        "standard_errors": _named(spend.fit, spend.fit.standard_errors),
        "log_likelihood": spend.fit.log_likelihood,
        "customers": spend.customers,
        "correlation": spend.correlation,
    }


def _named(fit: Fit, values: Vector | None) -> dict[str, float] | None:
    return None if values is None else dict(zip(fit.names, values.tolist(), strict=True))


def _accuracy_report(accuracy: Accuracy) -> Report:
    return {
        "total_ratio": accuracy.total_ratio,
        "mae": accuracy.mae,
        "rmse": accuracy.rmse,
        "normalised_gini": accuracy.normalised_gini,
        "decile_mape": accuracy.decile_mape,
        "coverage": accuracy.coverage,
        "width": accuracy.width,
        "deciles": {"actual": list(accuracy.actual_by_decile), "predicted": list(accuracy.predicted_by_decile)},
    }
