"""Section 11: the customer's choices as they were made, with the text that was shown, and a receipt for each."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlmodel import col
from starlette.responses import Response

from regulars import ConsentChoice, consent_choices, receipt_for
from regulars_preference_centre.models import AlertRequest
from regulars_preference_centre.page.names import plain_name
from regulars_preference_centre.page.section import Section
from regulars_preference_centre.page.stamps import Stamp, day_of, moment_of
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.page.words import Words, apart, words_of
from regulars_preference_centre.settings import PreferenceSettings
from regulars_preference_centre.streams import in_language, streams

__all__ = ["SECTION", "receipt"]

MOST = 50
ANY = "*"
GRANT = "grant"
SHARING = "sharing"


async def _read(visit: Visit) -> Mapping[str, Any]:
    choices = await consent_choices(visit.ctx.session, customer_id=visit.customer_id, first=MOST + 1)
    named = await _subjects(visit)
    confirmed = {one.confirms_id: one.at for one in choices if one.confirms_id is not None}
    words = words_of("past", visit.language)
    return {
        "choices": [
            {
                "id": one.id,
                "title": _title(visit, words, one, named),
                "receipt": _subject(words, one, named),
                "at": moment_of(visit, one.at),
                "medium": None if one.channel == ANY else _medium(words, one.channel),
                "origin": one.origin,
                "confirmed": _confirmed(visit, one, confirmed),
                "waits": one.needs_confirmation and one.confirmed_at is None and one.id not in confirmed,
                "text": one.text,
                "language": one.language,
            }
            for one in choices[:MOST]
            if one.confirms_id is None
        ],
        "are_more": len(choices) > MOST,
    }


async def _subjects(visit: Visit) -> Mapping[str, str]:
    """Return what topics are called: streams by their titles, wishes by their words."""
    usual = visit.ctx.company.languages[0]
    offered = await streams(visit.ctx.session, with_retired=True)
    wished = await visit.ctx.session.scalars(
        select(AlertRequest).where(col(AlertRequest.customer_id) == visit.customer_id)
    )
    words = words_of("past", visit.language)
    titles = {one.topic: in_language(one.titles, visit.language, usual) for one in offered}
    return {**{one.topic: words("wish", words=apart(one.words, visit.language)) for one in wished}, **titles}


def _title(visit: Visit, words: Words, one: ConsentChoice, named: Mapping[str, str]) -> str:
    subject = _subject(words, one, named)
    if one.recipient is not None or one.purpose.partition(".")[0] == SHARING:
        partners = {partner.id: partner.title for partner in visit.ctx.settings_as(PreferenceSettings).partners}
        subject = partners.get(one.recipient or "", one.recipient or words("partners"))
        return words("shared" if one.action == GRANT else "unshared", partner=subject)
    if one.action == GRANT:
        return words("asked", subject=subject)
    is_all = one.topic == one.channel == ANY and one.purpose in (ANY, "marketing")
    return words("stopped_all") if is_all else words("stopped", subject=subject)


def _subject(words: Words, one: ConsentChoice, named: Mapping[str, str]) -> str:
    if one.topic != ANY:
        return named.get(one.topic) or plain_name(one.topic, words.language)
    key = f"purpose_{one.purpose.replace('.', '_')}"
    return words("everything") if one.purpose == ANY else words(key) if key in words else one.purpose


def _medium(words: Words, channel: str) -> str:
    key = f"by_{channel}"
    return words(key) if key in words else channel


def _confirmed(visit: Visit, one: ConsentChoice, confirmed: Mapping[Any, Any]) -> Stamp | None:
    at = one.confirmed_at or confirmed.get(one.id)
    return None if at is None or not one.needs_confirmation else day_of(visit, at)


async def receipt(visit: Visit, id: UUID) -> Response | None:
    """Return the receipt of one choice as a file; None when there is none, or when it is not the customer's."""
    own: Sequence[Any] | Mapping[str, Any] | None = await receipt_for(
        visit.ctx.session, event_id=id, only_of=visit.customer_id, company=visit.ctx.company
    )
    if own is None:
        return None
    return Response(
        orjson.dumps(own, option=orjson.OPT_INDENT_2),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="receipt-{id}.json"'},
    )


SECTION = Section("past", "preferences/past.html", _read)
