"""Tables of the traits that a company defines itself."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Amount, Table, UtcDateTime

__all__ = ["TraitDefinition", "TraitValue"]


class TraitDefinition(Table, table=True):
    """A fact that the company keeps about its customers, and where such facts come from."""

    __tablename__ = "core_trait_definition"
    __table_args__ = (UniqueConstraint("key", "provenance"),)

    key: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    title: str = Field(sa_column_kwargs=pii("none"))
    type: str = Field(sa_column_kwargs=pii("none"))
    provenance: str = Field(sa_column_kwargs=pii("none"))
    is_personal: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)


class TraitValue(Table, table=True):
    """One customer's value of a company-defined trait; exactly one of the value columns is set.

    Its provenance is its definition's: the database itself refuses an observed value of a declared trait.
    ``customer_id`` is whose value it is today, ``profile_id`` for whom it was recorded: a merge moves the first.
    """

    __tablename__ = "core_trait_value"
    __table_args__ = (
        ForeignKeyConstraint(["key", "provenance"], ["core_trait_definition.key", "core_trait_definition.provenance"]),
        CheckConstraint(
            "CASE WHEN text_value IS NULL THEN 0 ELSE 1 END + CASE WHEN number_value IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN boolean_value IS NULL THEN 0 ELSE 1 END + CASE WHEN time_value IS NULL THEN 0 ELSE 1 END = 1",
            name="one_value",
        ),
        Index("ix_core_trait_value_key_text", "key", "text_value"),
        Index("ix_core_trait_value_key_number", "key", "number_value"),
    )

    customer_id: UUID = Field(foreign_key="core_customer.id", primary_key=True)
    key: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    profile_id: UUID = Field(foreign_key="core_customer.id", primary_key=True)
    text_value: str | None = Field(default=None, sa_column_kwargs=pii("fact"))
    number_value: Decimal | None = Field(default=None, sa_type=Amount)
    boolean_value: bool | None = None
    time_value: datetime | None = Field(default=None, sa_type=UtcDateTime)
    provenance: str = Field(sa_column_kwargs=pii("none"))
    source: str = Field(sa_column_kwargs=pii("none"))
    as_of: datetime = Field(sa_type=UtcDateTime)
