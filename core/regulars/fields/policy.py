"""Which rows an actor may see, as conditions that every reading of a table carries."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Uuid, bindparam, false, true
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.util import ClauseAdapter

from regulars.access.actors import Actor
from regulars.errors import NotFound
from regulars.fields.types import TypeRules

__all__ = ["OWN_ID", "RowPolicy", "adapted"]

OWN_ID = bindparam("regulars_own_id", type_=Uuid(), required=True)
"""The id of the customer who asks, bound when the statement runs."""


def adapted(expression: ColumnElement[Any], source: FromClause) -> ColumnElement[Any]:
    """Return the expression over ``source``, an alias of the table that it was written for."""
    return ClauseAdapter(source).traverse(expression)


@dataclass(frozen=True)
class RowPolicy:
    """The rows that one actor may see.

    Staff and services see every visible row of a type that they may see at all. A customer sees the row that is
    theirs, rows that belong to them, and rows of open types; of all other tables none. ``own_id`` stands in SQL for the
    customer's id, such as ``OWN_ID`` in a statement that serves all customers.
    """

    actor: Actor
    own_id: Any = None

    @classmethod
    def for_all_customers(cls, actor: Actor) -> "RowPolicy":
        """Return the policy of an actor, in SQL that serves every customer."""
        return cls(actor, own_id=None if actor.customer_id is None else OWN_ID)

    def condition(self, rules: TypeRules, source: FromClause) -> ColumnElement[bool]:
        """Return what must hold for a row of ``source``, which is the type's table or an alias of it."""
        visible = true() if rules.visible is None else adapted(rules.visible, source)
        return visible & self._owned(rules, source)

    def _owned(self, rules: TypeRules, source: FromClause) -> ColumnElement[bool]:
        if self.actor.kind != "customer" or rules.is_open:
            return true()
        if self.actor.customer_id is None or rules.table is None:
            return false()
        own_id = self.actor.customer_id if self.own_id is None else self.own_id
        if rules.table.__tablename__ == "core_customer":
            return source.c.id == own_id
        if "customer_id" in source.c:
            return source.c.customer_id == own_id
        return false()

    def owns(self, customer: Any) -> bool:
        """Tell whether the actor may see a customer who was read without this policy."""
        return self.actor.kind != "customer" or customer.id == self.actor.customer_id

    def own(self, customer_id: UUID) -> UUID:
        """Return the id, unless the actor is another customer: then there is no such customer."""
        if self.actor.kind == "customer" and customer_id != self.actor.customer_id:
            raise NotFound("customer", customer_id, path=("customerId",))
        return customer_id
