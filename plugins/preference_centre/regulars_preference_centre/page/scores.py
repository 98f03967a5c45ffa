"""Section 10: what is computed of the customer, as the plugins that compute it show it, and the way out of it."""

from collections.abc import Mapping
from typing import Any

from regulars import SlotVisit
from regulars_preference_centre.page.forms import Form
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.visit import Visit

__all__ = ["SECTION"]

PLACE = "customer.scores"


async def _read(visit: Visit) -> Mapping[str, Any]:
    is_scored = await visit.ctx.rights.is_scored(visit.ctx.session, customer_id=visit.customer_id)
    asked = SlotVisit(visit.customer_id, visit.language, visit.now)
    return {"is_scored": is_scored, "parts": await visit.ctx.slots.fill(PLACE, asked) if is_scored else []}


async def _stop(visit: Visit, form: Form) -> Done:
    """Let nobody compute scores or guesses of the customer."""
    await visit.ctx.rights.stop_scoring(
        visit.ctx.session,
        customer_id=visit.customer_id,
        reason="Stopped on the preference page",
        now=visit.now,
    )
    return Done("stopped")


async def _allow(visit: Visit, form: Form) -> Done:
    """Let scores be computed again."""
    await visit.ctx.rights.allow_scoring(
        visit.ctx.session,
        customer_id=visit.customer_id,
        reason="Allowed on the preference page",
        now=visit.now,
    )
    return Done("allowed")


SECTION = Section("scores", "preferences/scores.html", _read, {"stop": _stop, "allow": _allow})
