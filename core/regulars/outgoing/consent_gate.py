"""Read what a customer allows before anything about them is fetched."""

from dataclasses import dataclass
from uuid import UUID

from regulars.clock import Clock
from regulars.consents.registry import ConsentRegistry
from regulars.consents.service import consent_at
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.errors import ExpectedError

__all__ = ["AboutCustomer", "ConsentGate", "FetchNotAllowed"]

ACTIVE = "active"


@dataclass(frozen=True)
class AboutCustomer:
    """Whom a request is about, and what it is for.

    For what is fetched from a platform, ``channel`` is the platform; ``*`` stands for all channels.
    """

    customer_id: UUID
    purpose: str
    channel: str = "*"


class FetchNotAllowed(ExpectedError):
    """Something about a customer was to be fetched that they have not allowed; nothing was sent."""

    code = "FETCH_NOT_ALLOWED"

    def __init__(self, about: AboutCustomer, reason: str) -> None:
        self.about, self.reason = about, reason
        super().__init__(f"Nothing is fetched about customer {about.customer_id} for {about.purpose}: {reason}")


class ConsentGate:
    """Reads the ledger as it stands at the moment of a request, in a session of its own."""

    def __init__(self, database: Database, clock: Clock, registry: ConsentRegistry) -> None:
        self._database, self._clock, self._registry = database, clock, registry

    async def check(self, about: AboutCustomer) -> None:
        """Accept a request that the customer's consent covers; raises ``FetchNotAllowed`` with the reason.

        Raises ``NotFound`` for an unknown customer, ``UnknownValue`` for an unknown purpose or channel.
        """
        now = self._clock.now()
        async with self._database.reading_apart() as session:
            answer = await consent_at(
                session,
                customer_id=about.customer_id,
                purpose=about.purpose,
                channel=about.channel,
                valid_at=now,
                known_at=now,
                registry=self._registry,
            )
            customer = await session.get_one(Customer, about.customer_id)
            if customer.merged_into_id is not None:
                customer = await session.get_one(Customer, customer.merged_into_id)
        if customer.status != ACTIVE or customer.deleted_at is not None:
            raise FetchNotAllowed(about, f"they are {customer.status if customer.status != ACTIVE else 'deleted'}.")
        if answer.status != "granted":
            raise FetchNotAllowed(about, answer.reason)
