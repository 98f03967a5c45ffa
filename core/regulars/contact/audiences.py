"""Decide for a whole audience in the background: the same rules and the same needs, ten thousand customers at a time.

Rules say in SQL whom they might stop (``prefilter``); only for those are needs read and rules asked. Everybody else is
allowed. A rule without such a filter looks at everybody.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, or_, select, text, true
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.registry import ConsentRegistry
from regulars.contact.memory import Decided, kept_request
from regulars.contact.models import ContactAudience, ContactVerdict
from regulars.contact.policies import policy_named, policy_of, read_policy
from regulars.contact.readings import MOST_CUSTOMERS
from regulars.contact.refusals import CaseRequired
from regulars.contact.requests import ContactRequest, RuleRequest, as_rules_see_it, checked_request
from regulars.contact.rule_set import ContactRules
from regulars.contact.service import asked_values, decide_seen
from regulars.customers.models import Customer
from regulars.errors import OutOfRange
from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job
from regulars.tables import new_id

__all__ = ["AUDIENCE_JOB", "Page", "ask_about_audience", "audience_job", "decide_page", "keep_page"]

AUDIENCE_JOB = "core.contact_audience"
CONTACT_SEND = "contact:send"

Outcome = tuple[str, str, datetime | None]
VERDICT = ("outcome", "rule", "until")
ALLOWED: Outcome = ("ALLOW", "allowed", None)


@dataclass(frozen=True)
class Page:
    """What came out for a stretch of customers in the order of their ids; ``last`` is where the next one begins."""

    outcomes: Mapping[UUID, Outcome]
    last: UUID | None


async def ask_about_audience(
    session: AsyncSession,
    *,
    request: ContactRequest,
    customer_ids: Sequence[UUID] | None,
    registry: ConsentRegistry,
    actor: Actor,
    now: datetime,
) -> ContactAudience:
    """Keep a question about these customers, or about all, and return its row; ``audience_job`` answers it.

    Raises what ``checked_request`` raises, ``CaseRequired`` for follow-ups, which are about one customer's case, and
    ``OutOfRange`` for more than 10,000 ids.
    """
    checked_request(request, registry=registry)
    if request.contact_class == "followup":
        raise CaseRequired(request.case_id)
    if customer_ids is not None and len(customer_ids) > MOST_CUSTOMERS:
        raise OutOfRange(
            f"{len(customer_ids)} ids are too many. Give up to {MOST_CUSTOMERS}, or none for all customers.",
            path=("customerIds",),
        )
    policy = policy_of(await read_policy(session))
    audience = ContactAudience(
        asked_at=now,
        request=kept_request(as_rules_see_it(request, policy=policy, now=now)),
        customer_ids=None if customer_ids is None else [str(id) for id in customer_ids],
        policy_version=policy.version,
        actor=actor.label,
    )
    session.add(audience)
    await session.flush()
    return audience


async def decide_page(
    session: AsyncSession,
    *,
    request: RuleRequest,
    rules: ContactRules,
    only: Sequence[UUID] | None = None,
    after: UUID | None = None,
    values: Mapping[str, Any] = MappingProxyType({}),
) -> Page:
    """Return what comes out for up to 10,000 living customers after an id, or for those in ``only``.

    ``values`` are those of ``address_values``, where the contact names an address.
    """
    asked = {**asked_values(request), **values, "regulars_now": request.now}
    ids, touched = await _touched(session, request, rules, asked, _stretch(only, after))
    decided = []
    if touched:
        decided = await decide_seen(session, customer_ids=touched, request=request, rules=rules, values=values)
    outcomes = {**dict.fromkeys(ids, ALLOWED), **{one.asked_id: _outcome(one) for one in decided}}
    is_last = only is not None or len(ids) < MOST_CUSTOMERS
    return Page(outcomes, None if is_last else ids[-1])


async def keep_page(session: AsyncSession, *, audience_id: UUID, page: Page) -> None:
    """Write what came out for a page into the table of verdicts."""
    if not page.outcomes:
        return
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_KEEP_ON_POSTGRESQL, {"audience": audience_id, **_columns(page)})
        return
    rows = [
        {
            "id": new_id(),
            "audience_id": audience_id,
            "customer_id": id,
            "outcome": outcome,
            "rule": rule,
            "until": until,
        }
        for id, (outcome, rule, until) in page.outcomes.items()
    ]
    await session.execute(insert(ContactVerdict), rows)


_KEEP_ON_POSTGRESQL = text(
    "INSERT INTO core_contact_verdict (id, audience_id, customer_id, outcome, rule, until)"
    " SELECT gen_random_uuid(), CAST(:audience AS uuid), * FROM unnest("
    "CAST(:ids AS uuid[]), CAST(:outcomes AS text[]), CAST(:rules AS text[]), CAST(:untils AS timestamptz[]))"
)


def _columns(page: Page) -> dict[str, list[Any]]:
    outcomes = list(page.outcomes.values())
    return {
        "ids": list(page.outcomes),
        "outcomes": [outcome for outcome, _, _ in outcomes],
        "rules": [rule for _, rule, _ in outcomes],
        "untils": [until for _, _, until in outcomes],
    }


def _outcome(decided: Decided) -> Outcome:
    return decided.decision.outcome, decided.decision.rule, decided.decision.until


def _stretch(only: Sequence[UUID] | None, after: UUID | None) -> ColumnElement[bool]:
    living = and_(col(Customer.merged_into_id).is_(None), col(Customer.deleted_at).is_(None))
    if only is not None:
        return and_(living, col(Customer.id).in_(only))
    return living if after is None else and_(living, col(Customer.id) > after)


async def _touched(
    session: AsyncSession,
    request: RuleRequest,
    rules: ContactRules,
    asked: Mapping[str, Any],
    stretch: ColumnElement[bool],
) -> tuple[list[UUID], list[UUID]]:
    """Return the customers of a page, and which of them some rule might stop."""
    try:
        rows = await _rows(session, _might_stop(request, rules), asked, stretch)
    except SQLAlchemyError as error:  # a filter of a plugin: then every rule looks at everybody
        await session.rollback()
        rules.report_filters(error)
        rows = await _rows(session, true(), asked, stretch)
    return [id for id, _ in rows], [id for id, is_touched in rows if is_touched]


def _might_stop(request: RuleRequest, rules: ContactRules) -> ColumnElement[bool]:
    applicable = rules.of_class(request.contact_class)
    if applicable.unavailable or any(rule.prefilter is None for rule in applicable.rules):
        return true()
    filters = dict.fromkeys(rule.prefilter for rule in applicable.rules if rule.prefilter is not None)
    return or_(*(prefilter(request) for prefilter in filters))


async def _rows(
    session: AsyncSession, might_stop: ColumnElement[bool], asked: Mapping[str, Any], stretch: ColumnElement[bool]
) -> list[tuple[UUID, bool]]:
    query = select(col(Customer.id), might_stop.label("is_touched")).where(stretch).order_by(col(Customer.id))
    return [(id, bool(touched)) for id, touched in await session.execute(query.limit(MOST_CUSTOMERS), asked)]


def audience_job(*, rules: Callable[[], ContactRules]) -> Job:
    """Return the job that answers a question about an audience; it goes on where a killed one stopped."""

    async def run(job: JobRun) -> Mapping[str, Any]:
        audience_id = UUID(str(job.input["audience"]))
        async with job.reading() as session:
            audience = await session.get_one(ContactAudience, audience_id)
            request = await _request_of(session, audience)
        only = None if audience.customer_ids is None else [UUID(str(id)) for id in audience.customer_ids]
        start = job.checkpoint or {"after": None, "counts": {}}
        after = None if start["after"] is None else UUID(str(start["after"]))
        counts: Counter[str] = Counter(start["counts"])
        while True:
            async with job.reading() as session:
                page = await decide_page(session, request=request, rules=rules(), only=only, after=after)
            counts.update(f"{outcome} {rule}" for outcome, rule, _ in page.outcomes.values())
            async with job.writing() as session:
                await keep_page(session, audience_id=audience_id, page=page)
                await job.save_checkpoint({"after": None if page.last is None else str(page.last), "counts": counts})
                if page.last is None:
                    row = await session.get_one(ContactAudience, audience_id)
                    row.counts = dict(counts)
            await job.progress(counts.total(), message="Deciding")
            if page.last is None:
                return {"audienceId": str(audience_id), "counts": dict(counts)}
            after = page.last

    return Job(
        AUDIENCE_JOB,
        run=run,
        title="Decide who of an audience may be contacted",
        permission=CONTACT_SEND,
        timeout=timedelta(hours=2),
    )


async def _request_of(session: AsyncSession, audience: ContactAudience) -> RuleRequest:
    kept: dict[str, Any] = {**audience.request}
    expires_at = kept.pop("expires_at")
    return RuleRequest(
        **kept,
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        now=audience.asked_at,
        policy=policy_of(await policy_named(session, version=audience.policy_version)),
    )
