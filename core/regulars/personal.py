"""Say of each column of a table what it holds of a person: ``name: str = Field(sa_column_kwargs=pii("name"))``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, ColumnElement, LargeBinary, String, and_, inspect, or_, select
from sqlalchemy.types import TypeDecorator, TypeEngine

from regulars.tables import Table

__all__ = ["PII_KINDS", "pii", "pii_of", "refers_to_customer", "rows_about", "silent_columns"]

ANNOTATION = "pii"

PII_KINDS: Mapping[str, str] = {
    "none": "nothing about any person",
    "name": "what somebody is called",
    "address": "how somebody is reached: an address, a number, an account",
    "identifier": "by which somebody is known, here or elsewhere",
    "fact": "something about somebody, from a closed list or of a fixed form",
    "free_text": "what somebody wrote, which can be anything",
    "document": "a JSON document that can hold any of these",
    "staff": "somebody who works here",
    "hash": "a hash of something personal, or of a secret",
}
"""What a column can hold of a person."""


def pii(kind: str) -> dict[str, Any]:
    """Return what ``Field`` takes as ``sa_column_kwargs`` to say what its column holds of a person.

    ``kind`` is one of ``PII_KINDS``; ``ValueError`` is raised for another word. Every column of text, bytes or JSON
    needs it.
    """
    if kind not in PII_KINDS:
        raise ValueError(f"{kind!r} is no kind of personal data. Use one of {', '.join(PII_KINDS)}.")
    return {"info": {ANNOTATION: kind}}


def pii_of(column: Column[Any]) -> str | None:
    """Return what a column holds of a person; None where nobody said so.

    Numbers, times and truths hold nothing by themselves, so they are ``none`` unless said otherwise, and a column that
    refers to a customer is an ``identifier``.
    """
    said: str | None = column.info.get(ANNOTATION)
    if said is not None or _can_hold_anything(column.type):
        return said
    return "identifier" if refers_to_customer(column) else "none"


def refers_to_customer(column: Column[Any]) -> bool:
    """Tell whether a column holds the id of a customer: by a foreign key, or by its name where the table has none."""
    return column.name == "customer_id" or any(key.target_fullname == "core_customer.id" for key in column.foreign_keys)


def rows_about(columns: Sequence[Column[Any]], customer_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Return which rows of a table refer to these customers by one of its columns.

    A table whose key begins with what its rows are parts of names that table in ``info``; it is walked part by part.
    """
    table, theirs = columns[0].table, or_(*(column.in_(customer_ids) for column in columns))
    whole = table.info.get("parts_of")
    if whole is None:
        return theirs
    part_of, *_ = table.primary_key
    return and_(part_of.in_(select(table.metadata.tables[whole].c.id)), theirs)


def silent_columns(models: Iterable[type[Table]]) -> list[str]:
    """Return the columns, as ``table.column``, of which nobody said what they hold of a person."""
    tables: list[Any] = [inspect(model).local_table for model in models]
    return [f"{table}.{column.name}" for table in tables for column in table.columns if pii_of(column) is None]


def _can_hold_anything(type: TypeEngine[Any]) -> bool:
    while isinstance(type, TypeDecorator):
        type = type.impl_instance
    return isinstance(type, String | LargeBinary | JSON)
