"""Decide about an audience stretch by stretch: in the database where the verdict is plain there, else by asking."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, delete, exists, func, insert, literal, null, select, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.contact.memory import Decided
from regulars.contact.models import ContactVerdict
from regulars.contact.readings import MOST_CUSTOMERS
from regulars.contact.requests import RuleRequest
from regulars.contact.rule_set import Applicable, ContactRules
from regulars.contact.rules import CORE
from regulars.contact.service import asked_values, decide_seen
from regulars.contact.sieve import ALLOWED_RULE, lies_there, sifted
from regulars.customers.models import Customer
from regulars.ingest.staging import write_rows

__all__ = ["Audience", "Outcome", "Settled"]

Outcome = tuple[str, str, datetime | None]
"""What came out for a customer: the outcome, the rule that is the reason, and until when."""

FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)

LONG_STRETCH = 50_000
"""How many customers a statement is about where nobody waits for it; each statement costs a few milliseconds itself."""

ON_POSTGRESQL = {"jit": "off", "work_mem": "64MB"}
FOR_ALL_WHO_LIE_THERE = {"enable_nestloop": "off"}
"""How a long stretch is planned: by statistics of tables that have just grown, they would be read for each customer."""


@dataclass(frozen=True)
class Settled:
    """What a stretch of customers came to: how many of each outcome and rule, and who is left to be asked about.

    ``last`` is after whom the next stretch begins, None at the end.
    """

    counts: Counter[str]
    left: Sequence[UUID]
    last: UUID | None


@dataclass(frozen=True)
class Statements:
    """What keeps the plain verdicts of a stretch and tells how many they are and who is left: ``rule, number, ids``.

    PostgreSQL does it all in ``telling``. On SQLite ``keeping`` comes first, ``telling`` then tells no ids, and
    where ``size`` is more than that, ``left`` finds them; nobody else writes in between.
    """

    telling: Select[Any, int, Any]
    keeping: Any = None
    size: Select[Any] | None = None
    left: Select[Any] | None = None


@dataclass(frozen=True, eq=False)
class Audience:
    """Living customers about whom one question is asked: all, ``only`` these, or those for whom ``within`` holds.

    ``values`` are those of ``address_values``, where the contact names an address. They are decided about in stretches;
    the statements are built once for all of them.
    """

    id: UUID
    request: RuleRequest
    only: Sequence[UUID] | None = None
    within: ColumnElement[bool] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    _statements: dict[tuple[Any, ...], Statements] = field(default_factory=dict)

    async def forget_after(self, session: AsyncSession, after: UUID | None) -> None:
        """Delete what an attempt that was broken off kept of the stretch after that customer."""
        later = col(ContactVerdict.customer_id) > (after or FIRST_ID)
        await session.execute(delete(ContactVerdict).where(col(ContactVerdict.audience_id) == self.id, later))

    async def settle(self, session: AsyncSession, rules: ContactRules, *, after: UUID | None = None) -> Settled:
        """Keep the verdicts of a stretch that rules tell in SQL, which never leave the database."""
        applicable = rules.of_class(self.request.contact_class)
        last = await self._last_id(session, after)
        ends = {"contact_after": after or FIRST_ID, "contact_last": last or LAST_ID, "regulars_now": self.request.now}
        asked = {**asked_values(self.request), **self.values, **ends}
        if _is_on_postgresql(session):
            await session.execute(_set_locally(ON_POSTGRESQL | (FOR_ALL_WHO_LIE_THERE if self._is_dense else {})))
        try:
            async with session.begin_nested():
                counts, left = await self._keep_plain(session, applicable, asked)
        except SQLAlchemyError as error:
            rules.report_filters(error)
            counts, left = await self._keep_plain(session, _without_filters_of_plugins(applicable), asked)
        return Settled(counts, left, last)

    async def ask_about(
        self, session: AsyncSession, rules: ContactRules, left: Sequence[UUID]
    ) -> Mapping[UUID, Outcome]:
        """Return what the rules say of those who are left; nothing is kept."""
        outcomes: dict[UUID, Outcome] = {}
        for first in range(0, len(left), MOST_CUSTOMERS):
            some = left[first : first + MOST_CUSTOMERS]
            decided = await decide_seen(
                session, customer_ids=some, request=self.request, rules=rules, values=self.values
            )
            outcomes |= {one.asked_id: _outcome(one) for one in decided}
        return outcomes

    async def keep(self, session: AsyncSession, outcomes: Mapping[UUID, Outcome]) -> Counter[str]:
        """Keep what the rules said, and return how many there are of each outcome and rule."""
        rows = [
            {"audience_id": self.id, "customer_id": id, "outcome": outcome, "rule": rule, "until": until}
            for id, (outcome, rule, until) in outcomes.items()
        ]
        await write_rows(session, ContactVerdict, rows)
        return Counter(f"{outcome} {rule}" for outcome, rule, _ in outcomes.values())

    @property
    def _is_dense(self) -> bool:
        """Tell whether nearly all customers that lie in a stretch belong to it."""
        return self.only is None and self.within is None

    def _whose(self) -> ColumnElement[bool]:
        """Return whom of all customers it is about."""
        parts: list[ColumnElement[bool]] = [col(Customer.merged_into_id).is_(None), col(Customer.deleted_at).is_(None)]
        if self.only is not None:
            parts.append(col(Customer.id).in_(self.only))
        if self.within is not None:
            parts.append(self.within)
        return and_(*parts)

    async def _last_id(self, session: AsyncSession, after: UUID | None) -> UUID | None:
        """Return the id up to which a stretch goes; None where nobody comes after it."""
        if self.only is not None:
            return None
        further = select(col(Customer.id)).where(self._whose(), col(Customer.id) > (after or FIRST_ID))
        most = LONG_STRETCH if self._is_dense and _is_on_postgresql(session) else MOST_CUSTOMERS
        last = further.order_by(col(Customer.id)).offset(most - 1).limit(1)
        found: UUID | None = await session.scalar(last, {"regulars_now": self.request.now})
        return found

    async def _keep_plain(
        self, session: AsyncSession, applicable: Applicable, asked: Mapping[str, Any]
    ) -> tuple[Counter[str], Sequence[UUID]]:
        statements = self._statements_for(applicable, session.get_bind().dialect.name)
        if statements.keeping is not None:
            await (await session.connection()).execute(statements.keeping, asked)
        told = (await session.execute(statements.telling, asked)).all()
        counts = Counter({_name(rule): number for rule, number, _ in told if rule is not None})
        if statements.size is None or statements.left is None:
            return counts, sorted(id for _, _, ids in told for id in ids or ())
        if await session.scalar(statements.size, asked) == counts.total():
            return counts, ()
        return counts, (await session.scalars(statements.left, asked)).all()

    def _statements_for(self, applicable: Applicable, dialect: str) -> Statements:
        has_filters = tuple((rule.place, rule.prefilter is None) for rule in applicable.rules)
        key = (dialect, has_filters, applicable.unavailable)
        if key not in self._statements:
            self._statements[key] = self._built(applicable, dialect)
        return self._statements[key]

    def _built(self, applicable: Applicable, dialect: str) -> Statements:
        sieve = sifted(
            applicable.rules,
            self.request,
            is_complete=not applicable.unavailable,
            whose=self._whose(),
            is_dense=self._is_dense,
        )
        outcome = case((sieve.c.rule == ALLOWED_RULE, "ALLOW"), else_="DENY")
        plain = select(literal(self.id, UuidType), sieve.c.id, outcome, sieve.c.rule).where(sieve.c.rule.is_not(None))
        columns = ["audience_id", "customer_id", "outcome", "rule"]
        keeping = insert(ContactVerdict).from_select(columns, plain, include_defaults=False)
        if dialect == "postgresql":
            undecided = func.array_agg(sieve.c.id, type_=ARRAY(UuidType)).filter(sieve.c.rule.is_(None))
            telling = select(sieve.c.rule, func.count(), undecided).group_by(sieve.c.rule)
            return Statements(telling.add_cte(keeping.cte("kept")))
        of_it, id = col(ContactVerdict.audience_id) == self.id, col(ContactVerdict.customer_id)
        kept: Any = select(col(ContactVerdict.rule), func.count(), null()).where(of_it, lies_there(id))
        whose = and_(lies_there(col(Customer.id)), self._whose())
        size: Any = select(func.count()).where(whose)
        left = select(col(Customer.id)).where(whose, ~exists().where(of_it, id == Customer.id))
        return Statements(kept.group_by(col(ContactVerdict.rule)), keeping, size, left)


def _without_filters_of_plugins(applicable: Applicable) -> Applicable:
    """Return what goes without the filters of plugins, one of which failed: their rules are asked about everybody."""
    rules = (rule if rule.owner == CORE else replace(rule, prefilter=None, denies=None) for rule in applicable.rules)
    return replace(applicable, rules=tuple(rules))


def _is_on_postgresql(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _set_locally(settings: Mapping[str, str]) -> Any:
    return select(*(func.set_config(name, value, text("true")) for name, value in settings.items()))


def _name(rule: str) -> str:
    return f"{'ALLOW' if rule == ALLOWED_RULE else 'DENY'} {rule}"


def _outcome(decided: Decided) -> Outcome:
    return decided.decision.outcome, decided.decision.rule, decided.decision.until
