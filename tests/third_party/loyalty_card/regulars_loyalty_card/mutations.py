"""What can be changed about loyalty cards."""

import strawberry
from strawberry.types import Info

from regulars import (
    MutationInput,
    Payload,
    RequestContext,
    customer_to_change,
    free,
    mutation,
    record_event,
    row_id,
    shown_as,
    value_type,
)
from regulars_loyalty_card.counting import count_points
from regulars_loyalty_card.graphql import LoyaltyCardNode
from regulars_loyalty_card.manifest import LoyaltySettings
from regulars_loyalty_card.models import LoyaltyAccount

__all__ = ["LoyaltyMutations"]


@strawberry.input(description="Whose points to count.")
class LoyaltyCardCountInput(MutationInput):
    """Whose points to count."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")


@value_type(name="LoyaltyCardCountPayload", description="The card with its points. (loyalty_card)")
class LoyaltyCardCountPayload(Payload):
    """The card with its points."""

    loyalty_card: LoyaltyCardNode | None = free(description="Their card; null without orders.", default=None)


@strawberry.type
class LoyaltyMutations:
    """What can be changed about loyalty cards."""

    @mutation(permission="loyalty_card:count", description="Count a customer's points anew. (loyalty_card)")
    async def loyalty_card_count(
        self, info: Info[RequestContext, None], input: LoyaltyCardCountInput
    ) -> LoyaltyCardCountPayload | None:
        """Count a customer's points anew."""
        context = info.context
        customer = await customer_to_change(context.session, customer_id=row_id("Customer", input.customer_id))
        settings = context.of_plugin("loyalty_card").settings_as(LoyaltySettings)
        await count_points(context.session, customer_ids=[customer.id], settings=settings, now=context.now)
        await record_event(
            context.session,
            type="loyalty_card.counted",
            subject=f"customer:{customer.id}",
            actor=context.actor.label,
            data={},
            now=context.now,
        )
        account = await context.session.get(LoyaltyAccount, customer.id)
        return LoyaltyCardCountPayload(loyalty_card=None if account is None else shown_as(LoyaltyCardNode, account))
