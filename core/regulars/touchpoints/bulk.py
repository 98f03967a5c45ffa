"""Record many touchpoints through the API."""

from collections.abc import Sequence
from typing import Any

from regulars.errors import ExpectedError
from regulars.fields.bulk import bulk_mutation
from regulars.fields.context import RequestContext
from regulars.touchpoints.drafts import TouchpointDraft
from regulars.touchpoints.graphql import TouchpointNode, TouchpointRecordInput
from regulars.touchpoints.service import record_touchpoints

__all__ = ["TOUCHPOINT_BULK"]


def _draft(row: TouchpointRecordInput) -> TouchpointDraft | ExpectedError:
    try:
        return row.draft()
    except ExpectedError as error:
        return error


async def _record(context: RequestContext, rows: Sequence[TouchpointRecordInput]) -> Sequence[Any]:
    read = [_draft(row) for row in rows]
    drafts = [draft for draft in read if isinstance(draft, TouchpointDraft)]
    recorded = iter(
        await record_touchpoints(
            context.session,
            drafts=drafts,
            types=context.services.touchpoint_types,
            actor=context.actor,
            now=context.now,
        )
    )
    outcomes = [draft if isinstance(draft, ExpectedError) else next(recorded) for draft in read]
    return [one if isinstance(one, ExpectedError) else one.touchpoint for one in outcomes]


TOUCHPOINT_BULK = (
    bulk_mutation(
        "touchpoint_bulk_record",
        rows=TouchpointRecordInput,
        entity=("touchpoint", TouchpointNode),
        write_all=_record,
        permission="touchpoints:write",
        description="Record up to 500 touchpoints; those that stand there already do no harm.",
    ),
)
"""Classes with one mutation each."""
