"""Decide about a stretch of an audience: in the database where the verdict is plain there, else by asking the rules."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, and_, case, func, insert, literal, select, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.contact.memory import Decided
from regulars.contact.models import ContactVerdict
from regulars.contact.readings import MOST_CUSTOMERS
from regulars.contact.requests import RuleRequest
from regulars.contact.rule_set import ContactRules
from regulars.contact.rules import CORE, ContactRule
from regulars.contact.service import asked_values, decide_seen
from regulars.contact.sieve import ALLOWED_RULE, sifted
from regulars.customers.models import Customer
from regulars.ingest.staging import write_rows

__all__ = ["Page", "Settled", "Stretch", "decide_page", "keep_page", "settle_page"]

Outcome = tuple[str, str, datetime | None]


FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
ON_POSTGRESQL = ("jit = off", "work_mem = '64MB'", "enable_nestloop = off")
"""How a statement over a long stretch is planned; statistics of tables that have just grown would mislead it."""


@dataclass(frozen=True)
class Stretch:
    """Up to ``most`` living customers after an id: of all, of ``only`` these, or of those for whom ``within`` holds."""

    after: UUID | None = None
    only: Sequence[UUID] | None = None
    within: ColumnElement[bool] | None = None
    most: int = MOST_CUSTOMERS

    @property
    def is_dense(self) -> bool:
        """Tell whether nearly all customers that lie there belong to it."""
        return self.only is None and self.within is None

    def in_sql(self) -> ColumnElement[bool]:
        """Return whom of all customers it is about."""
        parts: list[ColumnElement[bool]] = [col(Customer.merged_into_id).is_(None), col(Customer.deleted_at).is_(None)]
        if self.only is not None:
            parts.append(col(Customer.id).in_(self.only))
        if self.within is not None:
            parts.append(self.within)
        return and_(*parts)

    async def last_id(self, session: AsyncSession, now: datetime) -> UUID | None:
        """Return the id up to which it goes; None where nobody comes after it."""
        if self.only is not None:
            return None
        further = select(col(Customer.id)).where(self.in_sql(), col(Customer.id) > (self.after or FIRST_ID))
        last = further.order_by(col(Customer.id)).offset(self.most - 1).limit(1)
        found: UUID | None = await session.scalar(last, {"regulars_now": now})
        return found


@dataclass(frozen=True)
class Page:
    """What came out for the customers of a stretch; ``last`` is after whom the next one begins, None at the end."""

    outcomes: Mapping[UUID, Outcome]
    last: UUID | None


@dataclass(frozen=True)
class Settled:
    """What a stretch of customers came to: how many of each outcome and rule, and after whom the next one begins."""

    counts: Counter[str]
    last: UUID | None


async def decide_page(
    session: AsyncSession,
    *,
    request: RuleRequest,
    rules: ContactRules,
    stretch: Stretch | None = None,
    only: Sequence[UUID] | None = None,
    values: Mapping[str, Any] = MappingProxyType({}),
) -> Page:
    """Return what comes out for the customers of a stretch, or for those in ``only``; nothing is kept.

    ``values`` are those of ``address_values``, where the contact names an address.
    """
    stretch = stretch or Stretch(only=only)
    last = await stretch.last_id(session, request.now)
    asked = _asked(request, stretch, last, values)

    async def told(sieve: CTE) -> Sequence[tuple[UUID, str | None]]:
        rows = await session.execute(select(sieve.c.id, sieve.c.rule).order_by(sieve.c.id), asked)
        return [(id, rule) for id, rule in rows]

    try:
        rows = await told(_sieve(request, rules, stretch))
    except SQLAlchemyError as error:
        await session.rollback()
        rules.report_filters(error)
        rows = await told(_sieve_of_core_alone(request, rules, stretch))
    outcomes = {id: _plain(rule) for id, rule in rows if rule is not None}
    left = [id for id, rule in rows if rule is None]
    return Page(outcomes | await _decided(session, left, request, rules, values), last)


async def keep_page(session: AsyncSession, *, audience_id: UUID, page: Page) -> Settled:
    """Write what came out for a page into the table of verdicts."""
    await _keep(session, audience_id, page.outcomes)
    return Settled(_counted(page.outcomes), page.last)


async def settle_page(
    session: AsyncSession,
    *,
    audience_id: UUID,
    request: RuleRequest,
    rules: ContactRules,
    stretch: Stretch,
    values: Mapping[str, Any] = MappingProxyType({}),
) -> Settled:
    """Decide about a stretch and keep what comes out; on PostgreSQL what is plain there never leaves the database."""
    if session.get_bind().dialect.name == "sqlite":
        page = await decide_page(session, request=request, rules=rules, stretch=stretch, values=values)
        return await keep_page(session, audience_id=audience_id, page=page)
    last = await stretch.last_id(session, request.now)
    asked = _asked(request, stretch, last, values)
    try:
        async with session.begin_nested():
            counts, left = await _keep_plain(session, audience_id, _sieve(request, rules, stretch), stretch, asked)
    except SQLAlchemyError as error:
        rules.report_filters(error)
        core_alone = _sieve_of_core_alone(request, rules, stretch)
        counts, left = await _keep_plain(session, audience_id, core_alone, stretch, asked)
    outcomes = await _decided(session, left, request, rules, values)
    await _keep(session, audience_id, outcomes)
    return Settled(counts + _counted(outcomes), last)


async def _keep_plain(
    session: AsyncSession, audience_id: UUID, sieve: CTE, stretch: Stretch, asked: Mapping[str, Any]
) -> tuple[Counter[str], list[UUID]]:
    """Keep the verdicts that are plain, and return how many they are and who is left, in one statement."""
    outcome = case((sieve.c.rule == ALLOWED_RULE, "ALLOW"), else_="DENY")
    plain = select(literal(audience_id, UuidType), sieve.c.id, outcome, sieve.c.rule).where(sieve.c.rule.is_not(None))
    columns = ["audience_id", "customer_id", "outcome", "rule"]
    kept = insert(ContactVerdict).from_select(columns, plain, include_defaults=False).cte("kept")
    undecided = func.array_agg(sieve.c.id, type_=ARRAY(UuidType)).filter(sieve.c.rule.is_(None))
    counting = select(sieve.c.rule, func.count(), undecided).group_by(sieve.c.rule).add_cte(kept)
    settings = ON_POSTGRESQL if stretch.is_dense else ON_POSTGRESQL[:-1]
    for setting in settings:
        await session.execute(text(f"SET LOCAL {setting}"))
    rows = (await session.execute(counting, asked)).all()
    for setting in settings:
        await session.execute(text(f"SET LOCAL {setting.partition(' ')[0]} TO DEFAULT"))
    counts = Counter({_name(_plain(rule)): count for rule, count, _ in rows if rule is not None})
    return counts, sorted(id for _, _, ids in rows for id in ids or ())


def _sieve(request: RuleRequest, rules: ContactRules, stretch: Stretch) -> CTE:
    return _sifted(rules.of_class(request.contact_class).rules, request, rules, stretch)


def _sieve_of_core_alone(request: RuleRequest, rules: ContactRules, stretch: Stretch) -> CTE:
    """Return what goes without the filters of plugins, one of which failed; then their rules look at everybody."""
    asked = [
        rule if rule.owner == CORE else replace(rule, prefilter=None, denies=None)
        for rule in rules.of_class(request.contact_class).rules
    ]
    return _sifted(asked, request, rules, stretch)


def _sifted(asked: Sequence[ContactRule], request: RuleRequest, rules: ContactRules, stretch: Stretch) -> CTE:
    return sifted(
        asked,
        request,
        is_complete=not rules.of_class(request.contact_class).unavailable,
        whose=stretch.in_sql(),
        is_dense=stretch.is_dense,
    )


def _asked(request: RuleRequest, stretch: Stretch, last: UUID | None, values: Mapping[str, Any]) -> dict[str, Any]:
    ends = {"contact_after": stretch.after or FIRST_ID, "contact_last": last or LAST_ID}
    return {**asked_values(request), **values, **ends, "regulars_now": request.now}


async def _decided(
    session: AsyncSession,
    ids: Sequence[UUID],
    request: RuleRequest,
    rules: ContactRules,
    values: Mapping[str, Any],
) -> dict[UUID, Outcome]:
    outcomes: dict[UUID, Outcome] = {}
    for first in range(0, len(ids), MOST_CUSTOMERS):
        some = ids[first : first + MOST_CUSTOMERS]
        decided = await decide_seen(session, customer_ids=some, request=request, rules=rules, values=values)
        outcomes |= {one.asked_id: _outcome(one) for one in decided}
    return outcomes


async def _keep(session: AsyncSession, audience_id: UUID, outcomes: Mapping[UUID, Outcome]) -> None:
    rows = [
        {"audience_id": audience_id, "customer_id": id, "outcome": outcome, "rule": rule, "until": until}
        for id, (outcome, rule, until) in outcomes.items()
    ]
    await write_rows(session, ContactVerdict, rows)


def _counted(outcomes: Mapping[UUID, Outcome]) -> Counter[str]:
    return Counter(_name(outcome) for outcome in outcomes.values())


def _name(outcome: Outcome) -> str:
    return f"{outcome[0]} {outcome[1]}"


def _plain(rule: str) -> Outcome:
    return ("ALLOW" if rule == ALLOWED_RULE else "DENY", rule, None)


def _outcome(decided: Decided) -> Outcome:
    return decided.decision.outcome, decided.decision.rule, decided.decision.until
