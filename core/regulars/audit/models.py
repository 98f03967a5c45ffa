"""Tables of the audit log, of the chain that seals it, and of the words that can be erased from it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["AuditEntry", "LedgerWords", "Seal", "SealerLease", "SubjectKey", "UnsealedRow"]

Position = BigInteger().with_variant(Integer, "sqlite")


class AuditEntry(Table, table=True):
    """One change that somebody made; the database refuses to change or delete it.

    ``subject`` names what was changed as ``kind:uuid``; ``via`` is the mutation, job or command. ``fields`` are names,
    never values. Why it was done lies in ``LedgerWords``, of which ``words_hmac`` is the digest.
    """

    __tablename__ = "core_audit"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor: str = Field(sa_column_kwargs=pii("staff"))
    action: str = Field(sa_column_kwargs=pii("none"))
    subject: str = Field(index=True, sa_column_kwargs=pii("identifier"))
    fields: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    via: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    request_id: str | None = Field(default=None, index=True, sa_column_kwargs=pii("none"))
    words_hmac: str | None = Field(default=None, sa_column_kwargs=pii("hash"))


class LedgerWords(Table, table=True):
    """What people said in an entry of the audit log or of the ledger of consents, beside it so that it can be erased.

    ``subject`` is whose it is, as ``kind:uuid``; it is gone together with the subject's key.
    """

    __tablename__ = "core_ledger_words"

    entry_id: UUID = Field(primary_key=True)
    subject: str = Field(index=True, sa_column_kwargs=pii("identifier"))
    reason: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    evidence: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("document"))


class SubjectKey(Table, table=True):
    """The key under which the digests of one subject's words were made; without it they say nothing."""

    __tablename__ = "core_subject_key"

    subject: str = Field(primary_key=True, sa_column_kwargs=pii("identifier"))
    key: str = Field(sa_column_kwargs=pii("none"))
    made_at: datetime = Field(sa_type=UtcDateTime)


class Seal(Table, table=True):
    """One link of the chain: the digest of a row and of the link before; the database refuses to change or delete it.

    ``kind`` is ``audit`` or ``consent``. Unique ``previous`` and ``seq`` leave no room for a fork.
    """

    __tablename__ = "core_seal"
    __table_args__ = (UniqueConstraint("row_id", "kind"), UniqueConstraint("previous"))

    seq: int = Field(primary_key=True, sa_type=Position, sa_column_kwargs={"autoincrement": False})
    kind: str = Field(sa_column_kwargs=pii("none"))
    row_id: UUID
    sealed_at: datetime = Field(sa_type=UtcDateTime)
    previous: str = Field(sa_column_kwargs=pii("hash"))
    hash: str = Field(sa_column_kwargs=pii("hash"))


class UnsealedRow(Table, table=True):
    """A row that waits for its seal; triggers write it, so that no way of inserting can forget it."""

    __tablename__ = "core_unsealed"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy reads it so

    position: int | None = Field(default=None, primary_key=True, sa_type=Position)
    kind: str = Field(sa_column_kwargs=pii("none"))
    row_id: UUID


class SealerLease(Table, table=True):
    """The one row that says which process seals, and until when it holds that right."""

    __tablename__ = "core_sealer_lease"

    id: int = Field(primary_key=True)
    holder: str = Field(sa_column_kwargs=pii("none"))
    lease_until: datetime = Field(sa_type=UtcDateTime)
