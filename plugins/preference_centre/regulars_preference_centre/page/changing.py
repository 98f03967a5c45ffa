"""Around every change that a form of the page makes: one at a time for a customer, and told to whoever listens."""

from regulars import customer_to_change, record_event
from regulars_preference_centre.choices import choices_of
from regulars_preference_centre.page.visit import Visit

__all__ = ["begin_change", "tell"]


async def begin_change(visit: Visit) -> None:
    """Let nobody else change the customer's choices until this request ends, and give them their next version."""
    await customer_to_change(visit.ctx.session, customer_id=visit.customer_id)
    await choices_of(visit.ctx.session, customer_id=visit.customer_id, now=visit.now)
    await visit.ctx.session.flush()


async def tell(visit: Visit, type: str, **facts: object) -> None:
    """Record an event in the customer's own name; ``facts`` are ids and names of what changed, never contents."""
    customer = f"customer:{visit.customer_id}"
    await record_event(visit.ctx.session, type=type, subject=customer, actor=customer, data=facts, now=visit.now)
