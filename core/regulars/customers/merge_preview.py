"""Say what a merge of two customers would do, before anybody asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.consents.ledger import LedgerEntry, Merge, MergeHistory
from regulars.consents.models import ConsentEvent
from regulars.consents.service import ledger_entry
from regulars.consents.states import standing_consents
from regulars.customers.merge_pairs import MergePair, read_pair, standing_merges
from regulars.customers.merged_facts import FACTS, PersonFacts, combined, facts_of
from regulars.customers.models import CustomerIdentity
from regulars.touchpoints.models import Touchpoint
from regulars.traits.models import TraitValue

__all__ = ["MergeConflict", "MergePreview", "MovedRows", "NarrowedConsent", "preview_merge"]


@dataclass(frozen=True)
class MovedRows:
    """How many rows of the merged customer would belong to the survivor."""

    identities: int
    touchpoints: int
    consent_events: int
    trait_values: int


@dataclass(frozen=True)
class MergeConflict:
    """Something of which the two customers say different things: what would stand, and what would not."""

    name: str
    kept: str
    dropped: str


@dataclass(frozen=True)
class NarrowedConsent:
    """Something that one of the two allows today and that the survivor would not, with the reason."""

    purpose: str
    channel: str
    topic: str
    reason: str


@dataclass(frozen=True)
class MergePreview:
    """What a merge would do.

    ``needs_explicit`` holds where both are identified, so that only a person may ask for it. ``conflicting_traits``
    are the keys of traits that both have with other values; both values are kept.
    """

    survivor_id: UUID
    merged_id: UUID
    needs_explicit: bool
    moves: MovedRows
    conflicts: tuple[MergeConflict, ...]
    conflicting_traits: tuple[str, ...]
    narrowed_consents: tuple[NarrowedConsent, ...]


async def preview_merge(session: AsyncSession, *, survivor_id: UUID, merged_id: UUID, now: datetime) -> MergePreview:
    """Return what ``merge_customers`` would do with these two; nothing is written.

    Raises ``NotFound`` for an unknown or deleted customer, ``AlreadyMerged`` for one who is part of another by now, and
    ``ForbiddenTransition`` for an erased one.
    """
    pair = await read_pair(session, survivor_id=survivor_id, merged_id=merged_id)
    merged = pair.merged.id
    return MergePreview(
        survivor_id=pair.survivor.id,
        merged_id=merged,
        needs_explicit=pair.are_both_identified,
        moves=MovedRows(
            identities=await _count(session, CustomerIdentity.customer_id, merged),
            touchpoints=await _count(session, Touchpoint.customer_id, merged),
            consent_events=await _count(session, ConsentEvent.customer_id, merged),
            trait_values=await _count(session, TraitValue.customer_id, merged),
        ),
        conflicts=_conflicts(pair),
        conflicting_traits=await _conflicting_traits(session, pair),
        narrowed_consents=await _narrowed(session, pair, now),
    )


async def _count(session: AsyncSession, owner: UUID, customer_id: UUID) -> int:
    return await session.scalar(select(func.count()).where(col(owner) == customer_id)) or 0


def _conflicts(pair: MergePair) -> tuple[MergeConflict, ...]:
    own, other = facts_of(pair.survivor), facts_of(pair.merged)
    kept = combined(own, other)
    found = []
    for name in FACTS:
        said = {str(getattr(facts, name)) for facts in (own, other) if _is_said(name, facts)}
        if len(said) > 1:
            [dropped] = said - {str(getattr(kept, name))}
            found.append(MergeConflict(name, kept=str(getattr(kept, name)), dropped=dropped))
    return tuple(found)


def _is_said(name: str, facts: PersonFacts) -> bool:
    # Whether a guardian agreed says nothing about an adult.
    return getattr(facts, name) not in (None, "unknown") and (name != "has_guardian_consent" or facts.age == "minor")


async def _conflicting_traits(session: AsyncSession, pair: MergePair) -> tuple[str, ...]:
    own, other = [await _trait_values(session, customer.id) for customer in (pair.survivor, pair.merged)]
    shared = {key for key, *_ in own} & {key for key, *_ in other}
    return tuple(sorted({key for key, *_ in own ^ other} & shared))


async def _trait_values(session: AsyncSession, customer_id: UUID) -> set[tuple[str, object, object, object, object]]:
    rows = await session.scalars(select(TraitValue).where(col(TraitValue.customer_id) == customer_id))
    return {(row.key, row.text_value, row.number_value, row.boolean_value, row.time_value) for row in rows}


async def _narrowed(session: AsyncSession, pair: MergePair, now: datetime) -> tuple[NarrowedConsent, ...]:
    own, other = [await _ledger(session, customer.id) for customer in (pair.survivor, pair.merged)]
    own_merges, other_merges = [await _merges(session, customer.id) for customer in (pair.survivor, pair.merged)]
    granted = {
        scope
        for entries, merges in ((own, own_merges), (other, other_merges))
        for scope, consent in standing_consents(entries, MergeHistory(merges)).items()
        if consent.status == "granted"
    }
    this_merge = Merge(pair.survivor.id, pair.merged.id, now)
    afterwards = standing_consents([*own, *other], MergeHistory((*own_merges, *other_merges, this_merge)))
    return tuple(
        NarrowedConsent(scope.purpose, scope.channel, scope.topic, afterwards[scope].reason)
        for scope in sorted(granted, key=str)
        if afterwards[scope].status != "granted"
    )


async def _ledger(session: AsyncSession, customer_id: UUID) -> Sequence[LedgerEntry]:
    rows = await session.scalars(select(ConsentEvent).where(col(ConsentEvent.customer_id) == customer_id))
    return [ledger_entry(row) for row in rows]


async def _merges(session: AsyncSession, customer_id: UUID) -> tuple[Merge, ...]:
    rows = await standing_merges(session, customer_id=customer_id)
    return tuple(Merge(row.survivor_id, row.merged_id, row.merged_at) for row in rows)
