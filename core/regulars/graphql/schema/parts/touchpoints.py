"""Filter customers by counts and sums of what happened with them."""

from datetime import datetime
from typing import Any

from sqlalchemy import FromClause, and_, func, select, true
from sqlalchemy.sql.elements import ColumnElement

from regulars.errors import InvalidInput
from regulars.fields.filters import DateTimeFilter, DecimalFilter, IntFilter, filter_predicate
from regulars.fields.types import rules_of
from regulars.graphql.schema.composed_inputs import InputField, InputTypes
from regulars.graphql.schema.where import ExtraFilter, Filters, Reader, primary_key
from regulars.touchpoints.graphql import TouchpointNode

__all__ = ["touchpoint_filter"]


def touchpoint_filter(inputs: InputTypes) -> ExtraFilter:
    """Return the filter ``touchpointSummary`` of customers."""
    words = [
        InputField("types", list[str], "Count only these types of touchpoints."),
        InputField("since", datetime, "Count only what happened at this moment or later."),
        InputField("until", datetime, "Count only what happened before this moment."),
        InputField("currency", str, "Sum only amounts in this currency; needed beside `amount`."),
        InputField("count", IntFilter, "How many there are."),
        InputField("amount", DecimalFilter, "The sum of their amounts; refunds count as negative, nothing as 0."),
        InputField("lastAt", DateTimeFilter, "When the last one happened."),
    ]
    kind = inputs.make("TouchpointSummaryFilter", "Counts and sums of what happened with a customer.", words)
    return ExtraFilter("touchpointSummary", "On counts and sums of the customer's touchpoints.", kind, _summarised)


def _summarised(given: dict[str, Any], source: FromClause, reader: Reader, _filters: Filters) -> ColumnElement[bool]:
    rules = rules_of(TouchpointNode)
    assert rules is not None
    reader.require(rules.permission or "")
    one = rules.source.alias()
    counted = [one.c.customer_id == primary_key(source), reader.policy.condition(rules, one)]
    if given.get("types") is not None:
        counted.append(one.c.type.in_(given["types"]))
    if given.get("since") is not None:
        counted.append(one.c.occurred_at >= given["since"])
    if given.get("until") is not None:
        counted.append(one.c.occurred_at < given["until"])

    def value(expression: ColumnElement[Any], *more: ColumnElement[bool]) -> ColumnElement[Any]:
        return select(expression).where(*counted, *more).correlate(source).scalar_subquery()

    conditions: list[ColumnElement[bool]] = []
    if given.get("count") is not None:
        conditions.append(filter_predicate(value(func.count()), given["count"]))
    if given.get("amount") is not None:
        if given.get("currency") is None:
            raise InvalidInput(
                "Amounts in several currencies cannot be summed. Name one in `currency`.", path=("where",)
            )
        total = func.coalesce(func.sum(one.c.amount), 0, type_=one.c.amount.type)
        conditions.append(filter_predicate(value(total, one.c.currency == given["currency"]), given["amount"]))
    if given.get("lastAt") is not None:
        conditions.append(filter_predicate(value(func.max(one.c.occurred_at)), given["lastAt"]))
    return and_(true(), *conditions)
