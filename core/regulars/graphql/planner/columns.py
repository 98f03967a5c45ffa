"""Write columns in SQL: the values that lie in a row, or that an expression makes of it."""

from graphql import GraphQLList, get_nullable_type
from sqlalchemy import FromClause
from sqlalchemy.types import NullType

from regulars.fields.declarations import Column
from regulars.fields.kinds import can_be_null, is_shown_as, kind_of
from regulars.fields.policy import adapted
from regulars.graphql.planner.json_sql import SQL, text
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.planner.selected import TYPENAME, Chosen, Selects, object_of

__all__ = ["column"]


def column(selects: Selects, declared: Column, chosen: Chosen, source: FromClause) -> SQL:
    """Return the value of a column over ``source``, as a member of the row's object."""
    json, path = selects.json, chosen.owned.path
    value = adapted(declared.expression, source)
    if declared.is_global_id:
        return json.plain(json.concatenated([text(f"{chosen.kind.name}_"), json.digits(value)]))
    if declared.currency is not None:
        return _money(selects, declared, chosen, source)
    sort = kind_of(declared.expression.type)
    shown = get_nullable_type(chosen.definition.type)
    if isinstance(shown, GraphQLList):
        if sort != "json" or str(get_nullable_type(shown.of_type)) != "String":
            raise NotPlanned(path, "is a list that SQL cannot check")
        member = json.texts(value)
    elif is_shown_as(sort, str(shown)):
        assert sort is not None
        member = json.leaf(value, sort)
    elif isinstance(declared.expression.type, NullType):
        raise NotPlanned(path, "is an expression whose type nobody said; give its function `type_=`")
    else:
        raise NotPlanned(path, f"shows {declared.expression.type!r} as {shown}, which only Python can")
    if chosen.is_non_null and can_be_null(declared.expression):
        return json.or_irregular(member, value)
    return member


def _money(selects: Selects, declared: Column, chosen: Chosen, source: FromClause) -> SQL:
    assert declared.currency is not None
    if (kind_of(declared.expression.type), kind_of(declared.currency.type)) != ("decimal", "text"):
        raise NotPlanned(chosen.owned.path, "is money in columns that SQL cannot write")
    json = selects.json
    amount, currency = adapted(declared.expression, source), adapted(declared.currency, source)
    shown = {
        "amount": lambda: json.never_null(json.leaf(amount, "decimal")),
        "currency": lambda: json.never_null(json.leaf(currency, "text")),
        TYPENAME: lambda: json.plain(text("Money")),
    }
    inside = selects.subfields(object_of(chosen.definition), chosen.details)
    members = [(key, shown[details[0].node.name.value]()) for key, details in inside.items()]
    money = json.nested(json.if_any([amount, currency], json.object(members)))
    if chosen.is_non_null:
        return json.or_irregular(money, json.if_any([amount, currency], text("there")))
    return money
