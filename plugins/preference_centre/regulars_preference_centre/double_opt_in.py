"""Double opt-in: what somebody granted for a customer counts once they confirm it from their own address."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from regulars import (
    EventEnvelope,
    MessageContent,
    MessageDraft,
    MessageTemplate,
    MessageToWrite,
    NotFound,
    PluginContext,
    read_identity,
    waiting_grant,
)
from regulars_preference_centre.mails import page_address, written
from regulars_preference_centre.models import Stream
from regulars_preference_centre.page.words import words_of
from regulars_preference_centre.settings import PreferenceSettings
from regulars_preference_centre.streams import in_language

__all__ = ["CONFIRM", "CONFIRM_TEMPLATE", "ask_to_confirm", "name_of_topic"]

CONFIRM = "preference_centre.confirm"
LIFETIME = timedelta(days=7)
KINDS = {"email": "email", "sms": "phone", "whatsapp": "phone"}
"""By which channels a link can be sent, and what kind of address each needs."""


async def ask_to_confirm(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
    """Send a link for each grant that waits for its customer; told again, it is the same message."""
    for event in events:
        grant = await waiting_grant(ctx.session, event_id=UUID(str(event.data["consentEventId"])))
        if grant is None or grant.is_confirmed:
            continue
        draft = MessageDraft(
            key=f"confirm:{grant.event_id}",
            template=CONFIRM,
            channel=grant.scope.channel if grant.scope.channel in KINDS else "email",
            customer_id=grant.customer_id,
            payload={"grant": str(grant.event_id), "topic": grant.scope.topic},
            language=grant.language,
            expires_at=event.occurred_at + LIFETIME,
        )
        try:
            await ctx.messages.enqueue(draft)
        except NotFound:  # deleted or erased since
            ctx.log.info("confirmation.nobody_to_ask")


async def write_confirmation(ctx: PluginContext, message: MessageToWrite) -> MessageContent | None:
    """Write the mail with the link; None when the customer confirmed it already, or has no address for it."""
    grant = await waiting_grant(ctx.session, event_id=UUID(str(message.payload["grant"])))
    kind = KINDS.get(message.channel)
    if grant is None or grant.is_confirmed or kind is None or message.address is None:
        return None
    address = read_identity(kind, message.address)
    token = ctx.door.confirmation_link(event_id=grant.event_id, address=address, now=ctx.clock.now())
    language = message.language.partition("-")[0]
    link = page_address(ctx, f"confirm?grant={quote(token)}&lang={quote(language)}")
    what = await name_of_topic(ctx, str(message.payload["topic"]), language)
    return written("confirm", message, shop=ctx.company.name, link=link, what=what)


CONFIRM_TEMPLATE = MessageTemplate(CONFIRM, "transactional", write_confirmation)


async def name_of_topic(ctx: PluginContext, topic: str, language: str) -> str:
    """Return what a topic is called: its stream's title, or in general words what is sent."""
    stream = await ctx.session.get(Stream, topic)
    usual = ctx.settings_as(PreferenceSettings).languages[0]
    return (stream and in_language(stream.titles, language, usual)) or words_of("confirming", language)("anything")
