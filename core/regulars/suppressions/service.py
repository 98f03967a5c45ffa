"""Put addresses and customers on the suppression list, take them off, and let them choose about scores."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_text
from regulars.consents.registry import ConsentRegistry
from regulars.customers.identities import Identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.errors import NotFound
from regulars.events.service import record_event
from regulars.suppressions.kinds import ERASED, NO_SCORING, check_kind
from regulars.suppressions.models import SuppressedIdentity, Suppression
from regulars.suppressions.refusals import AlreadyLifted, OneOfTwo
from regulars.suppressions.secret_key import ensure_address_key
from regulars.tables import new_id

__all__ = [
    "add_suppression",
    "lift_suppression",
    "opt_in_to_scoring",
    "opt_out_of_scoring",
    "suppress_erased",
    "suppress_hashes",
]

LONGEST_REASON = 1000


async def add_suppression(
    session: AsyncSession,
    *,
    kind: str,
    channel: str = "*",
    identity: Identity | None = None,
    customer_id: UUID | None = None,
    reason: str,
    registry: ConsentRegistry,
    actor: Actor,
    now: datetime,
) -> Suppression:
    """Put an address, or a customer, on the list, and return the entry; what is there already stays as it is.

    Of an address only a keyed hash is kept. A ``channel`` of ``*`` means all. Raises ``UnknownValue`` for another kind
    or channel, ``OneOfTwo`` unless exactly one of ``identity`` and ``customer_id`` is given, ``NotFound`` for no such
    customer.
    """
    check_kind(kind)
    registry.check_channel(channel)
    why = check_text(reason, path=("reason",), longest=LONGEST_REASON)
    if (identity is None) == (customer_id is None):
        raise OneOfTwo
    today = None if customer_id is None else await _today(session, customer_id)
    hashed = None if identity is None else (await ensure_address_key(session)).hash(identity)
    new = {
        "id": new_id(),
        "kind": kind,
        "channel": channel,
        "address_hash": hashed,
        "customer_id": today,
        "profile_id": customer_id,
        "reason": why,
        "actor": actor.label,
        "created_at": now,
    }
    added = await _insert(session, [new])
    if not added:
        return await _standing(session, kind, channel, hashed, customer_id)
    if identity is not None:
        await _connect(session, added[0], identity)
    await _tell(session, "suppression.added", added[0], actor, now)
    return added[0]


async def lift_suppression(
    session: AsyncSession, *, suppression_id: UUID, reason: str, actor: Actor, now: datetime
) -> Suppression:
    """Take an entry off the list, and return it; who did so, and why, stays on record.

    Raises ``NotFound`` for no such entry, and ``AlreadyLifted``.
    """
    why = check_text(reason, path=("reason",), longest=LONGEST_REASON)
    query = select(Suppression).where(col(Suppression.id) == suppression_id).with_for_update()
    entry = await session.scalar(query.execution_options(populate_existing=True))
    if entry is None:
        raise NotFound("suppression", suppression_id)
    if entry.lifted_at is not None:
        raise AlreadyLifted(suppression_id)
    entry.lifted_at, entry.lifted_by, entry.lift_reason = now, actor.label, why
    await _tell(session, "suppression.lifted", entry, actor, now)
    return entry


async def opt_out_of_scoring(
    session: AsyncSession,
    *,
    identity: Identity | None = None,
    customer_id: UUID | None = None,
    reason: str,
    registry: ConsentRegistry,
    actor: Actor,
    now: datetime,
) -> Suppression:
    """Let no score and no guess be made of a customer, or of whoever has this address; no customer is created.

    Whoever scores leaves them out from now on, and reports what it holds of them as gone. Raises as
    ``add_suppression``.
    """
    return await add_suppression(
        session,
        kind=NO_SCORING,
        identity=identity,
        customer_id=customer_id,
        reason=reason,
        registry=registry,
        actor=actor,
        now=now,
    )


async def opt_in_to_scoring(
    session: AsyncSession,
    *,
    identity: Identity | None = None,
    customer_id: UUID | None = None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Sequence[Suppression]:
    """Lift what keeps a customer, or whoever has this address, from being scored; return the entries, maybe none.

    For a customer these are the entries about them and about every address of theirs.
    """
    if (identity is None) == (customer_id is None):
        raise OneOfTwo
    standing = select(col(Suppression.id)).where(
        col(Suppression.kind) == NO_SCORING, col(Suppression.lifted_at).is_(None)
    )
    if identity is not None:
        hashed = (await ensure_address_key(session)).hash(identity)
        found = list(await session.scalars(standing.where(col(Suppression.address_hash) == hashed)))
    else:
        assert customer_id is not None
        today = await _today(session, customer_id)
        by_address = (
            select(col(SuppressedIdentity.suppression_id))
            .join(CustomerIdentity, col(CustomerIdentity.id) == SuppressedIdentity.identity_id)
            .where(col(CustomerIdentity.customer_id) == today)
        )
        theirs = (col(Suppression.customer_id) == today) | col(Suppression.id).in_(by_address)
        found = list(await session.scalars(standing.where(theirs)))
    return [await lift_suppression(session, suppression_id=id, reason=reason, actor=actor, now=now) for id in found]


async def suppress_erased(
    session: AsyncSession, *, identities: Collection[Identity], reason: str, actor: Actor, now: datetime
) -> int:
    """Keep one hash for each address of somebody who is being erased, and return how many were added."""
    key = await ensure_address_key(session)
    hashes = {key.hash(identity) for identity in identities}
    return await suppress_hashes(session, hashes=hashes, reason=reason, actor=actor, now=now)


async def suppress_hashes(
    session: AsyncSession, *, hashes: Collection[str], reason: str, actor: Actor, now: datetime
) -> int:
    """Keep these hashes of erased addresses, made under the key of this list; return how many were added."""
    usual = {"kind": ERASED, "channel": "*", "customer_id": None, "profile_id": None}
    told = {"reason": reason, "actor": actor.label, "created_at": now}
    return len(
        await _insert(session, [{"id": new_id(), "address_hash": one, **usual, **told} for one in sorted(hashes)])
    )


async def _insert(session: AsyncSession, rows: Sequence[dict[str, object]]) -> Sequence[Suppression]:
    if not rows:
        return []
    write = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return list(await session.scalars(write(Suppression).on_conflict_do_nothing().returning(Suppression), list(rows)))


async def _standing(
    session: AsyncSession, kind: str, channel: str, hashed: str | None, profile_id: UUID | None
) -> Suppression:
    whose = col(Suppression.profile_id) == profile_id if hashed is None else col(Suppression.address_hash) == hashed
    query = select(Suppression).where(
        col(Suppression.kind) == kind,
        col(Suppression.channel) == channel,
        col(Suppression.lifted_at).is_(None),
        whose,
    )
    return (await session.scalars(query)).one()


async def _connect(session: AsyncSession, entry: Suppression, identity: Identity) -> None:
    """Note which names of customers the entry is about, retired ones included: they may come back."""
    holders = select(col(CustomerIdentity.id)).where(
        col(CustomerIdentity.normalised) == identity.normalised,
        col(CustomerIdentity.kind) == identity.kind,
        col(CustomerIdentity.source) == identity.source,
    )
    rows = [{"suppression_id": entry.id, "identity_id": id} for id in await session.scalars(holders)]
    if rows:
        await session.execute(insert(SuppressedIdentity), rows)


async def _today(session: AsyncSession, customer_id: UUID) -> UUID:
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise NotFound("customer", customer_id, path=("customerId",))
    return customer.merged_into_id or customer.id


async def _tell(session: AsyncSession, type: str, entry: Suppression, actor: Actor, now: datetime) -> None:
    subject = f"suppression:{entry.id}" if entry.customer_id is None else f"customer:{entry.customer_id}"
    facts = {"suppressionId": str(entry.id), "kind": entry.kind, "channel": entry.channel}
    await record_event(session, type=type, subject=subject, actor=actor.label, data=facts, now=now)
