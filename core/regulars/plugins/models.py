"""Tables of what the server knows about plugins between two starts."""

from datetime import datetime
from typing import Any

from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime

__all__ = ["PluginProblem", "PluginRecord", "SchemaRevision"]


class PluginRecord(Table, table=True):
    """Whether a plugin is wanted, with which settings, and which grants, tables and hooks it had when it was enabled.

    ``accepted_at`` is None until an admin enables it for the first time; from then on it may hold something of
    customers, enabled or not. ``tables`` maps each table to its columns that refer to a customer.
    """

    __tablename__ = "core_plugin"

    id: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    is_enabled: bool = False
    version: str = Field(sa_column_kwargs=pii("none"))
    grants: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    settings: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    tables: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    hooks: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PluginProblem(Table, table=True):
    """Something that went wrong in a plugin, counted rather than repeated."""

    __tablename__ = "core_plugin_problem"

    plugin_id: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    key: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    message: str = Field(sa_column_kwargs=pii("free_text"))
    is_critical: bool = False
    count: int = 1
    first_seen_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)


class SchemaRevision(Table, table=True):
    """A number that grows whenever the set of enabled plugins changes, so that every process follows."""

    __tablename__ = "core_schema_revision"

    name: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    number: int = 0
