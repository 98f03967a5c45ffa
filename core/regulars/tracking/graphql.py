"""Rejected messages of sites and apps in the API."""

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, connection, mutation
from regulars.fields.ids import global_id, row_id
from regulars.fields.types import object_type, value_type
from regulars.fields.values import Connection, MutationInput, Payload
from regulars.tracking.models import RejectedMessage

if TYPE_CHECKING:
    from regulars.tracking.requests import Replayed

__all__ = ["TrackingMutations", "TrackingQueries"]


@object_type(
    RejectedMessage,
    name="TrackingRejection",
    permission="tracking:read",
    description="A message of a site or app that could not be kept; it is forgotten after 30 days.",
)
class TrackingRejectionNode:
    """A message that could not be kept."""

    id: strawberry.ID = column(RejectedMessage.id, description="The global id.", is_global_id=True, filterable=True)
    source: str = column(RejectedMessage.source, description="The site or app that sent it.", filterable=True)
    message_id: str | None = column(RejectedMessage.message_id, description="Its id there.", filterable=True)
    type: str | None = column(RejectedMessage.type, description="track, identify, …, as it was sent.", filterable=True)
    code: str = column(RejectedMessage.code, description="Why, as a stable word.", filterable=True)
    reason: str = column(RejectedMessage.reason, description="Why, and what to do next.")
    message: JSON | None = column(
        RejectedMessage.masked, description="Its shape: the names of its values, and a word in place of each."
    )
    can_be_replayed: bool = column(
        col(RejectedMessage.body).is_not(None), description="Whether `trackingReplay` can take it in.", filterable=True
    )
    received_at: datetime = column(
        RejectedMessage.received_at, description="When it came.", filterable=True, sortable=True
    )
    replayed_at: datetime | None = column(
        RejectedMessage.replayed_at, description="When it was last taken up again.", filterable=True
    )


@strawberry.type
class TrackingQueries:
    """What can be asked about messages of sites and apps."""

    tracking_rejections: Connection[TrackingRejectionNode] | None = connection(
        permission="tracking:read",
        description="Messages that could not be kept, the newest first.",
        order_by=[col(RejectedMessage.received_at).desc()],
    )


@strawberry.input(description="Rejected messages to take in again.")
class TrackingReplayInput(MutationInput):
    """Rejected messages to take in again."""

    ids: list[strawberry.ID] = strawberry.field(description="The rejected messages, at most 500.")


@value_type(description="What became of a rejected message.")
class TrackingReplayResult:
    """What became of a rejected message."""

    id: strawberry.ID = strawberry.field(description="The rejected message.")
    status: str = strawberry.field(description="accepted, duplicate or rejected.")
    code: str | None = strawberry.field(default=None, description="Why it was rejected again, as a stable word.")
    message: str | None = strawberry.field(default=None, description="Why it was rejected again.")


@value_type(description="What became of the rejected messages.")
class TrackingReplayPayload(Payload):
    """What became of the rejected messages."""

    results: list[TrackingReplayResult] | None = strawberry.field(
        default=None, description="What became of each, in the order asked; null after an error."
    )


@strawberry.type
class TrackingMutations:
    """What can be changed about messages of sites and apps."""

    @mutation(permission="tracking:manage", description="Take rejected messages in again, once the reason is gone.")
    async def tracking_replay(
        self, info: Info[RequestContext, None], input: TrackingReplayInput
    ) -> TrackingReplayPayload | None:
        """Take rejected messages in again."""
        from regulars.tracking.requests import replay_rejected  # what takes messages in is not for every server
        from regulars.tracking.service import Registries

        context, services = info.context, info.context.services
        done = await replay_rejected(
            context.session,
            ids=[row_id("TrackingRejection", id) for id in input.ids],
            known=Registries(services.touchpoint_types, services.trait_registry, services.consent_registry),
            actor=context.actor,
            on_merged=services.on_merged(context.actor),
            now=context.now,
        )
        return TrackingReplayPayload(results=[_shown(one) for one in done])


def _shown(one: "Replayed") -> TrackingReplayResult:
    return TrackingReplayResult(
        id=strawberry.ID(global_id("TrackingRejection", one.id)),
        status=one.status,
        code=None if one.error is None else one.error.code,
        message=None if one.error is None else str(one.error),
    )
