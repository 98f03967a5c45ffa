"""Global Privacy Control: that a customer's browser asked for no sharing, and since when.

Source: https://www.w3.org/TR/gpc/
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor
from regulars.consents.models import GpcSignal
from regulars.customers.survivors import locked_survivors
from regulars.errors import NotFound
from regulars.events.service import record_event

__all__ = ["record_gpc_signal"]


async def record_gpc_signal(session: AsyncSession, *, customer_id: UUID, actor: Actor, now: datetime) -> GpcSignal:
    """Keep that the customer's browser asked for no sharing; sharing stops at once.

    Raises ``NotFound`` for an unknown or erased customer.
    """
    customer = (await locked_survivors(session, [customer_id])).get(customer_id)
    if customer is None or customer.status == "erased":
        raise NotFound("customer", customer_id, path=("customerId",))
    signal = GpcSignal(customer_id=customer.id, profile_id=customer_id, at=now, recorded_at=now)
    session.add(signal)
    await session.flush()
    await record_event(
        session,
        type="consent.gpc_seen",
        subject=f"customer:{customer.id}",
        actor=actor.label,
        data={"gpcSignalId": str(signal.id)},
        now=now,
    )
    return signal
