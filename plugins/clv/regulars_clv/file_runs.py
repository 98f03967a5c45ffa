"""Prepare, fit, score and validate from files alone: no database, no network, no stored parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from regulars_clv.choice import choose_model
from regulars_clv.database_runs import database_transactions
from regulars_clv.errors import NoUsableRow
from regulars_clv.gamma_gamma import PARAMETER_NAMES, fit_spend, spend_warnings
from regulars_clv.history import History, Vector, compress
from regulars_clv.preparation import PERIOD_DAYS, prepare
from regulars_clv.purchase_fit import Estimate, fit_purchases
from regulars_clv.purchase_model import PurchaseModel
from regulars_clv.rejections import ExcludedCustomer, RejectedRow, refuse_too_many
from regulars_clv.reports import (
    Report,
    choice_report,
    cohort_report,
    customers_report,
    fit_report,
    left_out,
    scores_report,
    validation_report,
)
from regulars_clv.sbg import fit_cohort, read_cohort
from regulars_clv.scoring import Horizon, score_customers
from regulars_clv.summary import read_summary
from regulars_clv.transactions import Transactions, read_transactions
from regulars_clv.validation import validate
from regulars_clv.value import DAYS_PER_MONTH

__all__ = ["GivenParameters", "Source", "fit_cohort_file", "fit_file", "prepare_file", "score_file", "validate_file"]

MONTHS_AHEAD = 12


@dataclass(frozen=True, slots=True)
class Source:
    """A file of transactions or of prepared customers, and how to read it; ``path`` of None is the company's database.

    Without ``calibration_end`` the cut is the newest day. ``today`` is the last day that can have happened.
    """

    path: Path | None
    is_summary: bool
    period: str
    today: date
    calibration_end: date | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class GivenParameters:
    """Parameters that the caller knows: of the model of purchases and, optionally, p, q, v of Gamma-Gamma."""

    purchases: Mapping[str, float]
    spend: Mapping[str, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Customers:
    transactions: Transactions | None
    customer_ids: tuple[str, ...]
    history: History
    rejected: tuple[RejectedRow, ...]
    excluded: tuple[ExcludedCustomer, ...]
    rows: int
    calibration_end: date | None
    currency: str | None


def prepare_file(source: Source) -> Report:
    """Return every customer's numbers, the rows that were rejected and the customers that were left out."""
    transactions = _transactions(source)
    cut = source.calibration_end or transactions.last_day
    prepared = prepare(transactions, period_days=PERIOD_DAYS[source.period], calibration_end=cut)
    return {
        "period": source.period,
        "calibration_end": cut.isoformat(),
        "currency": transactions.currency,
        "customers": customers_report(prepared),
        **left_out(transactions.rejected, prepared.excluded),
    }


def fit_cohort_file(path: Path, *, most_rejected: float) -> Report:
    """Return the parameters of sBG that fit a cohort under contract.

    Raises ``NoUsableRow``, ``SurvivorsRise``, ``TooManyRejected``, ``NobodyRenewed`` and what reading raises.
    """
    cohort = read_cohort(path)
    refuse_too_many(cohort.rejected, rows=cohort.rows, allowed_share=most_rejected)
    return {"model": "sbg", **cohort_report(cohort, fit_cohort(cohort)), **left_out(cohort.rejected), "warnings": []}


def fit_file(source: Source, *, model: PurchaseModel | None, most_rejected: float) -> Report:
    """Return the parameters that fit the customers of a file; without a ``model`` a holdout chooses it.

    Raises ``NoUsableRow``, ``TooManyRejected``, ``NoRepeats`` and what reading raises.
    """
    customers = _customers(source)
    refuse_too_many(customers.rejected, rows=customers.rows, allowed_share=most_rejected)
    wanted, choice = _wanted(model, source, customers.transactions, cut=customers.calibration_end)
    fit, spend = fit_purchases(wanted, compress(customers.history)), fit_spend(customers.history)
    return {
        "model": wanted.name,
        **choice,
        "period": source.period,
        "calibration_end": _iso(customers.calibration_end),
        "currency": customers.currency,
        "customers": len(customers.customer_ids),
        "repeaters": int(np.count_nonzero(customers.history.frequency)),
        **fit_report(fit, spend),
        **left_out(customers.rejected, customers.excluded),
        "warnings": [*fit.warnings, *spend_warnings(spend)],
    }


