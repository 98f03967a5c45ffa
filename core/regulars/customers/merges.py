"""Make two customers one, and part them again."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.models import ConsentEvent, GpcSignal
from regulars.consents.service import rebuild_states
from regulars.contact.models import ContactDecision, ContactTouch, ZoneCandidate
from regulars.customers.merge_pairs import ExplicitMergeNeeded, locked_pair, standing_merges
from regulars.customers.merged_facts import MergeStep, combined, facts_of, taken_out, write_facts
from regulars.customers.models import Customer, CustomerIdentity, CustomerMerge
from regulars.customers.search import refresh_words
from regulars.customers.survivors import locked_to_move
from regulars.errors import ForbiddenTransition, NotFound
from regulars.events.service import record_event
from regulars.messages.models import Message
from regulars.suppressions.models import Suppression
from regulars.touchpoints.models import Touchpoint
from regulars.traits.models import TraitObjection, TraitValue

__all__ = ["FOLLOWING", "MergeHook", "UnmergeRefused", "merge_customers", "unmerge_customers"]

MergeHook = Callable[[AsyncSession, UUID, UUID, UUID], Awaitable[None]]
"""Takes part in a merge or its undoing, in the same transaction: (session, survivor's id, merged id, merge's id)."""

FOLLOWING = (
    CustomerIdentity,
    Touchpoint,
    ConsentEvent,
    TraitValue,
    TraitObjection,
    Suppression,
    GpcSignal,
    Message,
    ContactTouch,
    ContactDecision,
    ZoneCandidate,
)
"""Tables whose ``customer_id`` follows merges and whose ``profile_id`` remembers the way back."""

PERSONS = ("staff", "customer")


class UnmergeRefused(ForbiddenTransition):
    """A merge cannot be undone as things stand."""

    def __init__(self, merge_id: UUID, because: str, *, conflicting_id: UUID | None = None) -> None:
        self.merge_id = merge_id
        self.conflicting_id = None if conflicting_id is None else str(conflicting_id)
        super().__init__(f"Merge {merge_id} cannot be undone: {because}")


async def merge_customers(
    session: AsyncSession,
    *,
    survivor_id: UUID,
    merged_id: UUID,
    explicit: bool = False,
    reason: str,
    actor: Actor,
    on_merged: MergeHook,
    now: datetime,
) -> CustomerMerge:
    """Make the two customers one and return the merge, which names who survived.

    An identified customer (with a verified identity or an external id) keeps their id; where both or none are
    identified, ``survivor_id`` does. Two identified customers need ``explicit`` and a person as actor. Everything
    recorded for the merged customer, and for those merged into them before, belongs to the survivor afterwards, and the
    old ids lead there. Consents narrow and never widen.

    Raises ``NotFound``, ``AlreadyMerged``, ``ExplicitMergeNeeded``, ``ForbiddenTransition`` for an erased customer, and
    whatever ``on_merged`` raises.
    """
    pair = await locked_pair(session, survivor_id=survivor_id, merged_id=merged_id)
    survivor, merged = pair.survivor, pair.merged
    if pair.are_both_identified and not (explicit and actor.kind in PERSONS):
        raise ExplicitMergeNeeded(survivor.id, merged.id)
    own, other = facts_of(survivor), facts_of(merged)
    step = MergeStep(before=own, after=combined(own, other), merged=other)
    merge = CustomerMerge(
        survivor_id=survivor.id,
        merged_id=merged.id,
        merged_at=now,
        actor=actor.label,
        reason=reason,
        before=step.as_json(),
    )
    session.add(merge)
    await _follow(session, merged.id, survivor.id)
    parts = col(Customer.merged_into_id) == merged.id
    await session.execute(update(Customer).where(parts).values(merged_into_id=survivor.id))
    merged.merged_into_id = survivor.id
    write_facts(survivor, step.after)
    await _conclude(session, "customer.merged", merge, survivor, merged, actor, now)
    await on_merged(session, survivor.id, merged.id, merge.id)
    return merge


async def unmerge_customers(
    session: AsyncSession, *, merge_id: UUID, actor: Actor, on_unmerged: MergeHook, now: datetime
) -> CustomerMerge:
    """Part two customers again and return the merge that was undone.

    The merged customer gets back what was recorded for them and for those who came with them, before the merge and
    since; what the merge wrote into the survivor's columns is taken back, unless it was edited since.

    Raises ``NotFound`` for no such merge, ``UnmergeRefused`` when it is undone already, when the survivor was merged
    further (undo that first) or deleted, or when one of the two was erased, and whatever ``on_unmerged`` raises.
    """
    merge = await session.get(CustomerMerge, merge_id)
    if merge is None:
        raise NotFound("merge", merge_id)
    survivor = await locked_to_move(session, customer_id=merge.survivor_id)
    if survivor is None:
        raise NotFound("customer", merge.survivor_id)
    await session.refresh(merge)
    merges = await standing_merges(session, customer_id=survivor.merged_into_id or survivor.id)
    _require_undoable(merge, survivor, merges)
    merged = await session.get_one(Customer, merge.merged_id, populate_existing=True)
    parts = _parts_of(merged.id, merges)
    merge.undone_at = now
    await _follow(session, survivor.id, merged.id, only=[merged.id, *parts])
    await session.execute(update(Customer).where(col(Customer.id).in_(parts)).values(merged_into_id=merged.id))
    merged.merged_into_id = None
    await _take_out(session, merge, survivor, merges)
    await _conclude(session, "customer.unmerged", merge, survivor, merged, actor, now)
    await on_unmerged(session, survivor.id, merged.id, merge.id)
    return merge


async def _follow(session: AsyncSession, from_id: UUID, to_id: UUID, *, only: Collection[UUID] | None = None) -> None:
    await session.flush()
    for table in FOLLOWING:
        moved = col(table.customer_id) == from_id
        if only is not None:
            moved = moved & col(table.profile_id).in_(only)
        await session.execute(update(table).where(moved).values(customer_id=to_id))


def _require_undoable(merge: CustomerMerge, survivor: Customer, merges: Sequence[CustomerMerge]) -> None:
    if merge.undone_at is not None:
        raise UnmergeRefused(merge.id, "it was undone already.")
    if survivor.merged_into_id is not None:
        later = next(one for one in merges if one.merged_id == merge.survivor_id)
        because = f"customer {merge.survivor_id} was merged further. Undo merge {later.id} first."
        raise UnmergeRefused(merge.id, because, conflicting_id=later.id)
    if survivor.deleted_at is not None:
        because = f"customer {survivor.id} is deleted. Restore them first."
        raise UnmergeRefused(merge.id, because, conflicting_id=survivor.id)
    if survivor.status == "erased":
        raise UnmergeRefused(merge.id, f"customer {survivor.id} was erased, and whose was what is gone.")


def _parts_of(customer_id: UUID, merges: Sequence[CustomerMerge]) -> list[UUID]:
    direct = [merge.merged_id for merge in merges if merge.survivor_id == customer_id]
    return direct + [part for one in direct for part in _parts_of(one, merges)]


async def _take_out(
    session: AsyncSession, merge: CustomerMerge, survivor: Customer, merges: Sequence[CustomerMerge]
) -> None:
    into_survivor = [one for one in merges if one.survivor_id == survivor.id]
    later = into_survivor[into_survivor.index(merge) + 1 :]
    step, *following = [await _step(session, one) for one in (merge, *later)]
    rebased, facts = taken_out(step, following, facts_of(survivor))
    for one, new in zip(later, rebased, strict=True):
        one.before = new.as_json()
    write_facts(survivor, facts)


async def _step(session: AsyncSession, merge: CustomerMerge) -> MergeStep:
    merged = await session.get_one(Customer, merge.merged_id)
    return MergeStep.read(merge.before, facts_of(merged))


async def _conclude(
    session: AsyncSession,
    type: str,
    merge: CustomerMerge,
    survivor: Customer,
    merged: Customer,
    actor: Actor,
    now: datetime,
) -> None:
    for customer in (survivor, merged):
        customer.version += 1
        customer.updated_at = now
    for customer in (survivor, merged):
        await refresh_words(session, customer=customer)
        await rebuild_states(session, customer_id=customer.id)
    facts = {"mergeId": str(merge.id), "survivorId": str(survivor.id), "mergedId": str(merged.id)}
    subject = f"customer:{survivor.id}"
    await record_event(session, type=type, subject=subject, actor=actor.label, data=facts, now=now)
