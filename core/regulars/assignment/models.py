"""Tables of the randomiser: programmes, who was assigned in them, and who is held out of all."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["AssignedUnit", "AssignmentHoldout", "AssignmentProgramme"]


class AssignmentProgramme(Table, table=True):
    """Something that treats units differently by chance: a pilot, a thank-you programme, a check of a forecast.

    ``seed`` is secret: whoever knows it knows every arm in advance. ``arms`` are pairs of a name and a share.
    """

    __tablename__ = "core_assignment_programme"
    __table_args__ = (UniqueConstraint("owner", "key"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(sa_column_kwargs=pii("none"))
    key: str = Field(sa_column_kwargs=pii("none"))
    unit_kind: str = Field(sa_column_kwargs=pii("none"))
    layer: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    seed: str = Field(sa_column_kwargs=pii("none"))
    arms: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    has_holdout: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AssignedUnit(Table, table=True):
    """The arm of one unit in one programme; it never changes.

    ``unit`` is an id: a customer's, or a household's, an account's, a store's. ``layer`` keeps the unit from other
    programmes of the layer, until the programme is closed.
    """

    __tablename__ = "core_assignment"
    __table_args__ = (
        Index(
            "uq_core_assignment_layer",
            "layer",
            "unit",
            unique=True,
            sqlite_where=text("layer IS NOT NULL"),
            postgresql_where=text("layer IS NOT NULL"),
        ),
        Index("ix_core_assignment_unit", "unit"),
    )

    programme_id: UUID = Field(foreign_key="core_assignment_programme.id", ondelete="CASCADE", primary_key=True)
    unit: str = Field(primary_key=True, sa_column_kwargs=pii("identifier"))
    arm: str = Field(sa_column_kwargs=pii("fact"))
    entry_value: float
    arm_value: float
    layer: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    assigned_at: datetime = Field(sa_type=UtcDateTime)


class AssignmentHoldout(Table, table=True):
    """The slice of all units of a kind that no programme treats, so that the whole effect of all can be seen."""

    __tablename__ = "core_assignment_holdout"

    unit_kind: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    seed: str = Field(sa_column_kwargs=pii("none"))
    share: float
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    set_at: datetime = Field(sa_type=UtcDateTime)
