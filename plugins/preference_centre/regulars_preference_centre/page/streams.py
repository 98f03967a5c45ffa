"""Section 5: every stream that can reach the customer, each with the one button that changes it."""

from collections.abc import Mapping
from typing import Any

from regulars import Scope, ShownText, allow_as_customer, stop_as_customer
from regulars_preference_centre.choices import AS_THE_HOUSE, keep_caps
from regulars_preference_centre.page.changing import begin_change, tell
from regulars_preference_centre.page.forms import Form, WrongInput
from regulars_preference_centre.page.phrases import by_channels
from regulars_preference_centre.page.reach import ANY, Reachable, channels_off, reachable
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.page.words import words_of

__all__ = ["SECTION"]


async def _read(visit: Visit) -> Mapping[str, Any]:
    return {"lines": [_line(visit, one) for one in await reachable(visit)]}


def _line(visit: Visit, one: Reachable) -> Mapping[str, Any]:
    consent = _consent_text(visit, one)
    return {
        "topic": one.topic,
        "purpose": one.purpose,
        "key": one.key,
        "title": one.title,
        "description": one.description,
        "is_general": one.topic == ANY,
        "gets": one.gets,
        "why_not": "none" if one.cap.most == 0 else "channels",
        "is_allowed": one.is_allowed,
        "can_stop": one.is_allowed or not visit.is_up,
        "can_start": visit.is_up and one.is_offered and not one.gets,
        "consent": consent.text,
        "version": consent.version,
    }


def _consent_text(visit: Visit, one: Reachable) -> ShownText:
    words = words_of("streams", visit.language)
    text = words("consent", title=one.title, by=by_channels(one.channels, visit.language))
    return ShownText(f"{visit.settings.notice_version}:{one.topic}", words.language, text)


async def _stop(visit: Visit, form: Form) -> Done:
    """Withdraw the stream on every channel, whatever it was allowed for."""
    one = await _named(visit, form)
    scope = Scope(one.purpose, ANY, ANY) if one.topic == ANY else Scope(ANY, ANY, one.topic)
    await stop_as_customer(visit.ctx.session, customer_id=visit.customer_id, scope=scope, now=visit.now)
    return Done("stopped")


async def _start(visit: Visit, form: Form) -> Done:
    """Allow the stream by its channels, under the text that stood beside the button."""
    one = await _named(visit, form)
    text = _consent_text(visit, one)
    if not one.is_offered:
        raise WrongInput({one.key: "not_offered"})
    if form["shown"] != text.version:
        raise WrongInput({one.key: "text_changed"})
    await allow_as_customer(
        visit.ctx.session,
        customer_id=visit.customer_id,
        scopes=[Scope(one.purpose, channel, one.topic) for channel in one.channels],
        shown=text,
        now=visit.now,
    )
    if one.cap.most == 0:
        await begin_change(visit)
        await keep_caps(
            visit.ctx.session,
            customer_id=visit.customer_id,
            seen={one.topic: one.cap},
            wanted={one.topic: AS_THE_HOUSE},
            now=visit.now,
        )
        await tell(visit, "preferences.changed", changed=["levels"])
    is_closed = set(one.channels) <= await channels_off(visit)
    return Done("started_closed" if is_closed else "started")


async def _named(visit: Visit, form: Form) -> Reachable:
    lines = await reachable(visit)
    found = [one for one in lines if one.topic == form["topic"] and form["purpose"] in ("", one.purpose)]
    if not found:
        raise WrongInput({"": "not_offered"})
    return found[0]


SECTION = Section(
    "streams", "preferences/streams.html", _read, {"stop": _stop, "start": _start}, lowering=frozenset({"stop"})
)
