"""Change all customers for whom a filter holds: at once while they are few, else by a job."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor, actor_as_json, actor_from
from regulars.audit.service import record_audit
from regulars.customers.changes import CustomerChanges
from regulars.customers.service import delete_customer, update_customer
from regulars.customers.survivors import locked_survivors
from regulars.errors import ExpectedError, InvalidInput
from regulars.fields.asking import Ask
from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job

__all__ = [
    "BULK_CHANGE_JOB",
    "CUSTOMERS_WRITE",
    "BulkChange",
    "CountDiffers",
    "bulk_change_job",
    "change_customers",
    "check_count",
    "matching_ids",
]

BULK_CHANGE_JOB = "core.bulk_change"
CUSTOMERS_WRITE = "customers:write"
PAGE = 100

COUNT = "query Count($where: CustomerWhere) { customers(first: 1, where: $where) { totalCount } }"
IDS = """query Matching($where: CustomerWhere, $after: String) { customers(first: 100, after: $after, where: $where) {
  nodes { databaseId } pageInfo { hasNextPage endCursor } } }"""


class CountDiffers(ExpectedError):
    """A filter holds for more, or for fewer, customers than the caller expects."""

    code = "COUNT_DIFFERS"

    def __init__(self, *, expected: int, actual: int) -> None:
        self.expected, self.actual = expected, actual
        self.path = ("expectedCount",)
        super().__init__(
            f"The filter holds for {actual} customers, not for {expected}; nothing was changed. Look at them, and send"
            " the number that you mean."
        )


@dataclass(frozen=True)
class BulkChange:
    """What is done to customers: ``changes`` are written or, where they are None, the customers are hidden."""

    where: Mapping[str, Any]
    changes: Mapping[str, Any] | None
    expected_count: int
    actor: Actor

    def as_json(self) -> Mapping[str, Any]:
        """Return the change as the input of a job keeps it."""
        changes = None if self.changes is None else dict(self.changes)
        told = {"where": dict(self.where), "changes": changes, "expectedCount": self.expected_count}
        return {**told, "actor": actor_as_json(self.actor)}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "BulkChange":
        """Return the change that ``as_json`` told of."""
        actor = actor_from(document["actor"])
        return cls(document["where"], document["changes"], document["expectedCount"], actor)


async def check_count(ask: Ask, change: BulkChange) -> None:
    """Raise ``CountDiffers`` unless the filter holds for as many customers as expected, of those the actor may see."""
    page = await _page(ask, COUNT, {"where": dict(change.where)}, change.actor)
    if page["totalCount"] != change.expected_count:
        raise CountDiffers(expected=change.expected_count, actual=page["totalCount"])


async def matching_ids(
    ask: Ask, change: BulkChange, *, after: str | None = None
) -> AsyncIterator[tuple[Sequence[UUID], str | None]]:
    """Yield the ids of all customers for whom the filter holds, a hundred at a time, with where each page ends."""
    goes_on = True
    while goes_on:
        page = await _page(ask, IDS, {"where": dict(change.where), "after": after}, change.actor)
        after, goes_on = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        yield [UUID(node["databaseId"]) for node in page["nodes"]], after


async def change_customers(session: AsyncSession, *, ids: Sequence[UUID], change: BulkChange, now: datetime) -> int:
    """Write the change to these customers, and return how many there were; held in the order of all writers.

    Raises what ``update_customer`` and ``delete_customer`` raise.
    """
    await locked_survivors(session, set(ids))
    for id in sorted(ids):
        if change.changes is None:
            await delete_customer(session, customer_id=id, actor=change.actor, now=now)
        else:
            changes = CustomerChanges(**change.changes)
            await update_customer(session, customer_id=id, changes=changes, actor=change.actor, now=now)
    return len(ids)


def bulk_change_job(*, ask: Ask) -> Job:
    """Return the job that changes more customers than one request may."""

    async def run(job: JobRun) -> Mapping[str, Any]:
        change = BulkChange.read(job.input)
        note = dict(job.checkpoint or {"cursor": None, "changed": 0})
        if job.checkpoint is None:
            await check_count(ask, change)
        async for ids, cursor in matching_ids(ask, change, after=note["cursor"]):
            async with job.writing() as session:
                now = job.clock.now()
                note = {"cursor": cursor, "changed": note["changed"] + len(ids)}
                await change_customers(session, ids=ids, change=change, now=now)
                await record_audit(
                    session,
                    actor=change.actor.label,
                    action="customers.changed",
                    subject=f"job:{job.id}",
                    fields=sorted(change.changes or ["deleted_at"]),
                    now=now,
                )
                await job.save_checkpoint(note)
            await job.progress(note["changed"], change.expected_count, "Changing")
        return {"changed": note["changed"]}

    title = "Change all customers for whom a filter holds"
    return Job(BULK_CHANGE_JOB, run, title, CUSTOMERS_WRITE, timeout=timedelta(hours=12), slots=1)


async def _page(ask: Ask, query: str, variables: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
    answer = await ask(query, variables, actor)
    page: Mapping[str, Any] | None = (answer.get("data") or {}).get("customers")
    if page is None:
        raise InvalidInput(f"These customers cannot be read. {answer['errors'][0]['message']}", path=("where",))
    return page
