"""A small shop for tests: customers with touchpoints, written straight into the tables."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from regulars.customers.models import Customer
from regulars.database import Database
from regulars.touchpoints.models import Touchpoint


@dataclass(frozen=True)
class Sale:
    """One touchpoint of a customer, so many days ago."""

    days_ago: int
    amount: str | None = None
    type: str = "order"
    channel: str | None = "web"


async def open_shop(database: Database, now: datetime, customers: dict[str, list[Sale]]) -> dict[str, UUID]:
    """Write customers, each a day older than the one before, with their sales; return their ids by name."""
    ids = {}
    async with database.writing() as session:
        for number, (name, sales) in enumerate(customers.items()):
            customer = Customer(
                display_name=name or None, created_at=now - timedelta(days=number), updated_at=now, language="en"
            )
            session.add(customer)
            await session.flush()
            ids[name] = customer.id
            for sale in sales:
                session.add(_touchpoint(customer.id, sale, now))
    return ids


def _touchpoint(customer_id: UUID, sale: Sale, now: datetime) -> Touchpoint:
    return Touchpoint(
        customer_id=customer_id,
        profile_id=customer_id,
        type=sale.type,
        channel=sale.channel,
        occurred_at=now - timedelta(days=sale.days_ago),
        received_at=now,
        amount=None if sale.amount is None else Decimal(sale.amount),
        currency=None if sale.amount is None else "EUR",
        source="shop",
    )
