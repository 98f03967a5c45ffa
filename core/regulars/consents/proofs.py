"""Proofs about consents in the API: double opt-in, the audit of a contact, and receipts."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.consents.confirmations import confirm_consent
from regulars.consents.graphql import ConsentAnswer, ConsentEventNode, ConsentPayload
from regulars.consents.knowledge import audit_contact
from regulars.consents.receipts import receipt_for
from regulars.contact.policies import consent_policy_at
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation, resolver
from regulars.fields.ids import row_id
from regulars.fields.types import shown_as, value_type
from regulars.fields.values import MutationInput

__all__ = ["ConsentProofMutations", "ConsentProofQueries"]


@value_type(description="Whether a contact was right, by what was known when it was made and by what is known now.")
class ConsentAudit:
    """Whether a contact was right."""

    verdict: str = strawberry.field(
        description=(
            "right; no_consent_known: nothing allowed it by what was known then; late_withdrawal: a withdrawal held"
            " already and was recorded after; no_consent: allowed then, and not by what is known now."
        )
    )
    known_then: ConsentAnswer = strawberry.field(description="What the ledger said by what was known then.")
    known_now: ConsentAnswer = strawberry.field(description="What it says about that moment now.")
    lag_seconds: int | None = strawberry.field(
        description="How long a late withdrawal had held before it was recorded."
    )


@value_type(description="A receipt of one consent after ISO/IEC TS 27560, for the customer to keep.")
class ConsentReceipt:
    """A receipt of one consent."""

    receipt_id: str = strawberry.field(description="The receipt's own id.")
    media_type: str = strawberry.field(description="application/json.")
    content: JSON = strawberry.field(description="The receipt; its schema is `receipt.schema.json` in the repository.")


@strawberry.type
class ConsentProofQueries:
    """What can be asked about proofs."""

    @resolver(
        permission="consents:read",
        description="Whether a contact that was made at `at` was right by what was known then, and by what is known.",
        cost=10,
    )
    async def consent_audit(
        self,
        info: Info[RequestContext, None],
        customer_id: Annotated[strawberry.ID, strawberry.argument(description="Who was contacted.")],
        purpose: Annotated[str, strawberry.argument(description="What for, such as `marketing`.")],
        channel: Annotated[str, strawberry.argument(description="By which channel, such as `email`.")],
        at: Annotated[datetime, strawberry.argument(description="When.")],
        topic: Annotated[str, strawberry.argument(description="About what; `*` for nothing in particular.")] = "*",
        sender: Annotated[str, strawberry.argument(description="Who sent it: `self`, or a partner.")] = "self",
    ) -> ConsentAudit | None:
        """Return whether a contact was right."""
        context = info.context
        async with context.alone() as session:
            audit = await audit_contact(
                session,
                customer_id=context.policy.own(row_id("Customer", customer_id)),
                purpose=purpose,
                channel=channel,
                topic=topic,
                at=at,
                known_at=context.now,
                sender=sender,
                registry=context.services.consent_registry,
                policy=await consent_policy_at(session, moment=at),
            )
        return ConsentAudit(
            verdict=audit.verdict,
            known_then=ConsentAnswer.of(audit.known_then),
            known_now=ConsentAnswer.of(audit.known_now),
            lag_seconds=None if audit.lag is None else int(audit.lag.total_seconds()),
        )

    @resolver(permission="consents:read", description="The receipt of one entry of the ledger.", cost=5)
    async def consent_receipt(
        self,
        info: Info[RequestContext, None],
        id: Annotated[strawberry.ID, strawberry.argument(description="The entry in the ledger.")],
    ) -> ConsentReceipt | None:
        """Return the receipt of one entry."""
        context = info.context
        async with context.alone() as session:
            content = await receipt_for(
                session,
                event_id=row_id("ConsentEvent", id),
                only_of=context.actor.customer_id,
                company=context.company,
            )
        if content is None:
            return None
        shown: JSON = content  # type: ignore[assignment]
        return ConsentReceipt(
            receipt_id=content["receipt_metadata"]["receipt_id"], media_type="application/json", content=shown
        )


@strawberry.input(description="A grant that waited for its confirmation.")
class ConsentConfirmInput(MutationInput):
    """A grant that waited for its confirmation."""

    id: strawberry.ID = strawberry.field(description="The entry that waits.")
    reason: str = strawberry.field(description="How the customer confirmed, in words that can be shown to them.")


@strawberry.type
class ConsentProofMutations:
    """What can be changed about proofs."""

    @mutation(
        permission="consents:write",
        description="Record that the customer completed a double opt-in; a second time changes nothing.",
    )
    async def consent_confirm(
        self, info: Info[RequestContext, None], input: ConsentConfirmInput
    ) -> ConsentPayload | None:
        """Complete a double opt-in."""
        context = info.context
        row = await confirm_consent(
            context.session,
            event_id=row_id("ConsentEvent", input.id),
            reason=input.reason,
            registry=context.services.consent_registry,
            actor=context.actor,
            now=context.now,
        )
        return ConsentPayload(consent=shown_as(ConsentEventNode, row))
