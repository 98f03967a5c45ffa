"""Work in the background, in the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.errors import UnknownValue
from regulars.fields.context import RequestContext
from regulars.fields.declarations import Argument, column, connection, lookup, mutation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Node, Payload
from regulars.jobs.models import Job
from regulars.jobs.service import cancel_job, enqueue_job, repeat_job

__all__ = ["JobMutations", "JobNode", "JobPayload", "JobQueries", "start_job"]


@object_type(Job, name="Job", permission="jobs:read", description="One run of some work in the background.")
class JobNode(Node):
    """One run of some work in the background."""

    id: strawberry.ID = column(Job.id, description="The global id.", is_global_id=True, filterable=True)
    kind: str = column(Job.kind, description="What is done: `clv.fit`, `core.import`…", filterable=True)
    status: str = column(
        Job.status, description="QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED or DEAD.", filterable=True
    )
    done: int = column(Job.done, description="How much is done, in the unit of `total`.")
    total: int | None = column(Job.total, description="How much there is to do; null while that is not known.")
    message: str | None = column(Job.message, description="What it is at, in words.")
    problem: str | None = column(Job.problem, description="Why it failed the last time, in words.")
    attempts: int = column(Job.attempts, description="How often it was started.")
    result: JSON | None = column(Job.result, description="What came out; its shape depends on the kind.")
    created_by: str = column(Job.created_by, description="Who asked for it.")
    created_at: datetime = column(Job.created_at, description="When it was asked for.", filterable=True, sortable=True)
    started_at: datetime | None = column(Job.started_at, description="When it was started last.", sortable=True)
    ended_at: datetime | None = column(Job.ended_at, description="When it ended.", filterable=True, sortable=True)
    is_cancel_requested: bool = column(Job.is_cancel_requested, description="Whether somebody asked it to stop.")


@strawberry.type
class JobQueries:
    """What can be asked about jobs."""

    job: JobNode | None = lookup(
        lambda given: col(Job.id) == row_id("Job", given.get("id") or ""),
        arguments={"id": Argument(strawberry.ID, "The global id, or the id in the database.")},
        permission="jobs:read",
        description="One job; null when there is none.",
    )
    jobs: Connection[JobNode] | None = connection(
        permission="jobs:read", description="Jobs, the newest first.", order_by=[col(Job.created_at).desc()]
    )


@strawberry.input(description="Work to start.")
class JobStartInput(MutationInput):
    """Work to start."""

    kind: str = strawberry.field(description="What to do: the id of a job that the core or a plugin offers.")
    key: str | None = strawberry.field(default=None, description="The same key gives the same job, started once.")
    input: JSON | None = strawberry.field(default=None, description="What the job needs to know.")


@strawberry.input(description="A job, named by id.")
class JobRefInput(MutationInput):
    """A job, named by id."""

    id: strawberry.ID = strawberry.field(description="The job.")


@value_type(description="The job after the change.")
class JobPayload(Payload):
    """The job after the change."""

    job: JobNode | None = strawberry.field(default=None, description="The job; null after an error.")


async def start_job(
    context: RequestContext, *, kind: str, key: str | None = None, input: Mapping[str, Any] | None = None
) -> JobPayload:
    """Return the payload of a mutation that starts a job of this kind, in the mutation's transaction.

    The same ``key`` gives the same job. Raises ``UnknownValue`` for a kind that nobody offers, ``Forbidden`` without
    that job's permission.
    """
    kinds = context.services.job_kinds
    if kind not in kinds:
        raise UnknownValue("job", kind, kinds, path=("kind",))
    context.require(kinds[kind].permission)
    job = await enqueue_job(
        context.session, kind=kind, key=key, input=input, actor=context.actor.label, now=context.now
    )
    return JobPayload(job=shown_as(JobNode, job))


@strawberry.type
class JobMutations:
    """What can be changed about jobs."""

    @mutation(permission="jobs:read", description="Start work that a plugin offers; needs that job's own permission.")
    async def job_start(self, info: Info[RequestContext, None], input: JobStartInput) -> JobPayload | None:
        """Start work."""
        given: Any = input.input
        return await start_job(info.context, kind=input.kind, key=input.key, input=given)

    @mutation(permission="jobs:manage", description="Stop a job: at once while it waits, within seconds while it runs.")
    async def job_cancel(self, info: Info[RequestContext, None], input: JobRefInput) -> JobPayload | None:
        """Stop a job."""
        context = info.context
        id = row_id("Job", input.id)
        job = await cancel_job(context.session, id=id, actor=context.actor.label, now=context.now)
        return JobPayload(job=shown_as(JobNode, job))

    @mutation(permission="jobs:manage", description="Queue a job again that failed or was cancelled.")
    async def job_repeat(self, info: Info[RequestContext, None], input: JobRefInput) -> JobPayload | None:
        """Queue a job again."""
        context = info.context
        id = row_id("Job", input.id)
        job = await repeat_job(context.session, id=id, actor=context.actor.label, now=context.now)
        return JobPayload(job=shown_as(JobNode, job))
