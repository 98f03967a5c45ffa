"""Decide about many customers in SQL alone, as far as what the rules say can be told from there."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    literal,
    null,
    select,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import False_
from sqlalchemy.sql.util import ClauseAdapter
from sqlmodel import col

from regulars.contact.requests import RuleRequest
from regulars.contact.rules import ContactRule, Prefilter
from regulars.customers.models import Customer

__all__ = ["ALLOWED_RULE", "lies_there", "sifted"]

ALLOWED_RULE = "allowed"

AFTER = bindparam("contact_after", type_=UuidType)
LAST = bindparam("contact_last", type_=UuidType)


def sifted(
    rules: Sequence[ContactRule],
    request: RuleRequest,
    *,
    is_complete: bool,
    whose: ColumnElement[bool],
    is_dense: bool,
) -> CTE:
    """Return, as a table, the ``id`` and the ``rule`` of each customer for whom ``whose`` holds.

    ``rule`` is the one that denies, ``allowed`` where none stands in the way, and NULL where rules have to be asked.
    ``rules`` stand in their order; ``is_complete`` says that there are no others, which cannot be asked for now. The
    values ``contact_after`` and ``contact_last`` are the ids after and up to which they lie. ``is_dense`` says
    that they are nearly all who lie there.
    """
    answer = _first_that_denies(rules, request, is_complete)
    customers: FromClause = getattr(Customer, "__table__")  # noqa: B009 - SQLModel does not declare it
    named = {element for element in visitors.iterate(answer) if getattr(element, "table", None) is customers}
    columns = [column for column in customers.c if column in named or column.primary_key]
    stretch = select(*columns).where(lies_there(col(Customer.id)), whose).cte("stretch")
    if not is_dense:
        stretch = stretch.prefix_with("MATERIALIZED")
    joined: FromClause = stretch
    for summary in _summaries(answer):
        own = _of_stretch(summary, None if is_dense else stretch)
        answer = _over(answer, summary, own)
        joined = joined.outerjoin(own, own.c.customer_id == stretch.c.id)
    rule = ClauseAdapter(stretch).traverse(answer).label("rule")
    return select(stretch.c.id, rule).select_from(joined).cte("told").prefix_with("MATERIALIZED")


def lies_there(id: Any) -> ColumnElement[bool]:
    """Return whether an id lies after ``contact_after`` and up to ``contact_last``."""
    return and_(id > AFTER, id <= LAST)


def _first_that_denies(rules: Sequence[ContactRule], request: RuleRequest, is_complete: bool) -> ColumnElement[Any]:
    """Any denial beats any deferral, so whom a rule denies is denied, unless one before it might deny them as well."""
    undecided: ColumnElement[Any] = null()
    branches: list[tuple[Any, Any]] = []
    looked_at: set[Prefilter] = set()
    for rule in rules:
        if rule.denies is not None:
            branches.append((rule.denies(request), literal(rule.id, Text)))
        if rule.prefilter is None:
            is_complete = False
            break
        if rule.prefilter is not rule.denies and rule.prefilter not in looked_at:
            looked_at.add(rule.prefilter)
            branches.append((rule.prefilter(request), undecided))
    branches = [(whom, answer) for whom, answer in branches if not isinstance(whom, False_)]
    otherwise: ColumnElement[Any] = literal(ALLOWED_RULE, Text) if is_complete else undecided
    return case(*branches, else_=otherwise) if branches else otherwise


def _summaries(answer: ColumnElement[Any]) -> list[Subquery]:
    """Return the sub-queries with a row for each customer whose columns the answer names."""
    tables = [getattr(element, "table", None) for element in visitors.iterate(answer)]
    return list(dict.fromkeys(table for table in tables if isinstance(table, Subquery)))


def _of_stretch(summary: Subquery, stretch: CTE | None) -> Subquery:
    """Return the same for a stretch of customers alone, or for all who lie there."""
    asked: Select[Any] = summary.element  # type: ignore[assignment]  # made by select()
    customer_id = asked.selected_columns.customer_id
    asked = asked.where(lies_there(customer_id))
    return (asked if stretch is None else asked.where(customer_id.in_(select(stretch.c.id)))).subquery()


def _over(answer: ColumnElement[Any], summary: Subquery, own: Subquery) -> ColumnElement[Any]:
    columns: Mapping[Any, Any] = {column: own.c[name] for name, column in summary.c.items()}

    def own_column(element: Any, **_: Any) -> Any:
        return columns.get(element) if getattr(element, "table", None) is summary else None

    changed: ColumnElement[Any] = visitors.replacement_traverse(answer, {}, own_column)
    return changed
