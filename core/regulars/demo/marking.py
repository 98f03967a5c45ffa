"""Mark a database as the demo's own, so that nobody takes invented customers for real ones, or mixes them with such."""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.customers.models import Customer
from regulars.errors import ConfigurationError
from regulars.plugins.contributions import Provenance
from regulars.traits.models import TraitDefinition
from regulars.traits.registry import trait_registry
from regulars.traits.service import define_trait

__all__ = ["NOTE_KEY", "NOTE_PROVENANCE", "NOTE_SOURCE", "OtherCustomers", "mark_as_demo", "refuse_other_customers"]

NOTE_KEY = "demo_note"
NOTE_TITLE = "What of this customer is invented"
NOTE_PROVENANCE: Final[Provenance] = "imported"
NOTE_SOURCE = "regulars demo"


class OtherCustomers(ConfigurationError):
    """The database holds customers who are not the demo's."""

    code = "DEMO_OTHER_CUSTOMERS"

    def __init__(self) -> None:
        super().__init__(
            "The database already holds customers who are not the demo's, and invented ones must not come among them."
            " Let REGULARS_DATABASE_URL name an empty database, or leave it out."
        )


async def refuse_other_customers(session: AsyncSession) -> None:
    """Accept a database that is the demo's or has no customers; raises ``OtherCustomers``."""
    mark = await session.scalar(select(col(TraitDefinition.key)).where(col(TraitDefinition.key) == NOTE_KEY))
    if mark is None and await session.scalar(select(col(Customer.id)).limit(1)) is not None:
        raise OtherCustomers


async def mark_as_demo(session: AsyncSession, *, now: datetime) -> datetime:
    """Define the trait that says what is invented, unless it is there, and return since when it is.

    Raises ``OtherCustomers`` for a database with customers and without the trait.
    """
    await refuse_other_customers(session)
    mark = await session.get(TraitDefinition, NOTE_KEY) or await define_trait(
        session,
        key=NOTE_KEY,
        title=NOTE_TITLE,
        type="text",
        provenance=NOTE_PROVENANCE,
        registry=trait_registry({}),
        actor=SYSTEM,
        now=now,
    )
    return mark.created_at
