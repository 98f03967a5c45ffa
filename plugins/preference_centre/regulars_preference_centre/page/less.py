"""Section 3: less of each stream, with the true recent rate, and a pause."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlmodel import col

from regulars import InvalidInput
from regulars_preference_centre.choices import AS_THE_HOUSE, CapChoice, add_pause, keep_caps, lift_pauses
from regulars_preference_centre.levels import LEVELS, level_named, level_of
from regulars_preference_centre.models import Pause
from regulars_preference_centre.page.changing import begin_change, tell
from regulars_preference_centre.page.dates import day_in_words
from regulars_preference_centre.page.forms import Form, WrongInput
from regulars_preference_centre.page.phrases import rate_in_words
from regulars_preference_centre.page.reach import ANY, Reachable, caps_of, lately_in_all, reachable
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.page.words import words_of
from regulars_preference_centre.times import day_begins, read_day

__all__ = ["SECTION"]

LEVEL, SEEN = "level.", "seen."
OWN = "own"
HOURS_A_DAY = 24


async def _read(visit: Visit) -> Mapping[str, Any]:
    return {
        "lines": [_line(visit, one) for one in await _lines(visit)],
        "pauses": await _pauses(visit) if visit.is_up else [],
        "levels": [level.name for level in LEVELS],
    }


async def _lines(visit: Visit) -> Sequence[Reachable]:
    """Return what can come less often: all of it together first, then each stream that the customer agreed to."""
    lines = await reachable(visit)
    together = next((one for one in lines if one.topic == ANY), None) or Reachable(ANY, ANY, (), "")
    lately = await lately_in_all(visit) if visit.is_up else {}
    caps = await caps_of(visit) if visit.is_up else {}
    together = replace(
        together,
        title=words_of("less", visit.language)("together"),
        lately=lately,
        cap=caps.get(ANY, AS_THE_HOUSE),
    )
    streams = [one for one in lines if one.topic != ANY and (one.is_allowed or not visit.is_up)]
    return [together, *streams] if streams or together.is_allowed else []


def _line(visit: Visit, one: Reachable) -> Mapping[str, Any]:
    level = level_of(one.cap.most, one.cap.window_h)
    return {
        "topic": one.topic,
        "key": one.key,
        "title": one.title,
        "rate": rate_in_words(one.lately, visit.language) if visit.is_up else None,
        "level": None if not visit.is_up else level.name if level else OWN,
        "seen": _written(one.cap),
        "most": one.cap.most,
        "days": max(1, one.cap.window_h // HOURS_A_DAY),
    }


async def _pauses(visit: Visit) -> list[Mapping[str, Any]]:
    query = (
        select(Pause)
        .where(
            col(Pause.customer_id) == visit.customer_id,
            col(Pause.lifted_at).is_(None),
            or_(col(Pause.ends_at).is_(None), col(Pause.ends_at) > visit.now),
        )
        .order_by(col(Pause.begins_at), col(Pause.id))
    )
    titles = {one.topic: one.title for one in await reachable(visit)}
    return [
        {
            "id": str(row.id),
            "about": None if row.topic == ANY else titles.get(row.topic, row.topic),
            "until": None
            if row.ends_at is None
            else day_in_words(row.ends_at.astimezone(visit.zone).date(), visit.language),
        }
        for row in await visit.ctx.session.scalars(query)
    ]


async def _save(visit: Visit, form: Form) -> Done:
    """Keep how often each stream may come; what was not touched is not written, and a down visit only lowers."""
    lines = {one.topic: one for one in await _lines(visit)}
    named = {topic: level_named(name) for topic, name in form.starting(LEVEL).items() if topic in lines}
    wanted = {topic: CapChoice(level.most, level.window_h) for topic, level in named.items() if level is not None}
    if not visit.is_up:
        return await _lower(visit, wanted)
    seen = {topic: _cap(text) for topic, text in form.starting(SEEN).items() if topic in lines}
    changed = {topic: choice for topic, choice in wanted.items() if choice != seen.get(topic)}
    if not changed:
        return Done("nothing")
    await begin_change(visit)
    conflicts = await keep_caps(
        visit.ctx.session, customer_id=visit.customer_id, seen=seen, wanted=changed, now=visit.now
    )
    await tell(visit, "preferences.changed", changed=["levels"])
    return Done("saved", kept=tuple(lines[topic].title for topic in conflicts))


async def _lower(visit: Visit, wanted: Mapping[str, CapChoice]) -> Done:
    """Keep what lets less through than now; the answer is the same either way, so that it tells nothing."""
    standing = await caps_of(visit)
    lower = {topic: choice for topic, choice in wanted.items() if _rate(choice) < _rate(standing.get(topic))}
    if lower:
        await begin_change(visit)
        await keep_caps(visit.ctx.session, customer_id=visit.customer_id, seen=standing, wanted=lower, now=visit.now)
        await tell(visit, "preferences.changed", changed=["levels"])
    return Done("lowered")


async def _pause(visit: Visit, form: Form) -> Done:
    """Let nothing through until the day begins where the customer is."""
    today = visit.now.astimezone(visit.zone).date()
    try:
        day = read_day(form["until"], field="until", today=today)
    except InvalidInput as error:
        raise WrongInput({"until": "wrong_day"}) from error
    await begin_change(visit)
    pause = await add_pause(
        visit.ctx.session,
        customer_id=visit.customer_id,
        begins_at=visit.now,
        ends_at=day_begins(day, visit.zone),
        now=visit.now,
    )
    await tell(visit, "pause.created", pauseId=str(pause.id))
    return Done("paused")


async def _resume(visit: Visit, form: Form) -> Done:
    """End a pause; one that is over is no error."""
    try:
        id = UUID(form["pause"])
        await begin_change(visit)
        ended = await lift_pauses(visit.ctx.session, customer_id=visit.customer_id, id=id, now=visit.now)
    except (ValueError, InvalidInput):
        return Done("nothing")
    await tell(visit, "pause.lifted", pauses=ended)
    return Done("resumed")


def _written(cap: CapChoice) -> str:
    return f"{'' if cap.most is None else cap.most}/{cap.window_h}"


def _cap(text: str) -> CapChoice:
    """Return what a page showed; something that no page writes counts as the house's."""
    most, _, window_h = text.partition("/")
    if not window_h.isdecimal() or not (most == "" or most.isdecimal()):
        return AS_THE_HOUSE
    return CapChoice(int(most) if most else None, max(1, int(window_h)))


def _rate(cap: CapChoice | None) -> float:
    return inf if cap is None or cap.most is None else cap.most / cap.window_h


SECTION = Section(
    "less",
    "preferences/less.html",
    _read,
    {"save": _save, "pause": _pause, "resume": _resume},
    lowering=frozenset({"save", "pause"}),
)
