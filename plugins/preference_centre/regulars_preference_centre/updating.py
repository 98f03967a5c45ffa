"""Change what a customer wants, at their word to somebody of the shop."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars import UNSET, InvalidInput, UnknownValue, Unset, customer_to_change, record_event
from regulars_preference_centre.answers import keep_answers
from regulars_preference_centre.choices import (
    ANY,
    CapChoice,
    add_pause,
    choices_of,
    keep_caps,
    keep_channels,
    keep_quiet_hours,
    lift_pauses,
)
from regulars_preference_centre.models import AlertRequest, Pause
from regulars_preference_centre.readings import Preferences, read_preferences
from regulars_preference_centre.streams import TOPIC
from regulars_preference_centre.times import QuietHours
from regulars_preference_centre.wishes import cancel_alert, request_alert

__all__ = [
    "PreferenceChange",
    "cancel_wish",
    "check_channel",
    "end_pauses",
    "keep_wish",
    "pause_contacts",
    "update_preferences",
]


@dataclass(frozen=True)
class PreferenceChange:
    """What is to be different: channels on or off, how often by topic, quiet hours, and answers by their keys."""

    channels: Mapping[str, bool] = field(default_factory=dict)
    caps: Mapping[str, CapChoice] = field(default_factory=dict)
    quiet_hours: QuietHours | Unset = UNSET
    answers: Mapping[str, str] = field(default_factory=dict)
    answers_may_be_used: bool = False

    @property
    def names(self) -> list[str]:
        """Return the names of what changes, as the audit log tells them."""
        given = {"channels": self.channels, "levels": self.caps, "answers": self.answers}
        quiet = [] if self.quiet_hours is UNSET else ["quietHours"]
        return [*(name for name, change in given.items() if change), *quiet]


async def update_preferences(
    session: AsyncSession,
    *,
    customer_id: UUID,
    change: PreferenceChange,
    expected_version: int | None,
    known_channels: Collection[str],
    actor: str,
    now: datetime,
) -> tuple[UUID, Preferences]:
    """Write what is to be different, and return as whom the customer counts today with all that they chose.

    Raises ``NotFound``, ``Conflict`` for another version than the one expected, ``UnknownValue`` for a channel, and
    whatever the single choices raise. Then nothing is written.
    """
    for channel in change.channels:
        check_channel(channel, known_channels, may_be_any=False)
    for topic in change.caps:
        _check_topic(topic)
    customer = await customer_to_change(session, customer_id=customer_id)
    await choices_of(session, customer_id=customer.id, expected_version=expected_version, now=now)
    await session.flush()
    before = (await read_preferences(session, customer_ids=[customer.id], now=now))[customer.id]
    await _keep(session, customer.id, before, change, told_to=actor, now=now)
    await _tell(session, "preferences.changed", customer.id, actor, now, changed=change.names)
    return customer.id, (await read_preferences(session, customer_ids=[customer.id], now=now))[customer.id]


async def _keep(
    session: AsyncSession,
    customer_id: UUID,
    before: Preferences,
    change: PreferenceChange,
    *,
    told_to: str,
    now: datetime,
) -> None:
    channels = {channel: before.is_on(channel) for channel in change.channels}
    caps = {topic: before.cap_of(topic) for topic in change.caps}
    await keep_channels(session, customer_id=customer_id, seen=channels, wanted=change.channels, now=now)
    await keep_caps(session, customer_id=customer_id, seen=caps, wanted=change.caps, now=now)
    if not isinstance(change.quiet_hours, Unset):
        seen, wanted = before.quiet_hours, change.quiet_hours
        await keep_quiet_hours(session, customer_id=customer_id, seen=seen, wanted=wanted, now=now)
    await keep_answers(
        session,
        customer_id=customer_id,
        answers=change.answers,
        may_be_used=change.answers_may_be_used,
        told_to=told_to,
        now=now,
    )


async def pause_contacts(
    session: AsyncSession,
    *,
    customer_id: UUID,
    begins_at: datetime | None,
    ends_at: datetime | None,
    channel: str = ANY,
    topic: str = ANY,
    known_channels: Collection[str],
    actor: str,
    now: datetime,
) -> Pause:
    """Let nothing through to a customer for a while; raises what ``add_pause`` raises, and ``UnknownValue``."""
    check_channel(channel, known_channels)
    _check_topic(topic)
    customer = await customer_to_change(session, customer_id=customer_id)
    begins = begins_at or now
    pause = await add_pause(
        session, customer_id=customer.id, begins_at=begins, ends_at=ends_at, channel=channel, topic=topic, now=now
    )
    await _tell(session, "pause.created", customer.id, actor, now, pauseId=str(pause.id))
    return pause


async def end_pauses(
    session: AsyncSession, *, customer_id: UUID, id: UUID | None, actor: str, now: datetime
) -> tuple[UUID, int]:
    """End all pauses of a customer, or one; return as whom they count today, and how many pauses there were."""
    customer = await customer_to_change(session, customer_id=customer_id)
    ended = await lift_pauses(session, customer_id=customer.id, id=id, now=now)
    if ended:
        await _tell(session, "pause.lifted", customer.id, actor, now, pauses=ended)
    return customer.id, ended


async def keep_wish(
    session: AsyncSession,
    *,
    customer_id: UUID,
    words: str,
    topic: str | None,
    ends_at: datetime | None,
    actor: str,
    now: datetime,
) -> AlertRequest:
    """Keep what a customer wants to be told; raises what ``request_alert`` raises, and ``NotFound``."""
    customer = await customer_to_change(session, customer_id=customer_id)
    wish = await request_alert(session, customer_id=customer.id, words=words, topic=topic, ends_at=ends_at, now=now)
    await _tell(session, "alert.requested", customer.id, actor, now, alertId=str(wish.id))
    return wish


async def cancel_wish(session: AsyncSession, *, customer_id: UUID, id: UUID, actor: str, now: datetime) -> AlertRequest:
    """Look out for it no longer; raises ``NotFound`` for a wish that is not this customer's."""
    customer = await customer_to_change(session, customer_id=customer_id)
    wish = await cancel_alert(session, customer_id=customer.id, id=id, now=now)
    await _tell(session, "alert.cancelled", customer.id, actor, now, alertId=str(wish.id))
    return wish


def check_channel(channel: str, known: Collection[str], *, may_be_any: bool = True) -> None:
    """Accept a channel that customers can choose; raises ``UnknownValue``."""
    if channel not in known and not (may_be_any and channel == ANY):
        raise UnknownValue("channel", channel, known, path=("channel",))


def _check_topic(topic: str) -> None:
    if topic != ANY and not TOPIC.fullmatch(topic):
        raise InvalidInput(f"{topic!r} is no topic. Write * for all, or books.tartt.", path=("topic",))


async def _tell(
    session: AsyncSession, type: str, customer_id: UUID, actor: str, now: datetime, **facts: object
) -> None:
    await record_event(session, type=type, subject=f"customer:{customer_id}", actor=actor, data=facts, now=now)
