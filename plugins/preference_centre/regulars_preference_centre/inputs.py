"""What the mutations of the preference centre take and answer."""

from datetime import datetime

import strawberry

from regulars import InvalidInput, JobNode, MutationInput, Payload, UnknownValue, Unset, free, given, value_type
from regulars_preference_centre.choices import CapChoice
from regulars_preference_centre.graphql import AlertRequestNode, AnnouncementNode, QuestionNode, StreamNode
from regulars_preference_centre.levels import LEVELS, level_named
from regulars_preference_centre.times import QuietHours, read_quiet_hours
from regulars_preference_centre.updating import PreferenceChange
from regulars_preference_centre.views import CustomerPreferences, PreferencePause

__all__ = [
    "AlertCancelInput",
    "AlertPayload",
    "AlertRequestInput",
    "ItemAnnounceInput",
    "ItemAnnouncePayload",
    "PauseCreateInput",
    "PauseLiftInput",
    "PausePayload",
    "PreferencesPayload",
    "PreferencesUpdateInput",
    "QuestionDefineInput",
    "QuestionPayload",
    "QuestionRetireInput",
    "StreamDefineInput",
    "StreamPayload",
    "StreamRetireInput",
]


@strawberry.input(description="A channel to switch on or off.")
class PreferenceChannelInput:
    """A channel to switch on or off."""

    channel: str = strawberry.field(description="The channel.")
    is_on: bool = strawberry.field(description="Whether it is on; it needs consent all the same.")


@strawberry.input(description="How often a topic may come: one of the levels of the page, or numbers.")
class PreferenceLevelInput:
    """How often a topic may come."""

    topic: str = strawberry.field(default="*", description="About what; `*` means all.")
    level: str | None = strawberry.field(
        default=None, description="as_now, weekly, fortnightly, four_weekly or none; instead of numbers."
    )
    most: int | None = strawberry.field(default=None, description="How many messages at most; 0 is never.")
    window_h: int | None = strawberry.field(default=None, description="In how many hours.")

    def cap(self) -> CapChoice:
        """Return what is wanted; raises ``UnknownValue`` for a level, ``OutOfRange`` for numbers that cannot be."""
        if self.level is None:
            if self.most is None or self.window_h is None:
                raise InvalidInput("Give a level, or most and windowH.", path=("levels",))
            return CapChoice(self.most, self.window_h)
        if self.most is not None or self.window_h is not None:
            raise InvalidInput("Give a level or numbers, not both.", path=("levels",))
        level = level_named(self.level)
        if level is None:
            raise UnknownValue("level", self.level, [level.name for level in LEVELS], path=("levels",))
        return CapChoice(level.most, level.window_h)


@strawberry.input(description="Hours of the day in which nothing may come.")
class PreferenceQuietHoursInput:
    """Hours of the day in which nothing may come."""

    begin: str = strawberry.field(description="From, such as 20:30.")
    end: str = strawberry.field(description="To, such as 08:00; past midnight where it is earlier than the beginning.")


@strawberry.input(description="An answer to a question.")
class PreferenceAnswerInput:
    """An answer to a question."""

    key: str = strawberry.field(description="The question.")
    value: str = strawberry.field(description="What they told; empty takes an earlier answer back.")


@strawberry.input(description="What a customer wants to be different. What is left out stays; null clears it.")
class PreferencesUpdateInput(MutationInput):
    """What a customer wants to be different."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; CONFLICT when it is another by now."
    )
    channels: list[PreferenceChannelInput] = strawberry.field(
        default_factory=list, description="Channels to switch; the others stay."
    )
    levels: list[PreferenceLevelInput] = strawberry.field(
        default_factory=list, description="How often; topics that are not named stay."
    )
    quiet_hours: PreferenceQuietHoursInput | None = strawberry.field(
        default=strawberry.UNSET, description="Their own quiet hours; null takes them away."
    )
    answers: list[PreferenceAnswerInput] = strawberry.field(
        default_factory=list, description="What they told; other answers stay."
    )
    answers_may_be_used: bool = strawberry.field(
        default=False, description="Whether they allow that offers are chosen by these answers."
    )

    def change(self) -> PreferenceChange:
        """Return the change as the service takes it; raises ``InvalidTime`` and what ``cap`` raises."""
        return PreferenceChange(
            channels={each.channel: each.is_on for each in self.channels},
            caps={each.topic: each.cap() for each in self.levels},
            quiet_hours=_hours(given(self.quiet_hours)),
            answers={each.key: each.value for each in self.answers},
            answers_may_be_used=self.answers_may_be_used,
        )


def _hours(wanted: PreferenceQuietHoursInput | Unset | None) -> QuietHours | Unset:
    return wanted if wanted is None or isinstance(wanted, Unset) else read_quiet_hours(wanted.begin, wanted.end)


@value_type(description="What the customer chose after the change. (preference_centre)")
class PreferencesPayload(Payload):
    """What the customer chose after the change."""

    preferences: CustomerPreferences | None = free(
        description="All that they chose; null after an error.", default=None
    )


@strawberry.input(description="A time during which a customer wants to hear nothing.")
class PauseCreateInput(MutationInput):
    """A time during which a customer wants to hear nothing."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    begins_at: datetime | None = strawberry.field(default=None, description="From when on; now unless said otherwise.")
    ends_at: datetime | None = strawberry.field(
        default=None, description="Until just before when; without it until somebody lifts it."
    )
    channel: str = strawberry.field(default="*", description="By which channel; `*` means all.")
    topic: str = strawberry.field(default="*", description="About what; `*` means all.")


