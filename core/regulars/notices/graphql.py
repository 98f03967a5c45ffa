"""Notices in the API."""

from datetime import datetime

import strawberry
from strawberry.types import Info

from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.types import value_type
from regulars.fields.values import MutationInput, Payload
from regulars.notices.models import Notice
from regulars.notices.service import publish_notice, retire_notice

__all__ = ["NoticeMutations"]

NOTICES_WRITE = "notices:write"


@value_type(name="Notice", description="A text under which customers consent.")
class NoticeView:
    """A text under which customers consent."""

    version: str = strawberry.field(description="The name that grants give as `noticeVersion`.")
    language: str = strawberry.field(description="In which language it is.")
    text_sha256: str = strawberry.field(description="The SHA-256 of the text; grants under it carry it.")
    published_at: datetime = strawberry.field(description="Since when it can be shown.")


@value_type(description="The notice after the change, in each language that was changed.")
class NoticePayload(Payload):
    """The notice after the change."""

    notices: list[NoticeView] | None = strawberry.field(default=None, description="The texts; null after an error.")


@strawberry.input(description="A text to publish.")
class NoticePublishInput(MutationInput):
    """A text to publish."""

    version: str = strawberry.field(description="Its name, such as 2026-03.")
    language: str = strawberry.field(description="Its language, such as en.")
    text: str = strawberry.field(description="The text as customers see it; it can never be changed.")


@strawberry.input(description="A notice to retire.")
class NoticeRetireInput(MutationInput):
    """A notice to retire."""

    version: str = strawberry.field(description="Its name.")
    reason: str = strawberry.field(description="Why grants under it count no more.")


def _payload(rows: list[Notice]) -> NoticePayload:
    return NoticePayload(
        notices=[
            NoticeView(
                version=row.version,
                language=row.language,
                text_sha256=row.text_sha256,
                published_at=row.published_at,
            )
            for row in rows
        ]
    )


@strawberry.type
class NoticeMutations:
    """What can be changed about notices."""

    @mutation(permission=NOTICES_WRITE, description="Publish a text under which customers consent.")
    async def notice_publish(self, info: Info[RequestContext, None], input: NoticePublishInput) -> NoticePayload | None:
        """Publish a text."""
        context = info.context
        row = await publish_notice(
            context.session,
            version=input.version,
            language=input.language,
            text=input.text,
            actor=context.actor,
            now=context.now,
        )
        return _payload([row])

    @mutation(permission=NOTICES_WRITE, description="Let no grant under a notice count any more.")
    async def notice_retire(self, info: Info[RequestContext, None], input: NoticeRetireInput) -> NoticePayload | None:
        """Retire a notice."""
        context = info.context
        rows = await retire_notice(
            context.session,
            version=input.version,
            reason=input.reason,
            registry=context.services.consent_registry,
            actor=context.actor,
            now=context.now,
        )
        return _payload(rows)
