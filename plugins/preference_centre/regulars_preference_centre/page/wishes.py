"""Section 6: what the customer wants to be told of, in their own words or about a subject of the shop's."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from regulars import Scope, ShownText, allow_as_customer, stop_as_customer
from regulars_preference_centre.page.forms import Form, WrongInput
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.stamps import day_of
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.page.words import apart, words_of
from regulars_preference_centre.settings import PreferenceSettings
from regulars_preference_centre.streams import in_language, streams
from regulars_preference_centre.times import day_begins, read_day
from regulars_preference_centre.wishes import cancel_alert, open_wishes, request_alert

__all__ = ["SECTION"]

PURPOSE = "marketing.own"
MEDIA = ("email", "sms", "push")
USUAL = "email"
ANY = "*"


async def _read(visit: Visit) -> Mapping[str, Any]:
    wishes = await open_wishes(visit.ctx.session, customer_id=visit.customer_id, now=visit.now)
    subjects = await _subjects(visit)
    return {
        "wishes": [
            {
                "id": wish.id,
                "words": apart(wish.words, visit.language),
                "subject": subjects.get(wish.topic),
                "channel": wish.channel,
                "until": None if wish.ends_at is None else day_of(visit, wish.ends_at - timedelta(seconds=1)),
            }
            for wish in wishes
        ],
        "subjects": subjects,
        "media": _media(visit),
        "tomorrow": (visit.now.astimezone(visit.zone).date() + timedelta(days=1)).isoformat(),
    }


async def _subjects(visit: Visit) -> Mapping[str, str]:
    usual = visit.ctx.company.languages[0]
    offered = await streams(visit.ctx.session)
    return {stream.topic: in_language(stream.titles, visit.language, usual) for stream in offered}


def _media(visit: Visit) -> list[str]:
    offered = visit.ctx.settings_as(PreferenceSettings).channels
    return [channel for channel in MEDIA if channel in offered] or [USUAL]


async def _add(visit: Visit, form: Form) -> Done:
    """Keep the wish, and that the customer allows us to tell them of it, and of nothing else."""
    topic, channel = form["topic"] or None, form["channel"] or USUAL
    if channel not in _media(visit) or (topic is not None and topic not in await _subjects(visit)):
        raise WrongInput({"": "error_choice"})
    ends_at = None
    if form["end"].strip():
        today = visit.now.astimezone(visit.zone).date()
        ends_at = day_begins(read_day(form["end"], field="end", today=today) + timedelta(days=1), visit.zone)
    wish = await request_alert(
        visit.ctx.session,
        customer_id=visit.customer_id,
        words=form["words"],
        topic=topic,
        channel=channel,
        ends_at=ends_at,
        now=visit.now,
    )
    words = words_of("wishes", visit.language)
    text = words("consent", medium=words(f"medium_{channel}"))
    version = f"{visit.ctx.settings_as(PreferenceSettings).notice_version}:wish:{channel}"
    await allow_as_customer(
        visit.ctx.session,
        customer_id=visit.customer_id,
        scopes=[Scope(PURPOSE, channel, wish.topic)],
        shown=ShownText(version, words.language, text),
        now=visit.now,
    )
    return Done("added")


async def _remove(visit: Visit, form: Form) -> Done:
    """Look out for it no longer, and take back that we may tell."""
    try:
        id = UUID(form["wish"])
    except ValueError as error:
        raise WrongInput({"": "error_choice"}) from error
    wish = await cancel_alert(visit.ctx.session, customer_id=visit.customer_id, id=id, now=visit.now)
    if wish.topic not in await _subjects(visit):
        scope = Scope(PURPOSE, wish.channel or ANY, wish.topic)
        await stop_as_customer(visit.ctx.session, customer_id=visit.customer_id, scope=scope, now=visit.now)
    return Done("removed")


SECTION = Section("wishes", "preferences/wishes.html", _read, {"add": _add, "remove": _remove})
