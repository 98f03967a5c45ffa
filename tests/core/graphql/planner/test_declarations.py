"""A declaration that cannot be kept is refused when the schema is built, naming the field and its owner."""

import pytest
import strawberry
from sqlalchemy import BigInteger, cast

from regulars import Customer, GraphQLPart, column
from regulars.graphql.schema.building import SchemaParts, build_schema
from regulars.graphql.schema.composition import CORE_OWNER, FieldRefused, OwnedPart
from regulars.graphql.schema.core_parts import CORE_PARTS


@strawberry.type
class Spending:
    spent: int | None = column(cast(Customer.version, BigInteger()), description="In cents.")


def test_an_int_over_64_bits_is_refused() -> None:
    core = [OwnedPart(CORE_OWNER, part) for part in CORE_PARTS]

    with pytest.raises(FieldRefused, match=r"Customer\.spent of gold cannot be used: its numbers have 64 bits"):
        build_schema(SchemaParts([*core, OwnedPart("gold", GraphQLPart({"Customer": Spending}))]))
