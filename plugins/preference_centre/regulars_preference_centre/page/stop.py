"""Section 2: stop everything, and undo it in the same browser for ten minutes."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from starlette.responses import RedirectResponse, Response

from regulars import EVERYTHING, stop_as_customer, undo_stop
from regulars_preference_centre.models import Stop
from regulars_preference_centre.page.forms import Form
from regulars_preference_centre.page.opening import undo_cookie
from regulars_preference_centre.page.reach import reachable
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.visit import Visit

__all__ = ["SECTION", "stop_of"]

UNDO_TIME = timedelta(minutes=10)
TOKEN_BYTES = 24
STOPPED = "stopped"


async def stop_of(visit: Visit) -> Stop | None:
    """Return the newest stop that this browser made for the customer; None when it made none."""
    if not visit.undo_token:
        return None
    made = select(Stop).where(
        col(Stop.browser_hash) == _hash(visit.undo_token), col(Stop.customer_id) == visit.customer_id
    )
    return (await visit.ctx.session.scalars(made)).one_or_none()


async def _read(visit: Visit) -> Mapping[str, Any]:
    nothing_comes = visit.is_up and not any(line.gets for line in await reachable(visit))
    return {"nothing_comes": nothing_comes}


async def _stop_all(visit: Visit, _form: Form) -> Response:
    """Withdraw everything from everybody, and let this browser undo it for ten minutes."""
    event = await stop_as_customer(visit.ctx.session, customer_id=visit.customer_id, scope=EVERYTHING, now=visit.now)
    answer = RedirectResponse(visit.path(STOPPED), 303)
    if event is None:
        return answer
    token = secrets.token_urlsafe(TOKEN_BYTES)
    visit.ctx.session.add(
        Stop(
            profile_id=visit.customer_id,
            customer_id=visit.customer_id,
            event_id=event.id,
            browser_hash=_hash(token),
            stopped_at=visit.now,
            undo_until=visit.now + UNDO_TIME,
        )
    )
    answer.set_cookie(
        undo_cookie(is_secure=visit.is_secure),
        token,
        max_age=int(UNDO_TIME.total_seconds()),
        path="/",
        secure=visit.is_secure,
        httponly=True,
        samesite="lax",
    )
    return answer


async def _undo(visit: Visit, form: Form) -> Done | Response:
    """Undo the stop that this browser made; a later one, or another browser's, cannot be undone."""
    made = await stop_of(visit)
    if made is None or made.undone_at is not None or made.undo_until <= visit.now:
        return Done("undo_over")
    await undo_stop(visit.ctx.session, event_id=made.event_id, now=visit.now)
    made.undone_at = visit.now
    if form["then"] == "less":
        return RedirectResponse(f"{visit.path(said='less.undone')}#less", 303)
    return Done("undone")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


SECTION = Section(
    "stop",
    "preferences/stop.html",
    _read,
    {"all": _stop_all, "undo": _undo},
    lowering=frozenset({"all", "undo"}),
    is_listed=False,
)
