"""What staff change in the API about what customers choose, at their word."""

from collections.abc import Sequence

import strawberry
from strawberry.types import Info

from regulars import RequestContext, mutation, row_id, shown_as, start_job
from regulars_preference_centre.announcements import (
    ANNOUNCE_JOB,
    AT_ONCE,
    announce_item,
    tell_everybody,
    wait_for,
)
from regulars_preference_centre.answers import define_question, retire_question
from regulars_preference_centre.graphql import AlertRequestNode, AnnouncementNode, QuestionNode, StreamNode
from regulars_preference_centre.inputs import (
    AlertCancelInput,
    AlertPayload,
    AlertRequestInput,
    ItemAnnounceInput,
    ItemAnnouncePayload,
    PauseCreateInput,
    PauseLiftInput,
    PausePayload,
    PreferencesPayload,
    PreferencesUpdateInput,
    PreferenceWordsInput,
    QuestionDefineInput,
    QuestionPayload,
    QuestionRetireInput,
    StreamDefineInput,
    StreamPayload,
    StreamRetireInput,
)
from regulars_preference_centre.settings import PreferenceSettings
from regulars_preference_centre.streams import define_stream, retire_stream
from regulars_preference_centre.updating import (
    cancel_wish,
    end_pauses,
    keep_wish,
    pause_contacts,
    update_preferences,
)
from regulars_preference_centre.views import pause_shown, shown

__all__ = ["PreferenceMutations"]

PLUGIN = "preference_centre"
WRITE, MANAGE = "preference_centre:write", "preference_centre:manage"


def _channels(context: RequestContext) -> Sequence[str]:
    return context.of_plugin(PLUGIN).settings_as(PreferenceSettings).channels


def _titles(words: Sequence[PreferenceWordsInput]) -> dict[str, str]:
    return {each.language: each.title for each in words}


