"""What the events of sites and apps mean, in the API."""

from datetime import datetime

import strawberry
from strawberry.types import Info

from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, connection, mutation, relation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Payload
from regulars.tracking.events import map_event, map_standard_events, unmap_event
from regulars.tracking.meanings import FieldSource, Meaning
from regulars.tracking.models import MappedEvent, MappedField

__all__ = ["TrackingEventMutations", "TrackingEventQueries"]

AMOUNTS = "The properties in which the amount comes; the first that a message has counts."
CURRENCY = "The currency of messages whose property names none."
CHANNEL = "The channel of messages whose property names none."
EXTERNAL_ID = "The property by which the touchpoint is known, so that telling of it twice counts once."
FIELD = "The field of the payload; `lines.product` is a field of each entry of `lines`."
PROPERTY = "The property from which it comes; `campaign.name` is one inside another."
TIMES = "A property by which it is multiplied, such as the quantity beside a price."


@object_type(
    MappedField,
    name="TrackingEventField",
    permission="tracking:read",
    description="From which property of an event a field of the payload comes.",
)
class TrackingEventFieldNode:
    """From which property of an event a field of the payload comes."""

    field: str = column(MappedField.field, description=FIELD)
    property: str = column(MappedField.property, description=PROPERTY)
    times: str | None = column(MappedField.times, description=TIMES)


@object_type(
    MappedEvent,
    name="TrackingEvent",
    permission="tracking:read",
    description="What an event of a site or app means: which touchpoint it is, and where its parts come from.",
)
class TrackingEventNode:
    """What an event of a site or app means."""

    id: strawberry.ID = column(MappedEvent.id, description="The global id.", is_global_id=True, filterable=True)
    source: str = column(MappedEvent.source, description="The site or app that sends it.", filterable=True)
    event: str = column(MappedEvent.event, description="The event, as it is sent.", filterable=True, sortable=True)
    type: str = column(MappedEvent.type, description="The type of touchpoint that it is.", filterable=True)
    amount_properties: list[str] = column(MappedEvent.amount_properties, description=AMOUNTS)
    currency_property: str | None = column(
        MappedEvent.currency_property, description="The property in which the currency comes."
    )
    currency: str | None = column(MappedEvent.currency, description=CURRENCY)
    channel_property: str | None = column(
        MappedEvent.channel_property, description="The property in which the channel comes."
    )
    channel: str | None = column(MappedEvent.channel, description=CHANNEL)
    external_id_property: str | None = column(MappedEvent.external_id_property, description=EXTERNAL_ID)
    version: int = column(MappedEvent.version, description="Grows with each change; give it as `expectedVersion`.")
    updated_at: datetime = column(MappedEvent.updated_at, description="When it last changed.", sortable=True)
    fields: list[TrackingEventFieldNode] = relation(
        MappedField.event_id,
        description="Where the fields of the payload come from.",
        order_by=[MappedField.field],
        assumed_size=10,
    )


@strawberry.type
class TrackingEventQueries:
    """What can be asked about events of sites and apps."""

    tracking_events: Connection[TrackingEventNode] | None = connection(
        permission="tracking:read",
        description="Events that mean more than themselves; all others stand in the timeline as `track`.",
        order_by=[MappedEvent.source, MappedEvent.event],
    )


@strawberry.input(description="From which property of an event a field of the payload comes.")
class TrackingEventFieldInput:
    """From which property of an event a field of the payload comes."""

    field: str = strawberry.field(description=FIELD)
    property: str = strawberry.field(description=PROPERTY)
    times: str | None = strawberry.field(default=None, description=TIMES)


