"""Tables of the traits that a company defines itself, and of what customers object to."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Amount, Table, UtcDateTime, new_id

__all__ = ["TraitDefinition", "TraitObjection", "TraitValue"]

STANDS = text("lifted_at IS NULL")


class TraitDefinition(Table, table=True):
    """A fact that the company keeps about its customers, where such facts come from, and what it uses them for."""

    __tablename__ = "core_trait_definition"
    __table_args__ = (UniqueConstraint("key", "provenance"),)

    key: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    title: str = Field(sa_column_kwargs=pii("none"))
    type: str = Field(sa_column_kwargs=pii("none"))
    provenance: str = Field(sa_column_kwargs=pii("none"))
    is_personal: bool = False
    used_for: str | None = Field(default=None, sa_column_kwargs=pii("none"))
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


class TraitObjection(Table, table=True):
    """A fact that a customer had deleted, so that it is not guessed again, or that they call wrong.

    ``kind`` is ``deleted`` or ``disputed``. ``method`` is who told the fact: the source of the value, the plugin of a
    plugin's trait. It stands until it is lifted. A merge moves ``customer_id``; ``profile_id`` stays for whom it was
    recorded.
    """

    __tablename__ = "core_trait_objection"
    __table_args__ = (
        Index(
            "uq_core_trait_objection_standing",
            "profile_id",
            "key",
            "kind",
            "method",
            unique=True,
            sqlite_where=STANDS,
            postgresql_where=STANDS,
        ),
        Index("ix_core_trait_objection_key", "key", "kind"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", index=True)
    profile_id: UUID = Field(foreign_key="core_customer.id")
    key: str = Field(sa_column_kwargs=pii("none"))
    kind: str = Field(sa_column_kwargs=pii("none"))
    method: str = Field(sa_column_kwargs=pii("none"))
    reason: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    actor: str = Field(sa_column_kwargs=pii("staff"))
    created_at: datetime = Field(sa_type=UtcDateTime)
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lifted_by: str | None = Field(default=None, sa_column_kwargs=pii("staff"))