@strawberry.type
class PreferenceMutations:
    """What can be changed about what customers choose and wait for."""

    @mutation(permission=WRITE, description="Change what a customer wants to hear, as they ask. (preference_centre)")
    async def preferences_update(
        self, info: Info[RequestContext, None], input: PreferencesUpdateInput
    ) -> PreferencesPayload | None:
        """Change what a customer wants to hear."""
        context = info.context
        channels = _channels(context)
        _, preferences = await update_preferences(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            change=input.change(),
            expected_version=input.expected_version,
            known_channels=channels,
            actor=context.actor.label,
            now=context.now,
        )
        return PreferencesPayload(preferences=shown(preferences, channels))

    @mutation(permission=WRITE, description="Let nothing through to a customer for a while. (preference_centre)")
    async def pause_create(self, info: Info[RequestContext, None], input: PauseCreateInput) -> PausePayload | None:
        """Let nothing through for a while."""
        context = info.context
        pause = await pause_contacts(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            begins_at=input.begins_at,
            ends_at=input.ends_at,
            channel=input.channel,
            topic=input.topic,
            known_channels=_channels(context),
            actor=context.actor.label,
            now=context.now,
        )
        return PausePayload(pause=pause_shown(pause))

    @mutation(permission=WRITE, description="End one pause of a customer, or all of them. (preference_centre)")
    async def pause_lift(self, info: Info[RequestContext, None], input: PauseLiftInput) -> PausePayload | None:
        """End pauses."""
        context = info.context
        _, lifted = await end_pauses(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            id=None if input.id is None else row_id("PreferencePause", input.id),
            actor=context.actor.label,
            now=context.now,
        )
        return PausePayload(lifted=lifted)

    @mutation(
        permission=WRITE,
        description="Look out for something that a customer waits for; telling them needs consent. (preference_centre)",
    )
    async def alert_request(self, info: Info[RequestContext, None], input: AlertRequestInput) -> AlertPayload | None:
        """Look out for something."""
        context = info.context
        wish = await keep_wish(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            words=input.words,
            topic=input.topic,
            ends_at=input.ends_at,
            actor=context.actor.label,
            now=context.now,
        )
        return AlertPayload(alert_request=shown_as(AlertRequestNode, wish))

    @mutation(permission=WRITE, description="Look out for it no longer. (preference_centre)")
    async def alert_cancel(self, info: Info[RequestContext, None], input: AlertCancelInput) -> AlertPayload | None:
        """Look out for it no longer."""
        context = info.context
        wish = await cancel_wish(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            id=row_id("AlertRequest", input.id),
            actor=context.actor.label,
            now=context.now,
        )
        return AlertPayload(alert_request=shown_as(AlertRequestNode, wish))

    @mutation(
        permission=MANAGE,
        description="Tell all who wait for an item that it is there, each once; many by a job. (preference_centre)",
        cost=50,
    )
    async def item_announce(
        self, info: Info[RequestContext, None], input: ItemAnnounceInput
    ) -> ItemAnnouncePayload | None:
        """Tell everybody who waits for an item."""
        context = info.context
        announcement = await announce_item(
            context.session,
            key=input.key,
            title=input.title,
            url=input.url,
            topics=input.topics,
            channel=input.channel,
            expires_at=input.expires_at,
            known_channels=_channels(context),
            actor=context.actor.label,
            now=context.now,
        )
        payload = ItemAnnouncePayload(item_announcement=shown_as(AnnouncementNode, announcement))
        if await wait_for(context.session, announcement, most=AT_ONCE + 1, now=context.now) > AT_ONCE:
            payload.job = (await start_job(context, kind=ANNOUNCE_JOB, key=str(announcement.id))).job
        else:
            await tell_everybody(context.of_plugin(PLUGIN), announcement, now=context.now)
        return payload

    @mutation(permission=MANAGE, description="Offer a stream, or offer it in other words. (preference_centre)")
    async def stream_define(self, info: Info[RequestContext, None], input: StreamDefineInput) -> StreamPayload | None:
        """Offer a stream."""
        context = info.context
        stream = await define_stream(
            context.session,
            topic=input.topic,
            purpose=input.purpose,
            channels=input.channels,
            titles=_titles(input.words),
            descriptions={each.language: each.description for each in input.words if each.description},
            position=input.position,
            registry=context.services.consent_registry,
            actor=context.actor.label,
            now=context.now,
        )
        return StreamPayload(stream=shown_as(StreamNode, stream))

    @mutation(
        permission=MANAGE, description="Offer a stream no longer; what customers chose stays. (preference_centre)"
    )
    async def stream_retire(self, info: Info[RequestContext, None], input: StreamRetireInput) -> StreamPayload | None:
        """Offer a stream no longer."""
        context = info.context
        stream = await retire_stream(context.session, topic=input.topic, actor=context.actor.label, now=context.now)
        return StreamPayload(stream=shown_as(StreamNode, stream))

    @mutation(permission=MANAGE, description="Ask customers something, or ask it in other words. (preference_centre)")
    async def question_define(
        self, info: Info[RequestContext, None], input: QuestionDefineInput
    ) -> QuestionPayload | None:
        """Ask customers something."""
        question = await define_question(
            info.context.session,
            key=input.key,
            kind=input.kind,
            topic=input.topic,
            titles=_titles(input.words),
            options={option.value: _titles(option.words) for option in input.options},
            position=input.position,
        )
        return QuestionPayload(question=shown_as(QuestionNode, question))

    @mutation(
        permission=MANAGE, description="Ask it no longer; what customers answered stays theirs. (preference_centre)"
    )
    async def question_retire(
        self, info: Info[RequestContext, None], input: QuestionRetireInput
    ) -> QuestionPayload | None:
        """Ask it no longer."""
        question = await retire_question(info.context.session, key=input.key, now=info.context.now)
        return QuestionPayload(question=shown_as(QuestionNode, question))
