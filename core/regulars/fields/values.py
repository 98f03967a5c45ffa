"""The types that many fields share: money, pages of a connection, errors of a mutation."""

from decimal import Decimal
from typing import Generic, TypeVar

import strawberry

from regulars.errors import ExpectedError
from regulars.fields.declarations import free
from regulars.fields.types import RULES, TypeRules, value_type
from regulars.unset import UNSET, Unset

__all__ = [
    "Connection",
    "Edge",
    "Money",
    "MutationInput",
    "Node",
    "PageInfo",
    "Payload",
    "UserError",
    "given",
    "user_error",
]

Item = TypeVar("Item")
Given = TypeVar("Given")


def given(value: Given) -> Given | Unset:
    """Return an input's value as services take it: what the client left out is ``UNSET``."""
    return UNSET if value is strawberry.UNSET else value


@strawberry.interface(description="Something with a global id.")
class Node:
    """Something with a global id."""

    id: strawberry.ID = strawberry.field(description="The global id; opaque.")


setattr(Node, RULES, TypeRules(None, None))


@value_type(description="An amount in a currency.")
class Money:
    """An amount in a currency."""

    amount: Decimal = strawberry.field(description="The amount, exact, as text.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency.")


@value_type(description="Where a page lies in the whole.")
class PageInfo:
    """Where a page lies in the whole."""

    has_next_page: bool = strawberry.field(description="Whether more follows after this page.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item, for `before`.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last item, for `after`.")


@value_type(description="An item of a page with its cursor.")
class Edge(Generic[Item]):
    """An item of a page with its cursor."""

    cursor: str = strawberry.field(description="Where the item stands, for `after` and `before`.")
    node: Item = free(description="The item.")


@value_type(description="One page of a list that may be long.")
class Connection(Generic[Item]):
    """One page of a list that may be long."""

    nodes: list[Item] = strawberry.field(description="The items.")
    edges: list[Edge[Item]] = strawberry.field(description="The items with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the whole.")
    total_count: int = strawberry.field(description="How many items there are in all; counted only when asked for.")


@value_type(description="Why a mutation did nothing, and what to do about it.")
class UserError:
    """Why a mutation did nothing, and what to do about it."""

    path: list[str] = strawberry.field(
        description="The input field that the error is about; empty when it is the whole."
    )
    message: str = strawberry.field(description="What happened and what to do next, in a sentence.")
    code: str = strawberry.field(description="A stable word for programs; new ones may be added.")
    conflicting_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of what stands in the way, where there is one."
    )


def user_error(error: ExpectedError) -> UserError:
    """Return an expected error as the API shows it."""
    return UserError(
        path=list(error.path),
        message=str(error),
        code=error.code,
        conflicting_id=None if error.conflicting_id is None else strawberry.ID(error.conflicting_id),
    )


@value_type(description="What every mutation answers.")
class Payload:
    """What every mutation answers; each mutation adds what it made."""

    errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why nothing was done; empty when all went well."
    )
    client_mutation_id: str | None = strawberry.field(default=None, description="The word that the client sent along.")


@strawberry.input(description="What every mutation takes.")
class MutationInput:
    """What every mutation takes; each mutation adds its own."""

    client_mutation_id: str | None = strawberry.field(
        default=None, description="Any word; it comes back in the payload."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=(
            "A key of yours for the whole request, as in the header `Idempotency-Key`: sent again with the same key, it"
            " has no second effect and gets the same answer, for 48 hours."
        ),
    )
