"""Record what many customers allow through the API."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from regulars.consents.changes import ConsentChange
from regulars.consents.graphql import ConsentEventNode, ConsentGrantInput, ConsentScopeInput
from regulars.consents.models import ConsentEvent
from regulars.consents.service import record_consent
from regulars.customers.survivors import locked_survivors
from regulars.errors import InvalidInput
from regulars.fields.bulk import bulk_mutation
from regulars.fields.context import RequestContext
from regulars.fields.ids import row_id

__all__ = ["CONSENT_BULK"]


async def _hold(context: RequestContext, rows: Sequence[ConsentScopeInput]) -> None:
    await locked_survivors(context.session, set(_ids(rows)))


def _ids(rows: Sequence[ConsentScopeInput]) -> Iterator[UUID]:
    for row in rows:
        try:
            yield row_id("Customer", row.customer_id)
        except InvalidInput:
            continue


async def _grant(context: RequestContext, row: ConsentGrantInput) -> ConsentEvent:
    return await _record(context, row.grant())


async def _withdraw(context: RequestContext, row: ConsentScopeInput) -> ConsentEvent:
    return await _record(context, row.withdrawal())


async def _record(context: RequestContext, change: ConsentChange) -> ConsentEvent:
    registry = context.services.consent_registry
    return await record_consent(context.session, change=change, registry=registry, actor=context.actor, now=context.now)


CONSENT_BULK = (
    bulk_mutation(
        "consent_bulk_grant",
        rows=ConsentGrantInput,
        entity=("consent", ConsentEventNode),
        hold=_hold,
        write=_grant,
        permission="consents:write",
        description="Record up to 500 grants.",
    ),
    bulk_mutation(
        "consent_bulk_withdraw",
        rows=ConsentScopeInput,
        entity=("consent", ConsentEventNode),
        hold=_hold,
        write=_withdraw,
        permission="consents:write",
        description="Record up to 500 withdrawals.",
    ),
)
"""Classes with one mutation each."""
