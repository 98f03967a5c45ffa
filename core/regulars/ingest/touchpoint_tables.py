"""The temporary tables in which the touchpoints of one chunk wait for their customers."""

from sqlalchemy import Column, Integer, MetaData, String, Table, Uuid

from regulars.tables import Amount, JsonColumn, UtcDateTime

__all__ = ["FOUND", "STAGED", "STAGED_COLUMNS"]

_TEMPORARY = MetaData()

STAGED = Table(
    "ingest_touchpoint",
    _TEMPORARY,
    Column("place", Integer, primary_key=True),
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

FOUND = Table(
    "ingest_found",
    _TEMPORARY,
    Column("place", Integer, primary_key=True),
    Column("customer_id", Uuid),
    Column("profile_id", Uuid),
    prefixes=["TEMPORARY"],
)
"""Whose timeline each row belongs to; rows that are not to be written are taken out again."""
