"""Loyalty cards in the API."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from sqlalchemy import select
from sqlmodel import col

from regulars import Customer, FieldContext, batch, column, object_type, relation, resolver
from regulars_loyalty_card.models import LoyaltyAccount

__all__ = ["CustomerLoyalty"]

READ = "loyalty_card:read"


@object_type(LoyaltyAccount, name="LoyaltyCard", permission=READ, description="A loyalty card. (loyalty_card)")
class LoyaltyCardNode:
    """A loyalty card."""

    points: int = column(LoyaltyAccount.points, description="Points so far.", filterable=True, sortable=True)
    level: str = column(LoyaltyAccount.level, description="green or gold.", filterable=True)


async def _greetings(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[str]:
    ids = [parent["id"] for parent in parents]
    golden = select(col(LoyaltyAccount.customer_id)).where(
        col(LoyaltyAccount.customer_id).in_(ids), col(LoyaltyAccount.level) == "gold"
    )
    known = set(await context.session.scalars(golden))
    return [f"{'Welcome back' if parent['id'] in known else 'Hello'}, {parent['display_name']}" for parent in parents]


@strawberry.type
class CustomerLoyalty:
    """What customers gain by loyalty cards."""

    loyalty_card: LoyaltyCardNode | None = relation(
        LoyaltyAccount.customer_id, permission=READ, description="Their card; null without orders. (loyalty_card)"
    )
    loyalty_greeting: str | None = batch(
        _greetings,
        requires=[Customer.id, Customer.display_name],
        permission=READ,
        description="How to greet them at the till. (loyalty_card)",
    )

    @resolver(permission=READ, description="What to print on the card, with its check digit. (loyalty_card)")
    def loyalty_card_number(self, root: strawberry.Parent[Customer], separator: str = " ") -> str | None:
        """Return twelve digits of the customer's id and a check digit, in groups."""
        digits = f"{root.id.int % 10**12:012}"
        check = sum(int(digit) * weight for digit, weight in zip(digits, (1, 3) * 6, strict=True)) % 10
        return separator.join((digits[:4], digits[4:8], digits[8:], str(check)))
