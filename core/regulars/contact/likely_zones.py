"""Note in which time zones a customer may be, while their own is not known."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_text
from regulars.contact.models import ZoneCandidate
from regulars.contact.refusals import UnknownZone
from regulars.customers.finding import customer_to_change
from regulars.customers.models import Customer
from regulars.errors import OutOfRange, UnknownValue
from regulars.events.service import record_event
from regulars.tables import new_id

__all__ = ["note_time_zones"]

NOT_DECLARED = ("observed", "inferred", "imported")
MOST_ZONES = 20
LONGEST_SOURCE = 100


async def note_time_zones(
    session: AsyncSession,
    *,
    customer_id: UUID,
    time_zones: Sequence[str],
    provenance: str,
    source: str,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Replace the zones in which this source says that the customer may be, and return the customer.

    The zone that a customer declares is their own ``time_zone``, before which these count for nothing. Raises
    ``UnknownZone``, ``UnknownValue`` for another provenance, ``OutOfRange`` for more than 20 zones, and ``NotFound``.
    """
    if provenance not in NOT_DECLARED:
        raise UnknownValue("provenance", provenance, NOT_DECLARED, path=("provenance",))
    named = check_text(source, path=("source",), longest=LONGEST_SOURCE)
    if len(time_zones) > MOST_ZONES:
        raise OutOfRange(f"{len(time_zones)} zones say nothing. Give up to {MOST_ZONES}.", path=("timeZones",))
    for zone in time_zones:
        if zone not in available_timezones():
            raise UnknownZone(zone, path=("timeZones",))
    customer = await customer_to_change(session, customer_id=customer_id)
    theirs = (col(ZoneCandidate.customer_id) == customer.id) & (col(ZoneCandidate.source) == named)
    await session.execute(delete(ZoneCandidate).where(theirs))
    session.add_all(
        ZoneCandidate(
            id=new_id(),
            customer_id=customer.id,
            profile_id=customer.id,
            time_zone=zone,
            provenance=provenance,
            source=named,
            noted_at=now,
        )
        for zone in sorted(set(time_zones))
    )
    await session.flush()
    await record_event(
        session,
        type="customer.updated",
        subject=f"customer:{customer.id}",
        actor=actor.label,
        data={"changed": ["time_zone_candidates"]},
        now=now,
    )
    return customer
