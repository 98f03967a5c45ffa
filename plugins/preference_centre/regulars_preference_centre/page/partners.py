"""Section 8: the partners, each by name and off unless the customer said otherwise."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from regulars import Scope, ShownText, allow_as_customer, stop_as_customer, stop_sharing
from regulars_preference_centre.page.forms import Form, WrongInput
from regulars_preference_centre.page.reach import permissions_of
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.page.words import words_of
from regulars_preference_centre.settings import Partner

__all__ = ["SECTION", "note_no_sharing"]

A_MOMENT = timedelta(milliseconds=1)

SHARED = Scope("sharing", "*")
WRITTEN = Scope("marketing.own", "*")
SCOPES = (SHARED, WRITTEN)


async def note_no_sharing(visit: Visit) -> None:
    """Keep that the customer's browser asks for no sharing, once: the first signal is the one that counts.

    It came with this request, so it is older than what the request does: who allows a partner now, means it.
    """
    if visit.asks_for_no_sharing and (await permissions_of(visit)).no_sharing_since is None:
        await stop_sharing(visit.ctx.session, customer_id=visit.customer_id, now=visit.now - A_MOMENT)
        visit.memory.clear()


async def _read(visit: Visit) -> Mapping[str, Any]:
    permissions = await permissions_of(visit)
    if visit.asks_for_no_sharing and permissions.no_sharing_since is None:
        permissions = replace(permissions, no_sharing_since=visit.now)  # it is kept with this very answer
    lines = []
    for partner in visit.settings.partners:
        consent = _consent_text(visit, partner)
        lines.append(
            {
                "id": partner.id,
                "title": partner.title,
                "is_on": any(permissions.allows(scope, partner=partner.id) for scope in SCOPES),
                "consent": consent.text,
                "version": consent.version,
            }
        )
    return {"lines": lines, "no_sharing": visit.asks_for_no_sharing, "company": visit.ctx.company.name}


def _consent_text(visit: Visit, partner: Partner) -> ShownText:
    words = words_of("partners", visit.language)
    text = words("consent", partner=partner.title, shop=visit.ctx.company.name)
    return ShownText(f"{visit.settings.notice_version}:partner:{partner.id}", words.language, text)


async def _start(visit: Visit, form: Form) -> Done:
    """Allow this one partner to get the address and to write."""
    partner = _named(visit, form)
    text = _consent_text(visit, partner)
    if form["shown"] != text.version:
        raise WrongInput({partner.id: "text_changed"})
    await allow_as_customer(
        visit.ctx.session,
        customer_id=visit.customer_id,
        scopes=SCOPES,
        shown=text,
        partner=partner.id,
        now=visit.now,
    )
    return Done("started")


async def _stop(visit: Visit, form: Form) -> Done:
    """Withdraw all that this partner was allowed."""
    partner = _named(visit, form)
    everything = Scope("*", "*")
    await stop_as_customer(
        visit.ctx.session, customer_id=visit.customer_id, scope=everything, partner=partner.id, now=visit.now
    )
    return Done("stopped")


def _named(visit: Visit, form: Form) -> Partner:
    found = next((partner for partner in visit.settings.partners if partner.id == form["partner"]), None)
    if found is None:
        raise WrongInput({"": "not_offered"})
    return found


SECTION = Section("partners", "preferences/partners.html", _read, {"start": _start, "stop": _stop})
