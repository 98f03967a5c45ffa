"""Section 4: the channels with their addresses, and the customer's own quiet hours."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from regulars import KnownAddress, addresses_of
from regulars_preference_centre.choices import keep_channels, keep_quiet_hours, quiet_hours_in
from regulars_preference_centre.models import Choices
from regulars_preference_centre.page.changing import begin_change, tell
from regulars_preference_centre.page.forms import Form, WrongInput
from regulars_preference_centre.page.phrases import channel_name
from regulars_preference_centre.page.reach import channels_off
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.page.who import masked
from regulars_preference_centre.times import InvalidTime, QuietHours, read_quiet_hours

__all__ = ["SECTION"]

KINDS = {"email": "email", "sms": "phone", "voice": "phone", "whatsapp": "phone"}
BARE = {"quietFrom": "from", "quietTo": "to"}


async def _read(visit: Visit) -> Mapping[str, Any]:
    held, off = await addresses_of(visit.ctx.session, customer_id=visit.customer_id), await channels_off(visit)
    hours = await _quiet_hours(visit)
    return {
        "channels": [
            {
                "name": channel,
                "title": channel_name(channel, visit.language),
                "is_on": channel not in off,
                "address": _address(channel, held),
            }
            for channel in visit.settings.channels
        ],
        "hours": hours or ("", ""),
        "seen_hours": "" if hours is None else "-".join(hours),
        "zone": visit.customer.time_zone,
    }


def _address(channel: str, held: Sequence[KnownAddress]) -> Mapping[str, Any] | None:
    found = next((one for one in held if one.kind == KINDS.get(channel)), None)
    if found is None:
        return None
    return {"shown": masked(found), "is_phone": found.kind == "phone", "is_verified": found.is_verified}


async def _quiet_hours(visit: Visit) -> QuietHours:
    rows = await visit.ctx.session.scalars(select(Choices).where(col(Choices.customer_id) == visit.customer_id))
    return next((hours for row in rows if (hours := quiet_hours_in(row)) is not None), None)


async def _save(visit: Visit, form: Form) -> Done:
    """Switch channels on and off; what was not touched is not written."""
    offered = visit.settings.channels
    was_on = {channel: channel in form.all("seen") for channel in offered}
    wanted = {channel: channel in form.all("channel") for channel in offered}
    changed = {channel: is_on for channel, is_on in wanted.items() if is_on != was_on[channel]}
    if not changed:
        return Done("nothing")
    await begin_change(visit)
    conflicts = await keep_channels(
        visit.ctx.session, customer_id=visit.customer_id, seen=was_on, wanted=changed, now=visit.now
    )
    await tell(visit, "preferences.changed", changed=["channels"])
    return Done("saved", kept=tuple(channel_name(channel, visit.language) for channel in conflicts))


async def _save_hours(visit: Visit, form: Form) -> Done:
    """Keep the hours in which nothing may come, as times on the wall where the customer is; both empty are none."""
    try:
        wanted = read_quiet_hours(form["from"], form["to"])
    except InvalidTime as error:
        raise WrongInput({BARE[error.path[0]]: "wrong_time"}) from error
    begin, _, end = form["seen_hours"].partition("-")
    seen = (begin, end) if begin and end else None
    await begin_change(visit)
    is_kept = await keep_quiet_hours(
        visit.ctx.session, customer_id=visit.customer_id, seen=seen, wanted=wanted, now=visit.now
    )
    await tell(visit, "preferences.changed", changed=["quietHours"])
    if is_kept:
        return Done("hours_saved", kept=("–".join(await _quiet_hours(visit) or ()),))
    return Done("hours_saved" if wanted else "hours_none")


SECTION = Section("channels", "preferences/channels.html", _read, {"save": _save, "hours": _save_hours})