def score_file(
    source: Source,
    *,
    model: PurchaseModel | None,
    given: GivenParameters | None,
    periods: float | None,
    discount_per_month: float,
    margin: float,
) -> Report:
    """Return what to expect of every customer of a file over ``periods`` (a year by default).

    The model is fitted to the file unless its parameters are ``given``; so is the model of spending. Without a
    ``model`` a holdout chooses it.
    """
    customers = _customers(source)
    wanted, choice = _wanted(model, source, customers.transactions, cut=customers.calibration_end)
    estimate, warnings = _estimate(wanted, customers.history, given)
    spend, about_spend = _spend(customers.history, given)
    period_days = PERIOD_DAYS[source.period]
    ahead = MONTHS_AHEAD * DAYS_PER_MONTH / period_days if periods is None else periods
    horizon = Horizon(periods=ahead, period_days=period_days, discount_per_month=discount_per_month)
    scores = score_customers(estimate, spend, customers.history, horizon=horizon, margin=margin)
    return {
        "model": estimate.model.name,
        **choice,
        "parameters": dict(zip(estimate.model.parameter_names, estimate.parameters.tolist(), strict=True)),
        "period": source.period,
        "calibration_end": _iso(customers.calibration_end),
        "currency": customers.currency,
        "horizon_periods": ahead,
        "discount_per_month": discount_per_month,
        "margin": margin,
        "level": scores.purchases.level,
        "scores": scores_report(customers.customer_ids, scores),
        **left_out(customers.rejected, customers.excluded),
        "warnings": [*warnings, *about_spend],
    }


def validate_file(
    source: Source,
    *,
    model: PurchaseModel | None,
    calibration_end: date,
    holdout_end: date | None,
    most_rejected: float,
) -> Report:
    """Return how well a fit on the days until ``calibration_end`` foretold the days until ``holdout_end``."""
    transactions = _transactions(source)
    refuse_too_many(transactions.rejected, rows=transactions.rows, allowed_share=most_rejected)
    end = holdout_end or transactions.last_day
    wanted, choice = _wanted(model, source, transactions, cut=calibration_end)
    checked = validate(
        wanted,
        transactions,
        period_days=PERIOD_DAYS[source.period],
        calibration_end=calibration_end,
        holdout_end=end,
    )
    worse = ["CLV_WORSE_THAN_NAIVE"] if checked.worse_than_naive else []
    return {
        "model": wanted.name,
        **choice,
        "period": source.period,
        "calibration_end": calibration_end.isoformat(),
        "holdout_end": end.isoformat(),
        "currency": transactions.currency,
        **validation_report(checked),
        **left_out(transactions.rejected, checked.prepared.excluded),
        "warnings": [*checked.fit.warnings, *spend_warnings(checked.spend), *worse],
    }


def _transactions(source: Source) -> Transactions:
    if source.path is None:
        transactions = database_transactions(currency=source.currency, today=source.today)
    else:
        transactions = read_transactions(source.path, today=source.today, currency=source.currency)
    if not len(transactions.day):
        raise NoUsableRow(rejected=len(transactions.rejected))
    return transactions


def _customers(source: Source) -> _Customers:
    if source.is_summary and source.path is not None:
        summary = read_summary(source.path)
        return _Customers(
            None,
            summary.customer_ids,
            summary.history,
            summary.rejected,
            (),
            summary.rows,
            source.calibration_end,
            None,
        )
    transactions = _transactions(source)
    cut = source.calibration_end or transactions.last_day
    prepared = prepare(transactions, period_days=PERIOD_DAYS[source.period], calibration_end=cut)
    return _Customers(
        transactions,
        prepared.customer_ids,
        prepared.history,
        transactions.rejected,
        prepared.excluded,
        transactions.rows,
        cut,
        transactions.currency,
    )


def _wanted(
    model: PurchaseModel | None, source: Source, transactions: Transactions | None, *, cut: date | None
) -> tuple[PurchaseModel, Report]:
    """Return the model that was asked for, or the one that a holdout of the transactions speaks for, and why."""
    if model is not None:
        return model, {}
    if transactions is None or cut is None:
        raise NoUsableRow
    choice = choose_model(transactions, period_days=PERIOD_DAYS[source.period], calibration_end=cut)
    return choice.model, {"choice": choice_report(choice)}


def _estimate(model: PurchaseModel, history: History, given: GivenParameters | None) -> tuple[Estimate, list[str]]:
    if given is None:
        fit = fit_purchases(model, compress(history))
        return fit.estimate, fit.warnings
    parameters = np.array([given.purchases[name] for name in model.parameter_names])
    warnings = ["ALIVE_NOT_IDENTIFIED"] if model.alive_is_certain_without_repeat else []
    return Estimate(model, parameters), warnings


def _spend(history: History, given: GivenParameters | None) -> tuple[Vector | None, list[str]]:
    if given is not None and given.spend is not None:
        return np.array([given.spend[name] for name in PARAMETER_NAMES]), []
    spend = fit_spend(history)
    return None if spend is None else spend.fit.parameters, spend_warnings(spend)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
