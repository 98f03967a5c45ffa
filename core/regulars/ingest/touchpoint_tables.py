"""The temporary table in which the touchpoints of one chunk wait for their customers."""

from sqlalchemy import Column, Integer, MetaData, String, Table, Uuid

from regulars.tables import Amount, JsonColumn, UtcDateTime

__all__ = ["STAGED", "STAGED_COLUMNS"]

STAGED = Table(
    "ingest_touchpoint",
    MetaData(),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid),
    Column("event_id", Uuid),
    Column("name_kind", String),
    Column("name_source", String),
    Column("name", String),
    Column("asked_id", Uuid),
    Column("type", String),
    Column("channel", String),
    Column("occurred_at", UtcDateTime),
    Column("amount", Amount),
    Column("currency", String),
    Column("cost", Amount),
    Column("source", String),
    Column("external_id", String),
    Column("payload", JsonColumn),
    prefixes=["TEMPORARY"],
)
"""The rows as they were read: ``place`` is the index in the chunk; a customer is named by id or by another name."""

STAGED_COLUMNS = tuple(STAGED.columns.keys())
