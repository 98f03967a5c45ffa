"""Decide about a whole audience in the background, stretch by stretch.

Rules say in SQL whom they might stop (``prefilter``) and whom they surely deny (``denies``). Needs are read, and rules
asked, only for those of whom that does not tell the verdict. A rule without such filters is asked about everybody whom
no rule before it denies.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor, actor_as_json, actor_from
from regulars.consents.registry import ConsentRegistry
from regulars.contact.audiences import Audience
from regulars.contact.memory import kept_request
from regulars.contact.models import ContactAudience
from regulars.contact.policies import policy_named, policy_of, read_policy
from regulars.contact.readings import MOST_CUSTOMERS
from regulars.contact.refusals import CaseRequired
from regulars.contact.requests import ContactRequest, RuleRequest, as_rules_see_it, checked_request
from regulars.contact.rule_set import ContactRules
from regulars.errors import InvalidInput, OutOfRange
from regulars.fields.ids import global_id
from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job
from regulars.segments.service import IN_SEGMENTS, read_segments_behind

__all__ = ["AUDIENCE_JOB", "CONTACT_SEND", "AskedSegment", "ask_about_audience", "audience_job"]

AUDIENCE_JOB = "core.contact_audience"
CONTACT_SEND = "contact:send"


async def ask_about_audience(
    session: AsyncSession,
    *,
    request: ContactRequest,
    customer_ids: Sequence[UUID] | None = None,
    segment_id: UUID | None = None,
    registry: ConsentRegistry,
    actor: Actor,
    now: datetime,
) -> ContactAudience:
    """Keep a question about these customers, a segment, or all, and return its row; ``audience_job`` answers it.

    Raises what ``checked_request`` raises, ``CaseRequired`` for follow-ups, which are about one customer's case,
    ``OutOfRange`` for more than 10,000 ids, ``NotFound`` for a segment that does not exist, and ``InvalidInput`` for
    ids together with a segment, and for an address, which is one customer's.
    """
    checked_request(request, registry=registry)
    if request.contact_class == "followup":
        raise CaseRequired(request.case_id)
    if request.address is not None:
        raise InvalidInput("An audience has no one address. Leave it out.", path=("request", "address"))
    if customer_ids is not None and segment_id is not None:
        raise InvalidInput("Give customers, or a segment, but not both.", path=("segmentId",))
    if customer_ids is not None and len(customer_ids) > MOST_CUSTOMERS:
        raise OutOfRange(
            f"{len(customer_ids)} ids are too many. Give up to {MOST_CUSTOMERS}, or none for all customers.",
            path=("customerIds",),
        )
    policy = policy_of(await read_policy(session))
    segment = None if segment_id is None else await _segment_now(session, segment_id, actor)
    audience = ContactAudience(
        asked_at=now,
        request=kept_request(as_rules_see_it(request, policy=policy, now=now)),
        customer_ids=None if customer_ids is None else [str(id) for id in customer_ids],
        segment=segment,
        policy_version=policy.version,
        actor=actor.label,
    )
    session.add(audience)
    await session.flush()
    return audience


@dataclass(frozen=True)
class AskedSegment:
    """A segment with its filter and those that it names, as they were when somebody asked about it."""

    id: UUID
    segments: Mapping[UUID, Mapping[str, Any]]
    actor: Actor


Members = Callable[[AskedSegment], Awaitable[ColumnElement[bool]]]
"""Says in SQL over ``core_customer`` who is in a segment."""


def audience_job(*, rules: Callable[[], ContactRules], members: Members) -> Job:
    """Return the job that answers a question about an audience; it goes on where a killed one stopped."""

    async def run(job: JobRun) -> Mapping[str, Any]:
        audience_id = UUID(str(job.input["audience"]))
        async with job.reading() as session:
            audience = await session.get_one(ContactAudience, audience_id)
            request = await _request_of(session, audience)
        only = None if audience.customer_ids is None else [UUID(str(id)) for id in audience.customer_ids]
        within = None if audience.segment is None else await members(_asked_segment(audience.segment))
        asked = Audience(audience_id, request, only, within)
        start = job.checkpoint or {"after": None, "counts": {}}
        after = None if start["after"] is None else UUID(str(start["after"]))
        counts: Counter[str] = Counter(start["counts"])
        async with job.writing() as session:
            await asked.forget_after(session, after)
        while True:
            counts, after = await _settle(job, asked, rules(), counts, after)
            await job.progress(counts.total(), message="Deciding")
            if after is None:
                return {"audienceId": str(audience_id), "counts": dict(counts)}

    return Job(
        AUDIENCE_JOB,
        run=run,
        title="Decide who of an audience may be contacted",
        permission=CONTACT_SEND,
        timeout=timedelta(hours=2),
    )


async def _settle(
    job: JobRun, audience: Audience, rules: ContactRules, counts: Counter[str], after: UUID | None
) -> tuple[Counter[str], UUID | None]:
    """Decide about a stretch; return how many of what came out until now, and after whom to go on.

    Others wait while one writes on SQLite, so rules are asked between two transactions, of which the second keeps, with
    what they say, the note of how far it went.
    """

    async def note(session: AsyncSession) -> None:
        await job.save_checkpoint({"after": None if settled.last is None else str(settled.last), "counts": total})
        if settled.last is None:
            (await session.get_one(ContactAudience, audience.id)).counts = dict(total)

    async with job.writing() as session:
        settled = await audience.settle(session, rules, after=after)
        total = counts + settled.counts
        if not settled.left:
            await note(session)
    if settled.left:
        async with job.reading() as session:
            outcomes = await audience.ask_about(session, rules, settled.left)
        async with job.writing() as session:
            total += await audience.keep(session, outcomes)
            await note(session)
    return total, settled.last


async def _segment_now(session: AsyncSession, segment_id: UUID, actor: Actor) -> dict[str, Any]:
    named = {IN_SEGMENTS: {"anyOf": [global_id("Segment", segment_id)]}}
    behind = await read_segments_behind(session, named)
    filters = {str(id): dict(where) for id, where in behind.items()}
    return {"id": str(segment_id), "filters": filters, "actor": actor_as_json(actor)}


def _asked_segment(kept: Mapping[str, Any]) -> AskedSegment:
    filters = {UUID(id): where for id, where in kept["filters"].items()}
    return AskedSegment(UUID(kept["id"]), filters, actor_from(kept["actor"]))


async def _request_of(session: AsyncSession, audience: ContactAudience) -> RuleRequest:
    kept: dict[str, Any] = {**audience.request}
    expires_at = kept.pop("expires_at")
    return RuleRequest(
        **kept,
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        now=audience.asked_at,
        policy=policy_of(await policy_named(session, version=audience.policy_version)),
    )