@strawberry.input(description="A pause to end.")
class PauseLiftInput(MutationInput):
    """A pause to end."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    id: strawberry.ID | None = strawberry.field(default=None, description="The pause; without it all of them.")


@value_type(description="The pause, and what else the customer chose. (preference_centre)")
class PausePayload(Payload):
    """The pause, and what else the customer chose."""

    pause: PreferencePause | None = free(description="The new pause; null after an error.", default=None)
    lifted: int | None = strawberry.field(default=None, description="How many pauses were ended.")


@strawberry.input(description="Something that a customer wants to be told about.")
class AlertRequestInput(MutationInput):
    """Something that a customer wants to be told about."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    words: str = strawberry.field(description="What they wait for, in their words; all must stand in an item's title.")
    topic: str | None = strawberry.field(default=None, description="Instead of the words, the topic of an item.")
    ends_at: datetime | None = strawberry.field(default=None, description="Until when they wait.")


@strawberry.input(description="A wish to look out for no longer.")
class AlertCancelInput(MutationInput):
    """A wish to look out for no longer."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    id: strawberry.ID = strawberry.field(description="The wish.")


@value_type(description="The wish after the change. (preference_centre)")
class AlertPayload(Payload):
    """The wish after the change."""

    alert_request: AlertRequestNode | None = free(description="The wish; null after an error.", default=None)


@strawberry.input(description="Something that arrived.")
class ItemAnnounceInput(MutationInput):
    """Something that arrived."""

    key: str = strawberry.field(description="Your name for it: the same key is told once, and is the campaign.")
    title: str = strawberry.field(description="What it is called, as customers read it.")
    url: str = strawberry.field(description="Where it can be seen.")
    topics: list[str] = strawberry.field(default_factory=list, description="The topics that it carries.")
    channel: str = strawberry.field(default="email", description="By which channel it is told to those who chose none.")
    expires_at: datetime | None = strawberry.field(default=None, description="From when on it is no news.")


@value_type(description="The announcement. (preference_centre)")
class ItemAnnouncePayload(Payload):
    """The announcement."""

    item_announcement: AnnouncementNode | None = free(
        description="The announcement; null after an error.", default=None
    )
    job: JobNode | None = free(description="The job that tells it, when many wait.", default=None)


@strawberry.input(description="What something is called in one language.")
class PreferenceWordsInput:
    """What something is called in one language."""

    language: str = strawberry.field(description="The language: en, de, ar.")
    title: str = strawberry.field(description="Its title.")
    description: str = strawberry.field(default="", description="What it is, in a sentence.")


@strawberry.input(description="Something that can reach customers; the same topic is the same stream, in other words.")
class StreamDefineInput(MutationInput):
    """Something that can reach customers."""

    topic: str = strawberry.field(description="Its topic in the ledger of consents, such as books.tartt.")
    purpose: str = strawberry.field(default="marketing.own", description="Its purpose in the ledger.")
    channels: list[str] = strawberry.field(description="By which channels it comes.")
    words: list[PreferenceWordsInput] = strawberry.field(description="What it is called, in each language.")
    position: int = strawberry.field(default=0, description="Its place on the page.")


@strawberry.input(description="A stream to offer no longer.")
class StreamRetireInput(MutationInput):
    """A stream to offer no longer."""

    topic: str = strawberry.field(description="Its topic.")


@value_type(description="The stream after the change. (preference_centre)")
class StreamPayload(Payload):
    """The stream after the change."""

    stream: StreamNode | None = free(description="The stream; null after an error.", default=None)


@strawberry.input(description="An answer that can be chosen.")
class PreferenceOptionInput:
    """An answer that can be chosen."""

    value: str = strawberry.field(description="The answer for programs.")
    words: list[PreferenceWordsInput] = strawberry.field(description="What it is called, in each language.")


@strawberry.input(description="Something to ask customers; the same key is the same question, in other words.")
class QuestionDefineInput(MutationInput):
    """Something to ask customers."""

    key: str = strawberry.field(description="Its name for programs.")
    kind: str = strawberry.field(description="roadblock, matter or fact.")
    topic: str | None = strawberry.field(default=None, description="What a matter belongs to.")
    words: list[PreferenceWordsInput] = strawberry.field(description="How it is asked, in each language.")
    options: list[PreferenceOptionInput] = strawberry.field(
        default_factory=list, description="What can be chosen; without any the answer is free text."
    )
    position: int = strawberry.field(default=0, description="Its place on the page.")


@strawberry.input(description="A question to ask no longer.")
class QuestionRetireInput(MutationInput):
    """A question to ask no longer."""

    key: str = strawberry.field(description="Its name for programs.")


@value_type(description="The question after the change. (preference_centre)")
class QuestionPayload(Payload):
    """The question after the change."""

    question: QuestionNode | None = free(description="The question; null after an error.", default=None)
