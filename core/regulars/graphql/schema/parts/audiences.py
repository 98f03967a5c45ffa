"""Filter customers by what came out for them when an audience was decided."""

from typing import Any

import strawberry
from sqlalchemy import FromClause, exists
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from regulars.contact.models import ContactVerdict
from regulars.errors import InvalidInput
from regulars.fields.ids import row_id
from regulars.graphql.schema.composed_inputs import InputField, InputTypes
from regulars.graphql.schema.where import ExtraFilter, Filters, Reader, primary_key

__all__ = ["audience_filter"]


def audience_filter(inputs: InputTypes) -> ExtraFilter:
    """Return the filter ``contactAudience`` of customers."""
    words = [
        InputField("id", strawberry.ID, "The audience.", is_required=True),
        InputField("outcomes", list[str], "ALLOW, DENY or DEFER; any of them unless said."),
        InputField("rules", list[str], "`allowed`, or the rules that decided; any unless said."),
    ]
    kind = inputs.make("ContactAudienceFilter", "What came out for a customer of an audience.", words)
    return ExtraFilter("contactAudience", "On what came out for the customer in an audience.", kind, _came_out)


def _came_out(given: dict[str, Any], source: FromClause, reader: Reader, _filters: Filters) -> ColumnElement[bool]:
    reader.require("contact:read")
    if given.get("id") is None:
        raise InvalidInput("Name the audience.", path=("where",))
    conditions = [
        col(ContactVerdict.audience_id) == row_id("ContactAudience", given["id"]),
        col(ContactVerdict.customer_id) == primary_key(source),
    ]
    if given.get("outcomes") is not None:
        conditions.append(col(ContactVerdict.outcome).in_(given["outcomes"]))
    if given.get("rules") is not None:
        conditions.append(col(ContactVerdict.rule).in_(given["rules"]))
    return exists().where(*conditions).correlate(source)
