"""Tables of the traits that a company defines itself."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from regulars.tables import Amount, Table, UtcDateTime

__all__ = ["TraitDefinition", "TraitValue"]


class TraitDefinition(Table, table=True):
    """A fact that the company keeps about its customers, and where such facts come from."""

    __tablename__ = "core_trait_definition"

    key: str = Field(primary_key=True)
    title: str
    type: str
    provenance: str
    is_personal: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)


class TraitValue(Table, table=True):
    """One customer's value of a company-defined trait; exactly one of the value columns is set."""

    __tablename__ = "core_trait_value"
    __table_args__ = (
        Index("ix_core_trait_value_key_text", "key", "text_value"),
        Index("ix_core_trait_value_key_number", "key", "number_value"),
    )

    customer_id: UUID = Field(foreign_key="core_customer.id", primary_key=True)
    key: str = Field(foreign_key="core_trait_definition.key", primary_key=True)
    profile_id: UUID = Field(foreign_key="core_customer.id", primary_key=True)
    text_value: str | None = None
    number_value: Decimal | None = Field(default=None, sa_type=Amount)
    boolean_value: bool | None = None
    time_value: datetime | None = Field(default=None, sa_type=UtcDateTime)
    provenance: str
    source: str
    as_of: datetime = Field(sa_type=UtcDateTime)
