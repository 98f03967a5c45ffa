"""The three root types; every field of them is added by a noun of the core or by a plugin."""

import strawberry

__all__ = ["Mutation", "Query", "Subscription"]


@strawberry.type(description="What can be asked.")
class Query:
    """What can be asked."""


@strawberry.type(description="What can be changed. Each mutation answers with what it made, or with its errors.")
class Mutation:
    """What can be changed."""


@strawberry.type(description="What can be followed.")
class Subscription:
    """What can be followed."""
