"""Section 12: a copy of everything, a file for another company, and erasure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from starlette.responses import FileResponse, RedirectResponse, Response

from regulars import ForbiddenTransition, KnownRequest
from regulars_preference_centre.page.forms import Form, WrongInput
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.stamps import moment_of
from regulars_preference_centre.page.visit import Visit

__all__ = ["ERASED", "SECTION", "archive"]

COPY, MOVE, ERASE = "export", "portability", "erasure"
KINDS = (COPY, MOVE)
KEPT_FOR = timedelta(days=7)
ERASED = "erased"
MEDIA_TYPES = {".zip": "application/zip", ".json": "application/json"}
REASONS = {COPY: "Asked for a copy on the preference page", MOVE: "Asked for a file to take elsewhere"}


async def _read(visit: Visit) -> Mapping[str, Any]:
    asked = await visit.ctx.rights.requests(visit.ctx.session, customer_id=visit.customer_id)
    recent = [one for one in asked if one.kind in KINDS and one.received_at > visit.now - KEPT_FOR]
    return {
        "files": {
            kind: [
                {
                    "id": one.id,
                    "asked": moment_of(visit, one.received_at),
                    "state": "ready" if one.archive else "failed" if one.is_incomplete else "waiting",
                    "is_incomplete": one.is_incomplete,
                }
                for one in recent
                if one.kind == kind
            ]
            for kind in KINDS
        },
        "is_erasing": any(one.kind == ERASE and one.status == "open" for one in asked),
    }


async def _copy(visit: Visit, form: Form) -> Done:
    """Have a copy of everything made."""
    await _ask(visit, COPY)
    return Done("copy")


async def _move(visit: Visit, form: Form) -> Done:
    """Have a file made that another company can read."""
    await _ask(visit, MOVE)
    return Done("move")


async def _ask(visit: Visit, kind: str) -> None:
    """Ask for a file, unless one is being made."""
    asked = await visit.ctx.rights.requests(visit.ctx.session, customer_id=visit.customer_id)
    if not any(one.kind == kind and one.status == "open" for one in asked):
        await visit.ctx.rights.ask(
            visit.ctx.session, customer_id=visit.customer_id, kind=kind, reason=REASONS[kind], now=visit.now
        )


async def _erase(visit: Visit, form: Form) -> Response:
    """Begin to erase the customer, end every visit of theirs, and say so on a page that needs none."""
    try:
        request: KnownRequest = await visit.ctx.rights.ask(
            visit.ctx.session,
            customer_id=visit.customer_id,
            kind=ERASE,
            reason="Asked to be erased on the preference page",
            now=visit.now,
        )
    except ForbiddenTransition as error:
        raise WrongInput({"": "error_erased"}) from error
    return RedirectResponse(visit.path(ERASED, reference=str(request.id)), 303)


async def archive(visit: Visit, id: UUID) -> Response | None:
    """Return the file of a request of this customer; None where there is none, not yet or not any more."""
    path = await visit.ctx.rights.archive(visit.ctx.session, customer_id=visit.customer_id, request_id=id)
    if path is None:
        return None
    name = f"{'all-about-you' if path.suffix == '.zip' else 'to-take-with-you'}{path.suffix}"
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], filename=name)


SECTION = Section("copies", "preferences/copies.html", _read, {"copy": _copy, "move": _move, "erase": _erase})
