"""The links of the chain: what of a row is sealed, and how each link holds on to the one before."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.audit.canonical import canonical_json
from regulars.audit.models import AuditEntry
from regulars.consents.models import ConsentEvent

__all__ = ["BEGINNING", "KINDS", "Link", "SealedTable", "link_hash", "read_contents"]

BEGINNING = "0" * 64
"""What the first link holds on to."""

MOST_IDS = 500


@dataclass(frozen=True)
class SealedTable:
    """A table whose rows are sealed; ``movable`` columns are not, because they follow merges."""

    table: Table
    movable: frozenset[str] = frozenset()

    @property
    def columns(self) -> Sequence[Any]:
        """Return the columns that are sealed, the id among them."""
        return [column for column in self.table.columns if column.name not in self.movable]


KINDS: Mapping[str, SealedTable] = {
    "audit": SealedTable(inspect(AuditEntry).local_table),  # type: ignore[arg-type]  # a mapped class has a table
    "consent": SealedTable(inspect(ConsentEvent).local_table, frozenset({"customer_id"})),  # type: ignore[arg-type]
}
"""What is sealed, by the word that stands in the chain for it."""


@dataclass(frozen=True)
class Link:
    """One link before it is written."""

    seq: int
    kind: str
    row_id: UUID
    sealed_at: datetime
    previous: str
    hash: str


def link_hash(*, seq: int, kind: str, content: Mapping[str, Any], sealed_at: datetime, previous: str) -> str:
    """Return SHA-256(previous hash ‖ RFC 8785 JSON of the row, its kind, its place and its time), as 64 digits."""
    sealed = canonical_json({"kind": kind, "row": content, "sealedAt": _plain(sealed_at), "seq": seq})
    return hashlib.sha256(bytes.fromhex(previous) + sealed).hexdigest()


async def read_contents(session: AsyncSession, kind: str, ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """Return what is sealed of the rows of this kind, by id; rows that are gone are left out."""
    sealed = KINDS[kind]
    contents: dict[UUID, Mapping[str, Any]] = {}
    for first in range(0, len(ids), MOST_IDS):
        query = select(*sealed.columns).where(sealed.table.c.id.in_(ids[first : first + MOST_IDS]))
        contents |= {row.id: _content(row) for row in await session.execute(query)}
    return contents


def _content(row: Any) -> Mapping[str, Any]:
    return {name: _plain(value) for name, value in row._mapping.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
