"""Keep what people said beside the entry that it belongs to, under a key that can be destroyed."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.canonical import canonical_json
from regulars.audit.models import LedgerWords, SubjectKey
from regulars.inserts import insert_new
from regulars.notes import note

__all__ = ["digest_of_words", "keep_words"]

KEY_BYTES = 32


async def keep_words(
    session: AsyncSession,
    *,
    entry_id: UUID,
    subject: str,
    reason: str | None,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
) -> str:
    """Keep the words of an entry in their own table, and return the digest that belongs into the entry itself.

    The digest is under the subject's own key, made at the first word about them.
    """
    key = await _key_of(session, subject, now)
    kept = None if evidence is None else dict(evidence)
    note(session, LedgerWords, {"entry_id": entry_id, "subject": subject, "reason": reason, "evidence": kept})
    return digest_of_words(key, reason=reason, evidence=kept)


def digest_of_words(key: str, *, reason: str | None, evidence: Mapping[str, Any] | None) -> str:
    """Return the HMAC-SHA-256 of the words as RFC 8785 JSON, in hexadecimal digits."""
    return hmac.digest(bytes.fromhex(key), canonical_json({"evidence": evidence, "reason": reason}), "sha256").hex()


async def _key_of(session: AsyncSession, subject: str, now: datetime) -> str:
    kept = select(col(SubjectKey.key)).where(col(SubjectKey.subject) == subject)
    key = await session.scalar(kept)
    if key is None:
        made = {"subject": subject, "key": secrets.token_hex(KEY_BYTES), "made_at": now}
        await insert_new(session, SubjectKey, [made], unless_taken=["subject"])
        key = await session.scalar(kept)
    assert key is not None
    return key
