"""Fit a model to the company's own purchases, score everybody by it, and let the scores take force at once."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import Customer, JobRun, Touchpoint
from regulars_clv.catalogue import MODELS
from regulars_clv.errors import NobodyBought
from regulars_clv.models import ClvModel, ClvPastScore, ClvScore, ClvStagedScore, ScoreColumns
from regulars_clv.purchases import Ledger, end_of_day, read_ledger
from regulars_clv.reports import fit_report
from regulars_clv.scores import unwilling
from regulars_clv.settings import ClvSettings
from regulars_clv.valuation import FittedModel, Valuation, fit_models, value_customers

__all__ = ["fit_and_score"]

BATCH = 2_000
LEVEL = 0.9
SCORE_FIELDS = tuple(ScoreColumns.model_fields)


async def fit_and_score(run: JobRun) -> Mapping[str, Any]:
    """Fit the model of the settings to all purchases until yesterday, and score every customer who ever bought.

    The old scores hold until the new ones are complete. A run that was killed goes on with the fit's data read anew and
    leaves no half-written scores. Raises ``NobodyBought`` or ``NoRepeats`` when there is nothing to learn from.
    """
    settings = run.settings_as(ClvSettings)
    currency = settings.currency or run.company.currency
    until = _yesterday(run.clock.now(), run.company.time_zone)
    await run.progress(0, None, "Reading purchases")
    as_of = run.clock.now()
    async with run.reading() as session:
        ledger = await read_ledger(session, currency=currency, time_zone=run.company.time_zone, until=until)
    if not ledger.customer_ids:
        raise NobodyBought(currency=currency, until=until)
    total = len(ledger.customer_ids)
    await run.progress(0, total, f"Fitting {settings.model} to {total} customers")
    fitted, valuation = await run.in_thread(_fit_and_value, settings, ledger)
    version = await _add_model(run, settings, currency, ledger, fitted)
    rows = _rows(ledger, valuation, settings=settings, currency=currency, version=version, as_of=as_of)
    for first in range(0, total, BATCH):
        async with run.writing() as session:
            await session.execute(
                insert(ClvStagedScore), [{"run": version, **row} for row in rows[first : first + BATCH]]
            )
        await run.progress(min(first + BATCH, total), total, "Scoring")
    async with run.writing() as session:
        unseen_from = end_of_day(until, run.company.time_zone)
        await _take_force(session, version, as_of=as_of, unseen_from=unseen_from, now=run.clock.now())
        await _remember(session, month=until.strftime("%Y-%m"))
    return {"modelVersion": version, "customers": total, "repeaters": int((ledger.history.frequency > 0).sum())}


def _fit_and_value(settings: ClvSettings, ledger: Ledger) -> tuple[FittedModel, Valuation]:
    fitted = fit_models(MODELS[settings.model], ledger)
    return fitted, value_customers(fitted, ledger, settings)


def _yesterday(now: datetime, time_zone: str) -> date:
    return now.astimezone(ZoneInfo(time_zone)).date() - timedelta(days=1)


async def _add_model(run: JobRun, settings: ClvSettings, currency: str, ledger: Ledger, fitted: FittedModel) -> str:
    """Write the model once for each job, also when the job is attempted again; return its version."""
    now, report = run.clock.now(), fit_report(fitted.purchases, fitted.spend)
    async with run.writing() as session:
        await session.execute(delete(ClvStagedScore))
        if run.checkpoint is not None:
            return str(run.checkpoint["version"])
        number = (await session.scalar(select(func.count()).select_from(ClvModel))) or 0
        version = f"{settings.model}-{number + 1}"
        session.add(
            ClvModel(
                version=version,
                name=settings.model,
                currency=currency,
                data_until=end_of_day(ledger.until, run.company.time_zone),
                customers=len(ledger.customer_ids),
                repeaters=int((ledger.history.frequency > 0).sum()),
                log_likelihood=fitted.purchases.fit.log_likelihood,
                is_degenerate=fitted.purchases.degenerate,
                report=report,
                settings=settings.model_dump(),
                warnings=fitted.warnings,
                fitted_at=now,
            )
        )
        await run.save_checkpoint({"version": version})
    return version


def _rows(
    ledger: Ledger, valuation: Valuation, *, settings: ClvSettings, currency: str, version: str, as_of: datetime
) -> list[dict[str, Any]]:
    columns = zip(
        ledger.customer_ids,
        *(
            each.tolist()
            for each in (
                valuation.value,
                valuation.low,
                valuation.high,
                valuation.past_profit,
                ledger.acquisition,
                valuation.net_value,
                valuation.percentile,
                valuation.alive,
                valuation.orders,
                valuation.order_value,
                valuation.is_overdue,
            )
        ),
        valuation.tier,
        strict=True,
    )
    shared = {
        "currency": currency,
        "level": LEVEL,
        "horizon_months": settings.horizon_months,
        "discount_rate": Decimal(str(settings.discount_per_month)),
        "model_version": version,
        "as_of": as_of,
        "warnings": list(valuation.warnings),
    }
    return [
        {
            **shared,
            "customer_id": id,
            "value": _amount(value),
            "low": _amount(low),
            "high": _amount(high),
            "past_profit": _amount(past),
            "acquisition_cost": _amount(acquisition),
            "net_value": _amount(net),
            "percentile": _told(percentile),
            "p_alive": _told(alive),
            "expected_orders": orders,
            "expected_order_value": _amount(order_value),
            "is_overdue": overdue,
            "tier": tier,
        }
        for id, value, low, high, past, acquisition, net, percentile, alive, orders, order_value, overdue, tier in (
            columns
        )
    ]


def _amount(number: float) -> Decimal | None:
    return Decimal(f"{number:.2f}") if np.isfinite(number) else None


def _told(number: float) -> float | None:
    return number if np.isfinite(number) else None


async def _take_force(
    session: AsyncSession, version: str, *, as_of: datetime, unseen_from: datetime, now: datetime
) -> None:
    """Let the staged scores take the place of all others; stale from the start is what the model could not see."""
    columns = ["customer_id", *SCORE_FIELDS]
    is_unseen = or_(col(Touchpoint.occurred_at) >= unseen_from, col(Touchpoint.received_at) > as_of)
    is_stale = or_(
        exists().where(col(Touchpoint.customer_id) == col(Customer.id), is_unseen),
        col(Customer.updated_at) > as_of,  # somebody may have become part of them meanwhile
    )
    staged = (
        select(*(getattr(ClvStagedScore, name) for name in columns), is_stale)
        .join(Customer, col(Customer.id) == col(ClvStagedScore.customer_id))
        .where(
            col(ClvStagedScore.run) == version,
            col(Customer.merged_into_id).is_(None),
            *(col(Customer.id).not_in(customers) for customers in unwilling()),  # some may have opted out meanwhile
        )
    )
    await session.execute(delete(ClvScore))
    await session.execute(insert(ClvScore).from_select([*columns, "is_stale"], staged))
    await session.execute(delete(ClvStagedScore))
    await session.execute(update(ClvModel).where(col(ClvModel.version) == version).values(activated_at=now))


async def _remember(session: AsyncSession, *, month: str) -> None:
    """Keep of each customer the last scores of the month, in place of those that the month had already."""
    shown = ["currency", "low", "high", "horizon_months", "model_version", "as_of"]
    current = select(col(ClvScore.customer_id), literal(month), *(getattr(ClvScore, name) for name in shown))
    await session.execute(delete(ClvPastScore).where(col(ClvPastScore.month) == month))
    await session.execute(insert(ClvPastScore).from_select(["customer_id", "month", *shown], current))
