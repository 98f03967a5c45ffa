"""The hooks of the stamps plugin."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import func, select
from sqlmodel import col

from regulars import Customer, FieldContext, GraphQLPart, Touchpoint, batch, column, hookimpl

__all__ = ["graphql"]

READ = "customers:read"


async def _labels(parents: Sequence[Mapping[str, Any]], _context: FieldContext) -> list[str]:
    return [f"{parent['language']}: {parent['display_name'][-4:]}" for parent in parents]


@strawberry.type
class CustomerStamps:
    """What customers gain by stamps."""

    last_stamp_at: datetime | None = column(
        select(func.max(col(Touchpoint.occurred_at)))
        .where(col(Touchpoint.customer_id) == col(Customer.id))
        .correlate(Customer)
        .scalar_subquery(),
        permission=READ,
        description="When their card was stamped last. (stamps)",
    )
    stamp_label: str | None = batch(
        _labels,
        requires=[Customer.language, Customer.display_name],
        permission=READ,
        description="What stands on their card. (stamps)",
    )


@hookimpl
def graphql() -> GraphQLPart:
    """Add both fields to every customer."""
    return GraphQLPart(fields={"Customer": CustomerStamps})
