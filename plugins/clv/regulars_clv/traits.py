"""The facts about customers that clv offers to segments, pilots and other plugins."""

from typing import Any

from sqlmodel import col

from regulars import Trait
from regulars_clv.models import ClvScore

__all__ = ["TRAITS"]


def _inferred(name: str, title: str, type: Any, column: Any, *, sortable: bool = False) -> Trait:
    return Trait(
        key=f"clv.{name}",
        title=title,
        type=type,
        provenance="observed" if name == "past_profit" else "inferred",
        column=col(column),
        customer_id=col(ClvScore.customer_id),
        as_of=col(ClvScore.as_of),
        permission="clv:read",
        sortable=sortable,
    )


TRAITS = (
    _inferred("value", "Expected profit of the coming months", "number", ClvScore.value, sortable=True),
    _inferred("tier", "Tier by expected profit", "text", ClvScore.tier),
    _inferred("percentile", "Share of customers worth at most as much", "number", ClvScore.percentile),
    _inferred("p_alive", "Probability of not having left", "number", ClvScore.p_alive),
    _inferred("expected_orders", "Expected purchase days", "number", ClvScore.expected_orders),
    _inferred("past_profit", "Profit so far", "number", ClvScore.past_profit, sortable=True),
    _inferred("overdue", "Has waited longer than usual", "boolean", ClvScore.is_overdue),
)
