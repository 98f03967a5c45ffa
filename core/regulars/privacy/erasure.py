"""Erase a customer: rows about them, their words in what is sealed, their tracks elsewhere; then bar their return."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.assignment.service import forget_units
from regulars.audit.service import forget_subject
from regulars.customers.identities import Identity
from regulars.customers.models import Customer, CustomerIdentity, CustomerMerge
from regulars.customers.turns import UPSERTS_LOCK
from regulars.errors import NotFound
from regulars.events.models import Event
from regulars.events.service import record_event
from regulars.idempotency.service import erase_answers
from regulars.personal import refers_to_customer, rows_about
from regulars.privacy.models import PrivacyRequest
from regulars.privacy.tracks import erase_from_tables, telling_words
from regulars.suppressions.secret_key import ensure_address_key
from regulars.suppressions.service import suppress_erased
from regulars.tables import Table

__all__ = ["KEPT", "ErasePlugins", "Erased", "erase_customer"]

KEPT: Mapping[str, str] = {
    "core_customer": "the id and the status erased stay, so that what is sealed still refers to something",
    "core_consent_event": "scope, times and digests stay, so that the chain verifies; the words are destroyed",
    "core_customer_merge": "that two ids were one stays; what stood in them is emptied",
    "core_privacy_request": "the proof that the request was answered",
}
"""Tables that refer to a customer and keep their rows, each with the reason; of all others the rows are deleted."""

NOTHING = {
    "display_name": None,
    "language": None,
    "time_zone": None,
    "jurisdiction": None,
    "age": "unknown",
    "has_guardian_consent": False,
    "status": "erased",
}


@dataclass
class Erased:
    """What was erased: rows by table, addresses barred, the words by which to search files, and who did not answer."""

    ids: tuple[UUID, ...]
    rows: Counter[str] = field(default_factory=Counter)
    barred: int = 0
    hashes: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    plugins: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


ErasePlugins = Callable[[AsyncSession, UUID, Erased], Awaitable[None]]
"""Lets plugins erase what they know of one id, in the same transaction, and notes what came of it."""


async def erase_customer(
    session: AsyncSession,
    *,
    customer_id: UUID,
    request_id: UUID,
    erase_plugins: ErasePlugins,
    before_commit: Callable[[Erased], Awaitable[None]] | None = None,
    actor: Actor,
    now: datetime,
) -> Erased:
    """Erase the customer and all who are part of them, and return what was erased; again, it finds what came since.

    ``before_commit`` is given what was erased, with the words by which to search files, which are gone afterwards.
    Raises ``NotFound`` for no such customer.
    """
    ids = await _hold(session, customer_id)
    erased = Erased(ids)
    identities = (
        await session.scalars(
            select(CustomerIdentity).where(
                col(CustomerIdentity.customer_id).in_(ids) | col(CustomerIdentity.profile_id).in_(ids)
            )
        )
    ).all()
    names = (await session.scalars(select(col(Customer.display_name)).where(col(Customer.id).in_(ids)))).all()
    erased.words = telling_words([*names, *(text for one in identities for text in (one.value, one.normalised))])
    for id in ids:
        await erase_plugins(session, id, erased)
    addresses = [Identity(one.kind, one.value, one.normalised, one.source) for one in identities]
    erased.barred = await suppress_erased(
        session, identities=addresses, reason=f"erasure {request_id}", actor=actor, now=now
    )
    key = await ensure_address_key(session)
    erased.hashes = tuple(sorted({key.hash(address) for address in addresses}))
    await _delete_rows(session, erased)
    await _empty_rows(session, erased, now)
    erased.rows.update(await forget_subject(session, customer_id=ids[0]))
    forgotten = await forget_units(session, unit_kind="customer", units=[str(id) for id in ids])
    erased.rows["core_assignment"] = forgotten
    erased.rows.update(await erase_from_tables(session, words=erased.words))
    erased.rows["core_kept_answer"] += await erase_answers(session, request_ids=(), words=erased.words)
    if before_commit is not None:
        await before_commit(erased)
    await record_event(
        session,
        type="customer.erased",
        subject=f"customer:{ids[0]}",
        actor=actor.label,
        data={"requestId": str(request_id)},
        now=now,
    )
    return erased


async def _hold(session: AsyncSession, customer_id: UUID) -> tuple[UUID, ...]:
    """Return the customer's id and those of all who are part of them; nobody writes about them meanwhile."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(UPSERTS_LOCK)))
    today = await session.scalar(
        select(func.coalesce(col(Customer.merged_into_id), col(Customer.id))).where(col(Customer.id) == customer_id)
    )
    if today is None:
        raise NotFound("customer", customer_id)
    all_of_them = or_(col(Customer.id) == today, col(Customer.merged_into_id) == today)
    query = select(col(Customer.id)).where(all_of_them).order_by(col(Customer.id)).with_for_update()
    held = (await session.scalars(query)).all()
    return (today, *(id for id in held if id != today))


async def _delete_rows(session: AsyncSession, erased: Erased) -> None:
    """Delete the rows that refer to them, those first to which others refer last."""
    connection = await session.connection()
    subjects = [f"customer:{id}" for id in erased.ids]
    events = await connection.execute(delete(Event).where(col(Event.subject).in_(subjects)))
    erased.rows["core_event"] += events.rowcount
    for table in reversed(Table.metadata.sorted_tables):
        if not table.name.startswith("core_") or table.name in KEPT:
            continue
        theirs = [column for column in table.columns if refers_to_customer(column)]
        if theirs:
            deleting = delete(table).where(rows_about(theirs, erased.ids))
            erased.rows[table.name] += (await connection.execute(deleting)).rowcount


async def _empty_rows(session: AsyncSession, erased: Erased, now: datetime) -> None:
    connection = await session.connection()
    theirs = col(Customer.id).in_(erased.ids)
    emptied = update(Customer).where(theirs, col(Customer.status) != "erased")
    values: dict[str, Any] = {**NOTHING, "updated_at": now, "version": col(Customer.version) + 1}
    erased.rows["core_customer"] += (await connection.execute(emptied.values(values))).rowcount
    merges = col(CustomerMerge.survivor_id).in_(erased.ids) | col(CustomerMerge.merged_id).in_(erased.ids)
    emptied_merges = await connection.execute(update(CustomerMerge).where(merges).values(before={}, reason=""))
    erased.rows["core_customer_merge"] += emptied_merges.rowcount
    asked = col(PrivacyRequest.customer_id).in_(erased.ids)
    await connection.execute(update(PrivacyRequest).where(asked).values(reason="", archive=None))
    session.expire_all()
