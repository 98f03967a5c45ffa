"""Gather all that is known of a customer, each part with where it comes from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.models import AuditEntry, LedgerWords
from regulars.customers.models import Customer
from regulars.personal import pii_of, refers_to_customer, rows_about
from regulars.tables import Table

__all__ = ["core_parts_of", "ids_of"]

SOURCES = {
    "core_customer": ("Who you are", "given by you, or imported from our systems", "declared"),
    "core_customer_identity": (
        "How we reach and recognise you",
        "given by you, or imported from our systems",
        "declared",
    ),
    "core_touchpoint": ("What happened between us", "observed: orders, visits, messages, cases", "observed"),
    "core_consent_event": ("What you allowed and took back", "your own choices, as they were recorded", "declared"),
    "core_consent_state": ("What your choices mean today", "derived from the choices above", "derived"),
    "core_trait_value": ("Facts about you", "each fact names its provenance and source", "own"),
    "core_trait_objection": ("What you had deleted or called wrong", "your own objections", "declared"),
    "core_suppression": ("What keeps us from writing to you", "your objections, bounces, complaints", "observed"),
    "core_contact_decision": ("When we asked whether we may contact you", "decided by our rules", "derived"),
    "core_contact_touch": ("When we contacted you", "observed", "observed"),
    "core_privacy_request": ("What you asked about your data", "your requests", "declared"),
}
"""Title, where it comes from, and of which kind it is; a table that is not named here is told by its own name."""

PORTABLE = frozenset({"declared", "observed"})
INNER = frozenset({"core_customer_word", "core_api_key", "core_magic_link", "core_customer_session"})
"""Tables that say nothing that others do not say, or only open doors."""

HIDDEN_KINDS = ("hash",)


async def ids_of(session: AsyncSession, customer_id: UUID) -> tuple[UUID, ...]:
    """Return the customer's id and those of all who are part of them."""
    theirs = or_(col(Customer.id) == customer_id, col(Customer.merged_into_id) == customer_id)
    return tuple(await session.scalars(select(col(Customer.id)).where(theirs).order_by(col(Customer.id))))


async def core_parts_of(session: AsyncSession, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return every table of the core that refers to the customer, with its rows, its source and whether it is portable.

    Portable is what the person gave and what was observed of them (GDPR article 20).
    """
    parts = []
    for table in Table.metadata.sorted_tables:
        theirs = [column for column in table.columns if _is_theirs(column)]
        if table.name.startswith("core_") and theirs and table.name not in INNER:
            title, source, kind = SOURCES.get(table.name, (table.name, "kept by the server", "derived"))
            shown = [column for column in table.columns if pii_of(column) not in HIDDEN_KINDS]
            found = select(*shown).where(rows_about(theirs, ids))
            rows = [_row(row._mapping) for row in (await session.execute(found)).all()]
            for row in rows:
                row["isPortable"] = (row.get("provenance") if kind == "own" else kind) in PORTABLE
            parts.append({"part": table.name, "title": title, "source": source, "kind": kind, "rows": rows})
    parts.append(await _words(session, ids))
    return parts


async def _words(session: AsyncSession, ids: Sequence[UUID]) -> dict[str, Any]:
    subjects = [f"customer:{id}" for id in ids]
    query = (
        select(AuditEntry.at, AuditEntry.action, LedgerWords.reason, LedgerWords.evidence)  # type: ignore[call-overload]
        .outerjoin(AuditEntry, col(AuditEntry.id) == col(LedgerWords.entry_id))
        .where(col(LedgerWords.subject).in_(subjects))
    )
    rows = [{**_row(row._mapping), "isPortable": True} for row in (await session.execute(query)).all()]
    source = "the words given with each change and each choice"
    return {
        "part": "core_ledger_words",
        "title": "Reasons and evidence",
        "source": source,
        "kind": "declared",
        "rows": rows,
    }


def _is_theirs(column: Column[Any]) -> bool:
    is_self = column.table.name == Customer.__tablename__ and column.name == "id"
    return is_self or refers_to_customer(column)


def _row(values: Any) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, bool | int | str | list | dict) else str(value)
