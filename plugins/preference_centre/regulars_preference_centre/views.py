"""How the API shows what one customer chose and told."""

from collections.abc import Collection
from datetime import datetime

import strawberry

from regulars import free, value_type
from regulars_preference_centre.choices import ANY
from regulars_preference_centre.levels import level_of
from regulars_preference_centre.models import Cap, Pause
from regulars_preference_centre.readings import Preferences, Told

__all__ = ["CustomerPreferences", "InLanguage", "PreferencePause", "QuestionOption", "pause_shown", "shown"]


@value_type(name="PreferenceWords", description="What something is called in one language. (preference_centre)")
class InLanguage:
    """What something is called in one language."""

    language: str = strawberry.field(description="The language.")
    title: str = strawberry.field(description="Its title.")
    description: str | None = strawberry.field(description="What it is, in a sentence.")


@value_type(name="PreferenceOption", description="An answer that can be chosen. (preference_centre)")
class QuestionOption:
    """An answer that can be chosen."""

    value: str = strawberry.field(description="The answer for programs.")
    words: list[InLanguage] = free(description="What it is called in each language.", assumed_size=3)


@value_type(description="Whether a channel is on for a customer. (preference_centre)")
class PreferenceChannel:
    """Whether a channel is on."""

    channel: str = strawberry.field(description="The channel.")
    is_on: bool = strawberry.field(description="Whether it is on; it needs consent all the same.")
    changed_at: datetime | None = strawberry.field(description="When they said so; null while they never did.")


@value_type(description="How often at most, as a customer chose. (preference_centre)")
class PreferenceLevel:
    """How often at most."""

    topic: str = strawberry.field(description="About what; `*` means all.")
    channel: str = strawberry.field(description="By which channel; `*` means all.")
    level: str | None = strawberry.field(
        description="as_now, weekly, fortnightly, four_weekly or none; null for numbers of their own."
    )
    most: int | None = strawberry.field(description="How many messages at most; 0 is never, null as the house does.")
    window_h: int = strawberry.field(description="In how many hours.")
    changed_at: datetime = strawberry.field(description="When they said so.")


@value_type(description="A time during which a customer wants to hear nothing. (preference_centre)")
class PreferencePause:
    """A time during which a customer wants to hear nothing."""

    id: strawberry.ID = strawberry.field(description="The pause, for `pauseLift`.")
    channel: str = strawberry.field(description="By which channel; `*` means all.")
    topic: str = strawberry.field(description="About what; `*` means all.")
    begins_at: datetime = strawberry.field(description="From when on.")
    ends_at: datetime | None = strawberry.field(description="Until just before when; null until it is lifted.")
    created_at: datetime = strawberry.field(description="When they said so.")


@value_type(description="Hours of the day, on the customer's own wall, in which nothing may come. (preference_centre)")
class PreferenceQuietHours:
    """Hours in which nothing may come."""

    begin: str = strawberry.field(description="From, such as 20:30.")
    end: str = strawberry.field(description="To, such as 08:00; past midnight where it is earlier than the beginning.")


@value_type(description="What a customer waits for. (preference_centre)")
class PreferenceWish:
    """What a customer waits for."""

    id: strawberry.ID = strawberry.field(description="The wish, for `alertCancel`.")
    words: str = strawberry.field(description="Their own words.")
    topic: str = strawberry.field(description="The topic that an item must carry; `wish.…` where the words tell.")
    ends_at: datetime | None = strawberry.field(description="Until when they wait.")
    created_at: datetime = strawberry.field(description="Since when they wait.")


@value_type(description="What a customer told in answer to a question, and how it is known. (preference_centre)")
class PreferenceAnswer:
    """What a customer told."""

    key: str = strawberry.field(description="The question.")
    question_kind: str = strawberry.field(description="roadblock, matter or fact.")
    topic: str | None = strawberry.field(description="What a matter belongs to.")
    value: str = strawberry.field(description="What they told.")
    may_be_used: bool = strawberry.field(description="Whether they allow that offers are chosen by it.")
    kind: str = strawberry.field(description="Always `declared`: they told it themselves.")
    source: str = strawberry.field(description="Where: `page`, or whoever of the shop wrote it down.")
    told_at: datetime = strawberry.field(description="When they told it.")


@value_type(description="What a customer chose and told. (preference_centre)")
class CustomerPreferences:
    """What a customer chose and told."""

    version: int = strawberry.field(description="For `expectedVersion`; 0 while they never chose anything.")
    changed_at: datetime | None = strawberry.field(description="When they last chose something.")
    quiet_hours: PreferenceQuietHours | None = free(description="Their own quiet hours.")
    channels: list[PreferenceChannel] = free(description="Every channel that can be chosen.", assumed_size=5)
    levels: list[PreferenceLevel] = free(description="How often, where they chose it.", assumed_size=5)
    pauses: list[PreferencePause] = free(description="Pauses that are not over.", assumed_size=2)
    outside_legal_hours: list[str] = strawberry.field(
        description="Channels by which they may be contacted outside the legal hours, as they allowed."
    )
    alerts: list[PreferenceWish] = free(description="What they wait for.", assumed_size=10)
    answers: list[PreferenceAnswer] = free(description="What they told.", assumed_size=10)


def shown(preferences: Preferences, channels: Collection[str]) -> CustomerPreferences:
    """Return what a customer chose as the API shows it, with all ``channels`` that can be chosen."""
    hours = preferences.quiet_hours
    said = {row.channel: row.changed_at for row in preferences.channels}
    return CustomerPreferences(
        version=preferences.version,
        changed_at=preferences.changed_at,
        quiet_hours=None if hours is None else PreferenceQuietHours(begin=hours[0], end=hours[1]),
        channels=[
            PreferenceChannel(channel=channel, is_on=preferences.is_on(channel), changed_at=said.get(channel))
            for channel in dict.fromkeys([*channels, *sorted(said)])
        ],
        levels=[_level(cap) for cap in preferences.caps],
        pauses=[pause_shown(pause) for pause in preferences.pauses],
        outside_legal_hours=sorted({row.channel for row in preferences.lifted_hours}),
        alerts=[
            PreferenceWish(
                id=strawberry.ID(str(wish.id)),
                words=wish.words,
                topic=wish.topic,
                ends_at=wish.ends_at,
                created_at=wish.created_at,
            )
            for wish in preferences.alerts
        ],
        answers=[_answer(told) for told in preferences.told],
    )


def pause_shown(pause: Pause) -> PreferencePause:
    """Return a pause as the API shows it."""
    return PreferencePause(
        id=strawberry.ID(str(pause.id)),
        channel=pause.channel,
        topic=pause.topic,
        begins_at=pause.begins_at,
        ends_at=pause.ends_at,
        created_at=pause.created_at,
    )


def _level(cap: Cap) -> PreferenceLevel:
    named = level_of(cap.most, cap.window_h) if cap.channel == ANY else None
    return PreferenceLevel(
        topic=cap.topic,
        channel=cap.channel,
        level=None if named is None else named.name,
        most=cap.most,
        window_h=cap.window_h,
        changed_at=cap.changed_at,
    )


def _answer(told: Told) -> PreferenceAnswer:
    return PreferenceAnswer(
        key=told.question.key,
        question_kind=told.question.kind,
        topic=told.question.topic,
        value=told.answer.value,
        may_be_used=told.answer.may_be_used,
        kind="declared",
        source=told.answer.told_to,
        told_at=told.answer.told_at,
    )
