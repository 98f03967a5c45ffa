"""What the database remembers of plugins: who is wanted, with which settings, grants and tables."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.plugins.joining.manifest_checks import grant_names
from regulars.plugins.models import PluginRecord, SchemaRevision
from regulars.plugins.plugin_set import EnabledPlugin

__all__ = ["read_records", "read_revision", "remember_disabled", "remember_enabled", "remember_settings"]

REVISION = "plugins"


async def read_records(session: AsyncSession) -> dict[str, PluginRecord]:
    """Return what is remembered, by plugin."""
    records = (await session.scalars(select(PluginRecord).order_by(col(PluginRecord.id)))).all()
    return {record.id: record for record in records}


async def read_revision(session: AsyncSession) -> int:
    """Return the number that grows whenever the set of plugins changes."""
    number = await session.scalar(select(col(SchemaRevision.number)).where(col(SchemaRevision.name) == REVISION))
    return number or 0


async def remember_enabled(session: AsyncSession, *, plugin: EnabledPlugin, now: datetime) -> None:
    """Remember that the plugin is wanted, in this version, with these grants, tables and hooks."""
    record = await _record(session, plugin.id, now)
    record.is_enabled = True
    record.version = plugin.manifest.version
    record.grants = list(grant_names(plugin.manifest.grants))
    record.tables = {table: dict(columns) for table, columns in plugin.contributions.customer_references.items()}
    record.hooks = list(plugin.hooks)
    record.accepted_at = record.accepted_at or now
    record.updated_at = now
    await _raise_revision(session)


async def remember_disabled(session: AsyncSession, *, plugin_id: str, now: datetime) -> None:
    """Remember that the plugin is not wanted; its tables and settings stay."""
    record = await _record(session, plugin_id, now)
    record.is_enabled = False
    record.updated_at = now
    await _raise_revision(session)


async def remember_settings(
    session: AsyncSession, *, plugin_id: str, settings: Mapping[str, Any], now: datetime
) -> None:
    """Replace the plugin's settings."""
    record = await _record(session, plugin_id, now)
    record.settings = dict(settings)
    record.updated_at = now
    await _raise_revision(session)


async def _record(session: AsyncSession, plugin_id: str, now: datetime) -> PluginRecord:
    record = await session.get(PluginRecord, plugin_id)
    if record is None:
        record = PluginRecord(id=plugin_id, version="", grants=[], settings={}, tables={}, hooks=[], updated_at=now)
        session.add(record)
    return record


async def _raise_revision(session: AsyncSession) -> None:
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    await session.execute(
        insert(SchemaRevision)
        .values(name=REVISION, number=1)
        .on_conflict_do_update(index_elements=["name"], set_={"number": col(SchemaRevision.number) + 1})
    )