@strawberry.input(description="What an event means from now on; what is left out is not read.")
class TrackingEventMapInput(MutationInput):
    """What an event means from now on."""

    source: str = strawberry.field(description="The site or app that sends it, as its write key says.")
    event: str = strawberry.field(description="The event, as it is sent.")
    type: str = strawberry.field(description="The type of touchpoint that it is: order, visit…")
    amount_properties: list[str] = strawberry.field(default_factory=list, description=AMOUNTS)
    currency_property: str | None = strawberry.field(
        default=None, description="The property in which the currency comes."
    )
    currency: str | None = strawberry.field(default=None, description=CURRENCY)
    channel_property: str | None = strawberry.field(
        default=None, description="The property in which the channel comes."
    )
    channel: str | None = strawberry.field(default=None, description=CHANNEL)
    external_id_property: str | None = strawberry.field(default=None, description=EXTERNAL_ID)
    fields: list[TrackingEventFieldInput] = strawberry.field(
        default_factory=list, description="Where the fields of the payload come from."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless it is at this version; 0 where nothing was said yet."
    )

    def meaning(self) -> Meaning:
        """Return what the event means, as the service takes it."""
        return Meaning(
            source=self.source,
            event=self.event,
            type=self.type,
            amount_properties=tuple(self.amount_properties),
            currency_property=self.currency_property,
            currency=self.currency,
            channel_property=self.channel_property,
            channel=self.channel,
            external_id_property=self.external_id_property,
            fields=tuple(FieldSource(one.field, one.property, one.times) for one in self.fields),
        )


@strawberry.input(description="A source whose standard events of shops are to mean what the protocol says.")
class TrackingStandardEventsMapInput(MutationInput):
    """A source whose standard events of shops are to mean what the protocol says."""

    source: str = strawberry.field(description="The site or app that sends them, as its write key says.")
    currency: str | None = strawberry.field(default=None, description=CURRENCY)
    channel: str | None = strawberry.field(default=None, description="The channel of its orders and refunds.")


@strawberry.input(description="An event that is to mean nothing but itself.")
class TrackingEventUnmapInput(MutationInput):
    """An event that is to mean nothing but itself."""

    id: strawberry.ID = strawberry.field(description="The event.")


@value_type(description="What the event means after the change.")
class TrackingEventPayload(Payload):
    """What the event means after the change."""

    event: TrackingEventNode | None = strawberry.field(default=None, description="The event; null after an error.")


@value_type(description="What the standard events of a source mean.")
class TrackingStandardEventsPayload(Payload):
    """What the standard events of a source mean."""

    events: list[TrackingEventNode] | None = strawberry.field(
        default=None, description="The events as they stand; null after an error."
    )


@strawberry.type
class TrackingEventMutations:
    """What can be changed about events of sites and apps."""

    @mutation(
        permission="tracking:manage",
        description="Say which touchpoint an event of a source is from now on; what was taken in stays as it is.",
    )
    async def tracking_event_map(
        self, info: Info[RequestContext, None], input: TrackingEventMapInput
    ) -> TrackingEventPayload | None:
        """Say what an event means."""
        context = info.context
        row = await map_event(
            context.session,
            meaning=input.meaning(),
            types=context.services.touchpoint_types,
            expected_version=input.expected_version,
            actor=context.actor,
            now=context.now,
        )
        return TrackingEventPayload(event=shown_as(TrackingEventNode, row))

    @mutation(
        permission="tracking:manage",
        description="Take `Order Completed` and `Order Refunded` of a source for orders and refunds from now on;"
        " what was said of either before stays.",
    )
    async def tracking_standard_events_map(
        self, info: Info[RequestContext, None], input: TrackingStandardEventsMapInput
    ) -> TrackingStandardEventsPayload | None:
        """Say what the standard events of shops mean."""
        context = info.context
        rows = await map_standard_events(
            context.session,
            source=input.source,
            currency=input.currency,
            channel=input.channel,
            types=context.services.touchpoint_types,
            actor=context.actor,
            now=context.now,
        )
        return TrackingStandardEventsPayload(events=[shown_as(TrackingEventNode, row) for row in rows])

    @mutation(permission="tracking:manage", description="Let an event stand in the timeline as `track` again.")
    async def tracking_event_unmap(
        self, info: Info[RequestContext, None], input: TrackingEventUnmapInput
    ) -> TrackingEventPayload | None:
        """Let an event mean nothing but itself."""
        context = info.context
        await unmap_event(
            context.session, event_id=row_id("TrackingEvent", input.id), actor=context.actor, now=context.now
        )
        return TrackingEventPayload()
