"""What customers do about facts that we hold of them: have them deleted, call them wrong, or take that back."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_text
from regulars.customers.finding import customer_to_change
from regulars.errors import NotFound
from regulars.events.service import record_event
from regulars.tables import new_id
from regulars.traits.models import TraitObjection, TraitValue
from regulars.traits.registry import TraitRegistry

__all__ = [
    "DELETED",
    "DISPUTED",
    "customers_who_deleted",
    "delete_trait",
    "dispute_trait",
    "lift_objection",
    "objections_of",
    "settle_disputes",
]

DELETED, DISPUTED = "deleted", "disputed"
INFERRED = "inferred"
LONGEST_REASON = 1000


async def delete_trait(
    session: AsyncSession, *, customer_id: UUID, key: str, registry: TraitRegistry, actor: Actor, now: datetime
) -> Sequence[TraitObjection]:
    """Delete what is held of a customer under this key, and return what keeps it from being made again, maybe nothing.

    A guess is not made again by the same method, nor is a fact of a plugin, until that is lifted; what the customer
    said, what was seen and what came from elsewhere can be told anew. A plugin deletes its own value when it hears the
    event ``trait.deleted``; until then nobody is shown it. A second time changes nothing.
    Raises ``NotFound`` for no such customer, and for a key under which nobody keeps anything.
    """
    customer = await customer_to_change(session, customer_id=customer_id)
    if key in registry.plugin_traits:
        methods, is_deleted = {registry.owners[key]}, False
    else:
        held = (await session.scalars(_values(customer.id, key))).all()
        methods, is_deleted = {row.source for row in held if row.provenance == INFERRED}, bool(held)
        if not held and not await _was_deleted(session, customer.id, key):
            raise NotFound("fact", key, path=("key",))
        await session.execute(delete(TraitValue).where(_is_theirs(TraitValue, customer.id, key)))
        await settle_disputes(session, customer_id=customer.id, keys=[key], actor=actor, now=now)
    objections, is_new = await _object(session, customer.id, key, DELETED, methods, None, actor, now)
    if is_new or is_deleted:
        subject = f"customer:{customer.id}"
        await record_event(
            session, type="trait.deleted", subject=subject, actor=actor.label, data={"key": key}, now=now
        )
    return objections


async def dispute_trait(
    session: AsyncSession,
    *,
    customer_id: UUID,
    key: str,
    reason: str | None = None,
    registry: TraitRegistry,
    actor: Actor,
    now: datetime,
) -> Sequence[TraitObjection]:
    """Note that the customer calls a fact wrong, and return the note; a second time changes nothing.

    Whoever reads the fact sees that it is disputed, until another value is set, or the note is lifted. Raises
    ``NotFound`` for no such customer, and for a key under which nobody keeps anything.
    """
    why = None if reason is None else check_text(reason, path=("reason",), longest=LONGEST_REASON)
    customer = await customer_to_change(session, customer_id=customer_id)
    if key in registry.plugin_traits:
        methods = {registry.owners[key]}
    else:
        methods = {row.source for row in (await session.scalars(_values(customer.id, key))).all()}
    if not methods:
        raise NotFound("fact", key, path=("key",))
    objections, is_new = await _object(session, customer.id, key, DISPUTED, methods, why, actor, now)
    if is_new:
        subject = f"customer:{customer.id}"
        await record_event(
            session, type="trait.disputed", subject=subject, actor=actor.label, data={"key": key}, now=now
        )
    return objections


async def lift_objection(
    session: AsyncSession, *, objection_id: UUID, only_of: UUID | None = None, actor: Actor, now: datetime
) -> TraitObjection:
    """Let a fact be guessed again, or end a dispute, and return the objection; lifting twice changes nothing.

    With ``only_of`` it must be of this customer. Raises ``NotFound``.
    """
    objection = await session.get(TraitObjection, objection_id, with_for_update=True)
    if objection is None or (only_of is not None and objection.customer_id != only_of):
        raise NotFound("objection", objection_id, path=("id",))
    if objection.lifted_at is None:
        objection.lifted_at, objection.lifted_by = now, actor.label
        data = {"objectionId": str(objection.id), "key": objection.key, "kind": objection.kind}
        subject = f"customer:{objection.customer_id}"
        await record_event(
            session, type="trait.objection_lifted", subject=subject, actor=actor.label, data=data, now=now
        )
    return objection


async def settle_disputes(
    session: AsyncSession, *, customer_id: UUID, keys: Collection[str], actor: Actor, now: datetime
) -> None:
    """End the disputes about facts that stand no longer."""
    if keys:
        standing = _standing(DISPUTED)
        theirs = (col(TraitObjection.customer_id) == customer_id) & col(TraitObjection.key).in_(keys)
        settled = update(TraitObjection).where(standing, theirs).values(lifted_at=now, lifted_by=actor.label)
        await session.execute(settled)


async def objections_of(
    session: AsyncSession, *, customer_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[TraitObjection]]:
    """Return the standing objections of each customer, the oldest first, in one statement."""
    found: defaultdict[UUID, list[TraitObjection]] = defaultdict(list)
    query = select(TraitObjection).where(
        col(TraitObjection.customer_id).in_(list(customer_ids)), col(TraitObjection.lifted_at).is_(None)
    )
    for objection in await session.scalars(query.order_by(col(TraitObjection.created_at), col(TraitObjection.id))):
        found[objection.customer_id].append(objection)
    return found


def customers_who_deleted(keys: Collection[str]) -> Select[UUID]:
    """Return, as SQL, the ids of all customers who had one of these facts deleted, so that it is not made again.

    To be used inside a statement over customers: ``col(Customer.id).not_in(customers_who_deleted(["clv.value"]))``.
    """
    return select(col(TraitObjection.customer_id)).where(_standing(DELETED), col(TraitObjection.key).in_(list(keys)))


def _standing(kind: str) -> ColumnElement[bool]:
    return (col(TraitObjection.kind) == kind) & col(TraitObjection.lifted_at).is_(None)


def _values(customer_id: UUID, key: str) -> Select[TraitValue]:
    query = select(TraitValue).where(_is_theirs(TraitValue, customer_id, key))
    return query.execution_options(populate_existing=True)


async def _was_deleted(session: AsyncSession, customer_id: UUID, key: str) -> bool:
    query = select(col(TraitObjection.id)).where(_is_theirs(TraitObjection, customer_id, key), _standing(DELETED))
    return await session.scalar(query.limit(1)) is not None


def _is_theirs(table: type[TraitValue | TraitObjection], customer_id: UUID, key: str) -> ColumnElement[bool]:
    return (col(table.customer_id) == customer_id) & (col(table.key) == key)


async def _object(
    session: AsyncSession,
    customer_id: UUID,
    key: str,
    kind: str,
    methods: Collection[str],
    reason: str | None,
    actor: Actor,
    now: datetime,
) -> tuple[Sequence[TraitObjection], bool]:
    """Return the standing objections of this kind to this fact, and whether one of them is new."""
    shared = {"customer_id": customer_id, "profile_id": customer_id, "key": key, "kind": kind, "reason": reason}
    told = {**shared, "actor": actor.label, "created_at": now}
    rows = [{"id": new_id(), "method": method, **told} for method in sorted(methods)]
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = []
    if rows:
        statement = insert(TraitObjection).on_conflict_do_nothing().returning(col(TraitObjection.id))
        added = list(await session.scalars(statement, rows))
    standing = select(TraitObjection).where(_is_theirs(TraitObjection, customer_id, key), _standing(kind))
    return (await session.scalars(standing.order_by(col(TraitObjection.method)))).all(), bool(added)
