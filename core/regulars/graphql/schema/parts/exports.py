"""Start exports through the API; their inputs contain this schema's filters."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.types import Info

from regulars.contact.requests import ContactRequest, checked_request
from regulars.customers.graphql import CustomerNode
from regulars.errors import InvalidInput
from regulars.exports.columns import ExportKind, document
from regulars.exports.job import EXPORT_JOB, EXPORTS_RUN
from regulars.exports.plans import ExportPlan
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.types import shown_as, value_type
from regulars.fields.values import Payload
from regulars.graphql.export_plans import checked_export
from regulars.graphql.schema.composed_inputs import InputField, plain_input
from regulars.graphql.schema.where import Filters
from regulars.jobs.graphql import JobNode
from regulars.jobs.service import enqueue_job
from regulars.plugins.contributions import GraphQLPart
from regulars.touchpoints.graphql import TouchpointNode

__all__ = ["export_mutations"]


@strawberry.input(description="How the customers will be contacted: only those who may be are exported.")
class ExportContactInput:
    """How the customers will be contacted."""

    channel: str = strawberry.field(description="email, sms, post…")
    contact_class: str = strawberry.field(
        name="class", description="marketing, research, followup, service, transactional or legal."
    )
    purpose: str | None = strawberry.field(
        default=None, description="What for; the usual one of the class if left out."
    )
    topic: str = strawberry.field(default="*", description="About what; `*` means anything.")


@value_type(description="The export that was started.")
class ExportStartPayload(Payload):
    """The export that was started."""

    job: JobNode | None = strawberry.field(
        default=None, description="The job; its `result` counts rows and errors and names the report of errors."
    )
    download_url: str | None = strawberry.field(
        default=None,
        description="Where the file will be, for a week after the job has succeeded; needs the same key.",
    )


def export_mutations(filters: Filters) -> GraphQLPart:
    """Return the mutations that start exports."""
    common = [
        InputField("columns", list[str], "Paths of fields, such as `displayName` or `identities.value`."),
        InputField("format", str, "csv or jsonl; csv unless said otherwise."),
        InputField("clientMutationId", str, "Any word; it comes back in the payload."),
    ]
    customer_input: Any = filters.inputs.make(
        "CustomerExportInput",
        "Customers to export.",
        [
            InputField("where", filters.where_input(CustomerNode), "Only customers for whom this holds."),
            InputField("segmentId", strawberry.ID, "Only customers in this segment."),
            InputField("contact", ExportContactInput, "Only customers who may be contacted so."),
            *common,
        ],
    )
    touchpoint_input: Any = filters.inputs.make(
        "TouchpointExportInput",
        "Touchpoints to export.",
        [
            InputField("where", filters.where_input(TouchpointNode), "Only touchpoints for which this holds."),
            *common,
        ],
    )

    @strawberry.type
    class ExportMutations:
        """How rows go out as files."""

        @mutation(permission=EXPORTS_RUN, description="Write customers to a file, as a job.")
        async def customer_export(
            self,
            info: Info[RequestContext, None],
            input: customer_input,  # pyright: ignore[reportInvalidTypeForm]
        ) -> ExportStartPayload | None:
            """Export customers."""
            wanted = plain_input(input)
            where = wanted.get("where") or {}
            if wanted.get("segmentId") is not None:
                inside = {"segments": {"anyOf": [wanted["segmentId"]]}}
                where = {"AND": [where, inside]} if where else inside
            return await _start(info.context, "customers", wanted, where)

        @mutation(permission=EXPORTS_RUN, description="Write touchpoints to a file, as a job.")
        async def touchpoint_export(
            self,
            info: Info[RequestContext, None],
            input: touchpoint_input,  # pyright: ignore[reportInvalidTypeForm]
        ) -> ExportStartPayload | None:
            """Export touchpoints."""
            wanted = plain_input(input)
            return await _start(info.context, "touchpoints", wanted, wanted.get("where") or {})

    return GraphQLPart({"Mutation": ExportMutations})


async def _start(
    context: RequestContext, kind: ExportKind, wanted: Mapping[str, Any], where: Mapping[str, Any]
) -> ExportStartPayload:
    contact = _contact(context, wanted.get("contact"))
    plan = checked_export(
        await context.services.executor(),
        kind=kind,
        format=wanted.get("format") or "csv",
        columns=wanted.get("columns"),
        where=where,
        contact=contact,
        actor=context.actor,
    )
    await _try(context, plan)
    job = await enqueue_job(
        context.session, kind=EXPORT_JOB, input=plan.as_json(), actor=context.actor.label, now=context.now
    )
    return ExportStartPayload(job=shown_as(JobNode, job), download_url=f"/exports/{job.id}")


async def _try(context: RequestContext, plan: ExportPlan) -> None:
    """Ask for one row, so that a filter that this actor may not use is refused now and not by the job."""
    query = document(plan.kind, plan.columns, page=1)
    answer = await context.services.ask(query, {"where": dict(plan.where) or None}, context.actor)
    if (answer.get("data") or {}).get(plan.kind) is None:
        raise InvalidInput(f"These rows cannot be read. {answer['errors'][0]['message']}", path=("where",))


def _contact(context: RequestContext, given: Mapping[str, Any] | None) -> ContactRequest | None:
    if given is None:
        return None
    request = ContactRequest(
        channel=given["channel"],
        contact_class=given["class"],
        purpose=given.get("purpose"),
        topic=given.get("topic") or "*",
    )
    checked_request(request, registry=context.services.consent_registry)
    return request
