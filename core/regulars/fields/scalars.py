"""How decimals and moments are written in answers and read from variables."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition, scalar

__all__ = ["SCALARS", "format_decimal", "format_moment", "parse_decimal", "parse_moment"]

MONEY_DIGITS = 2


def format_decimal(value: Decimal) -> str:
    """Return the decimal as text, with two digits after the point, or with as many more as it needs."""
    whole = (
        value.quantize(Decimal(1).scaleb(-MONEY_DIGITS)) if value == round(value, MONEY_DIGITS) else value.normalize()
    )
    return f"{whole:f}"


def parse_decimal(value: object) -> Decimal:
    """Return the decimal that a client gave as text or as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise GraphQLError(f'{value!r} is no decimal. Write it as text, such as "12.50".')
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise GraphQLError(f'{value!r} is no decimal. Write it as text, such as "12.50".') from error
    if not number.is_finite():
        raise GraphQLError(f"{value!r} is not finite. Write a number with an end.")
    return number


def format_moment(value: datetime) -> str:
    """Return the moment in UTC with six digits of the second and a ``Z``."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_moment(value: object) -> datetime:
    """Return the moment that a client gave; one without a zone is refused."""
    if not isinstance(value, str):
        raise GraphQLError(f'{value!r} is no moment. Write it as text, such as "2026-03-02T12:00:00Z".')
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise GraphQLError(f'{value!r} is no moment. Write it as text, such as "2026-03-02T12:00:00Z".') from error
    if moment.tzinfo is None:
        raise GraphQLError(f"The moment {value!r} has no zone. Add Z or an offset such as +01:00.")
    return moment.astimezone(UTC)


def _parse_uuid(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise GraphQLError(f"{value!r} is no UUID, such as 0199c5d6-7a40-7d3c-8f11-2a5b9c0e4d6f.") from error


def _in_document(parse: Callable[[object], object]) -> Callable[..., object]:
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from error

    return parse_literal


SCALARS: dict[object, ScalarDefinition] = {
    datetime: scalar(
        name="DateTime",
        description="A moment in UTC, such as `2026-03-02T12:00:00.000000Z`.",
        serialize=format_moment,
        parse_value=parse_moment,
        parse_literal=_in_document(parse_moment),
    ),
    Decimal: scalar(
        name="Decimal",
        description='An exact decimal as text, such as `"12.50"`.',
        serialize=format_decimal,
        parse_value=parse_decimal,
        parse_literal=_in_document(parse_decimal),
    ),
    UUID: scalar(
        name="UUID",
        description="A UUID.",
        serialize=str,
        parse_value=_parse_uuid,
        parse_literal=_in_document(_parse_uuid),
    ),
}
"""What the schema uses in place of strawberry's own scalars."""

JSON = strawberry.scalars.JSON
"""A document whose shape only its writer knows, such as a touchpoint's payload."""
