"""Write down who changed what and why, in the transaction that changes it, and forget people's words."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.models import AuditEntry, LedgerWords, SubjectKey
from regulars.audit.words import keep_words
from regulars.customers.models import Customer
from regulars.idempotency.service import erase_answers
from regulars.notes import note
from regulars.tables import new_id

__all__ = ["Circumstances", "forget_subject", "record_audit", "tentatively", "under"]

UNDER = "regulars.circumstances"


@dataclass
class Circumstances:
    """Under what a change is made: the mutation, job or command, its request, what was given to it, and why.

    ``entries`` counts what was written down meanwhile.
    """

    via: str
    request_id: str | None = None
    fields: Sequence[str] = ()
    why: str | None = None
    entries: int = 0


@contextmanager
def under(session: AsyncSession, circumstances: Circumstances) -> Iterator[Circumstances]:
    """Let whatever is written down with this session, while the block lasts, tell of these circumstances."""
    before = session.info.get(UNDER)
    session.info[UNDER] = circumstances
    try:
        yield circumstances
    finally:
        session.info[UNDER] = before


@contextmanager
def tentatively(session: AsyncSession) -> Iterator[Callable[[], None]]:
    """Let entries made in the block count only once what is yielded is called; whoever does not, takes them back."""
    circumstances: Circumstances = session.info.get(UNDER) or Circumstances("")
    with under(session, replace(circumstances)) as tried:
        yield lambda: setattr(circumstances, "entries", tried.entries)


async def record_audit(
    session: AsyncSession,
    *,
    actor: str,
    action: str,
    subject: str,
    fields: Sequence[str] = (),
    why: str | None = None,
    now: datetime,
) -> UUID:
    """Write down that ``actor`` did ``action`` to ``subject`` (``kind:uuid``), in the transaction that does it.

    Return the id of the entry. ``fields`` are the names of what changed, never values; what is left out follows from
    the circumstances. Why it was done is kept apart, where it can be erased. No lock is taken: the entry gets its place
    in the chain later.
    """
    circumstances: Circumstances = session.info.get(UNDER) or Circumstances("")
    id = new_id()
    why = why or circumstances.why
    digest = None if why is None else await keep_words(session, entry_id=id, subject=subject, reason=why, now=now)
    entry = {
        "id": id,
        "at": now,
        "actor": actor,
        "action": action,
        "subject": subject,
        "fields": list(fields or circumstances.fields),
        "via": circumstances.via or None,
        "request_id": circumstances.request_id,
        "words_hmac": digest,
    }
    note(session, AuditEntry, entry)
    circumstances.entries += 1
    return id


async def forget_subject(session: AsyncSession, *, customer_id: UUID) -> dict[str, int]:
    """Destroy all words of the customer, and of those who are part of them, in the audit log and in the ledger.

    The words go, and the keys of their digests; answers kept for repeated requests that named the customer are emptied.
    The entries stay with scope, times and digests, so the chain still verifies. Return how many rows of which table.
    """
    is_theirs = or_(col(Customer.id) == customer_id, col(Customer.merged_into_id) == customer_id)
    ids = {customer_id, *await session.scalars(select(col(Customer.id)).where(is_theirs))}
    subjects = [f"customer:{id}" for id in ids]
    requests = select(col(AuditEntry.request_id)).where(
        col(AuditEntry.subject).in_(subjects), col(AuditEntry.request_id).is_not(None)
    )
    request_ids = [id for id in await session.scalars(requests.distinct()) if id is not None]
    named = [word for id in ids for word in (id.hex, str(id))]
    connection = await session.connection()
    words = await connection.execute(delete(LedgerWords).where(col(LedgerWords.subject).in_(subjects)))
    keys = await connection.execute(delete(SubjectKey).where(col(SubjectKey.subject).in_(subjects)))
    return {
        "core_ledger_words": words.rowcount,
        "core_subject_key": keys.rowcount,
        "core_kept_answer": await erase_answers(session, request_ids=request_ids, words=named),
    }
