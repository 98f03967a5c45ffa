"""Lifetime value in the API: every field is a column, so it compiles into the statement that reads the customer."""

from datetime import datetime
from decimal import Decimal

import strawberry
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars import (
    Connection,
    JobPayload,
    Money,
    MutationInput,
    RequestContext,
    column,
    connection,
    mutation,
    object_type,
    relation,
    start_job,
)
from regulars_clv.models import ClvModel, ClvScore

__all__ = ["ClvMutations", "ClvNode", "ClvQueries", "CustomerClv"]

CLV_READ = "clv:read"


@object_type(
    ClvScore,
    name="Clv",
    permission=CLV_READ,
    description="What a customer is expected to bring in, as a range, with the model and the day behind it. (clv)",
)
class ClvNode:
    """What a customer is expected to bring in."""

    value: Money | None = column(
        ClvScore.value,
        currency=ClvScore.currency,
        description="Expected profit of the horizon, discounted to today; null when it cannot be told.",
        filterable=True,
        sortable=True,
    )
    low: Money | None = column(
        ClvScore.low, currency=ClvScore.currency, description="In 95 of 100 futures it is at least this.", sortable=True
    )
    high: Money | None = column(
        ClvScore.high, currency=ClvScore.currency, description="In 95 of 100 futures it is at most this.", sortable=True
    )
    level: float = column(ClvScore.level, description="How many of all futures lie between `low` and `high`.")
    future_value: Money | None = column(
        ClvScore.value,
        currency=ClvScore.currency,
        description="The same as `value`, by its name in the sum of `netValue`.",
    )
    past_profit: Money | None = column(
        ClvScore.past_profit,
        currency=ClvScore.currency,
        description="What they have brought in so far, less refunds and costs; negative where true.",
        filterable=True,
        sortable=True,
    )
    acquisition_cost: Money | None = column(
        ClvScore.acquisition_cost, currency=ClvScore.currency, description="What it cost to win them; null: not known."
    )
    net_value: Money | None = column(
        ClvScore.net_value,
        currency=ClvScore.currency,
        description="Past profit and future value, less the cost of winning them.",
        filterable=True,
        sortable=True,
    )
    tier: str | None = column(
        ClvScore.tier, description="The tier by percentile of value; names are the company's own.", filterable=True
    )
    percentile: float | None = column(
        ClvScore.percentile, description="How many of 100 customers are worth at most as much.", filterable=True
    )
    p_alive: float | None = column(
        ClvScore.p_alive,
        description="The probability that they have not left; null when the data cannot tell.",
        filterable=True,
        sortable=True,
    )
    expected_orders: float = column(
        ClvScore.expected_orders, description="Purchase days expected in the horizon.", filterable=True, sortable=True
    )
    expected_order_value: Money | None = column(
        ClvScore.expected_order_value, currency=ClvScore.currency, description="What each is expected to amount to."
    )
    horizon_months: int = column(ClvScore.horizon_months, description="How many months ahead.")
    discount_rate: Decimal = column(ClvScore.discount_rate, description="What a month's delay takes off, as a share.")
    model_version: str = column(ClvScore.model_version, description="The fit behind it.", filterable=True)
    as_of: datetime = column(ClvScore.as_of, description="When it was computed.", filterable=True)
    stale: bool = column(
        ClvScore.is_stale, description="Whether something happened since that it does not know.", filterable=True
    )
    warnings: list[str] = column(ClvScore.warnings, description="Codes of what a reader must know.")


@strawberry.type
class CustomerClv:
    """What customers gain by clv."""

    clv: ClvNode | None = relation(
        ClvScore.customer_id,
        permission=CLV_READ,
        description="What they are expected to bring in; null for whoever never bought. (clv)",
    )


@object_type(
    ClvModel, name="ClvModel", permission=CLV_READ, description="One fit of a model to the company's purchases. (clv)"
)
class ClvModelNode:
    """One fit of a model."""

    version: str = column(ClvModel.version, description="Its name in `modelVersion`.", filterable=True)
    name: str = column(ClvModel.name, description="mbgnbd, bgnbd, paretonbd or nbd.", filterable=True)
    currency: str = column(ClvModel.currency, description="The currency of the purchases.")
    data_until: datetime = column(ClvModel.data_until, description="The end of the last day that it has seen.")
    customers: int = column(ClvModel.customers, description="How many customers it was fitted to.")
    repeaters: int = column(ClvModel.repeaters, description="How many of them bought again.")
    log_likelihood: float = column(ClvModel.log_likelihood, description="The sum over all customers, in weeks.")
    is_degenerate: bool = column(ClvModel.is_degenerate, description="Whether leaving cannot be seen in the data.")
    report: JSON = column(ClvModel.report, description="Parameters, standard errors and covariance.")
    settings: JSON = column(ClvModel.settings, description="The settings that it was made with.")
    warnings: list[str] = column(ClvModel.warnings, description="Codes of what a reader must know.")
    fitted_at: datetime = column(ClvModel.fitted_at, description="When it was fitted.", sortable=True)
    activated_at: datetime | None = column(ClvModel.activated_at, description="When its scores took force.")


@strawberry.type
class ClvQueries:
    """What can be asked about lifetime value."""

    clv_models: Connection[ClvModelNode] | None = connection(
        permission=CLV_READ, description="Fits, the newest first. (clv)", order_by=[col(ClvModel.fitted_at).desc()]
    )


@strawberry.input(description="A fit to start.")
class ClvModelFitInput(MutationInput):
    """A fit to start."""

    key: str | None = strawberry.field(default=None, description="The same key gives the same job, started once.")


@strawberry.type
class ClvMutations:
    """What can be changed about lifetime value."""

    @mutation(permission="clv:manage", description="Fit the model anew and score everybody, in the background. (clv)")
    async def clv_model_fit(self, info: Info[RequestContext, None], input: ClvModelFitInput) -> JobPayload | None:
        """Fit the model anew."""
        return await start_job(info.context, kind="clv.fit", key=input.key)
