"""Record what customers allow and what they withdraw, and answer what they allowed when."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, case, delete, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.audit.words import keep_words
from regulars.consents.changes import ConsentChange, ledger_row
from regulars.consents.lattice import DEFAULT_POLICY, SELF, ConsentAnswer, ConsentPolicy, Question, consent_answer
from regulars.consents.ledger import LedgerEntry, Merge, MergeHistory
from regulars.consents.models import ConsentEvent, ConsentState
from regulars.consents.refusals import ReopeningRefused
from regulars.consents.registry import ConsentRegistry
from regulars.consents.scopes import Scope
from regulars.consents.states import StandingConsent, standing_consents
from regulars.customers.finding import counts_today_as
from regulars.customers.models import Customer, CustomerMerge
from regulars.customers.moments import moment_after_others
from regulars.customers.survivors import locked_survivors
from regulars.errors import NotFound
from regulars.events.service import record_event
from regulars.notices.models import Notice

__all__ = ["consent_at", "ledger_entry", "ledger_of", "rebuild_states", "record_consent"]

MOMENT = timedelta(microseconds=1)


async def record_consent(
    session: AsyncSession, *, change: ConsentChange, registry: ConsentRegistry, actor: Actor, now: datetime
) -> ConsentEvent:
    """Append a grant or a withdrawal to the ledger, bring what stands up to date, and return the ledger's new row.

    A withdrawal is taken for deleted customers too, and lands on the survivor when it names somebody who was merged.
    One that waited for another step is recorded after that one, so that the ledger tells that no send began later.
    Raises what ``ledger_row`` raises, ``NotFound`` for an unknown or erased customer, for a grant of a deleted one, and
    when a customer names somebody else, and ``ReopeningRefused`` when staff or an import grants what the customer
    withdrew.
    """
    asked = {change.customer_id} | ({actor.customer_id} if actor.customer_id else set())
    survivors = await locked_survivors(session, asked)
    customer = survivors.get(change.customer_id)
    if customer is None or customer.status == "erased" or not _is_open_to(customer, change, actor, survivors):
        raise NotFound("customer", change.customer_id, path=("customerId",))
    if change.action == "withdraw":
        others_at = await moment_after_others(session, customer_id=customer.id, now=now)
        now = now if others_at == now else others_at + MOMENT
    row, words = ledger_row(change, customer_id=customer.id, registry=registry, actor=actor, now=now)
    known, merges = await ledger_of(session, customer_id=customer.id)
    entries = [*known, ledger_entry(row)]
    _refuse_reopening(ledger_entry(row), entries, merges)
    if row.text_sha256 is None and row.notice_version is not None:
        row.text_sha256 = await _digest_of_notice(session, row.notice_version, row.language)
    row.words_hmac = await keep_words(
        session,
        entry_id=row.id,
        subject=f"customer:{row.profile_id}",
        reason=words.reason,
        evidence=words.evidence,
        now=now,
    )
    session.add(row)
    await session.flush()
    await _keep_states(session, customer.id, standing_consents(entries, merges))
    await record_event(
        session,
        type="consent.granted" if row.action == "grant" else "consent.withdrawn",
        subject=f"customer:{customer.id}",
        actor=actor.label,
        data={
            "consentEventId": str(row.id),
            "purpose": row.purpose,
            "channel": row.channel,
            "topic": row.topic,
        },
        now=now,
    )
    return row


async def consent_at(
    session: AsyncSession,
    *,
    customer_id: UUID,
    purpose: str,
    channel: str,
    topic: str = "*",
    valid_at: datetime,
    known_at: datetime,
    sender: str = SELF,
    registry: ConsentRegistry,
    policy: ConsentPolicy = DEFAULT_POLICY,
) -> ConsentAnswer:
    """Return what the customer allowed at ``valid_at``, as far as was known at ``known_at``, and why.

    Merges are looked at as they stood at ``known_at``. ``sender`` is the partner where sharing is asked about.
    Raises ``NotFound`` for an unknown customer and ``UnknownValue`` for an unknown purpose or channel.
    """
    scope = Scope(registry.check_purpose(purpose), registry.check_channel(channel), registry.check_topic(topic))
    if await session.get(Customer, customer_id) is None:
        raise NotFound("customer", customer_id, path=("customerId",))
    merges = await _merges(session, customer_id, _was_in_force(known_at))
    profiles = {customer_id} | {id for merge in merges.merges for id in (merge.survivor_id, merge.merged_id)}
    today = select(counts_today_as()).where(col(Customer.id).in_(profiles))
    entries = await _ledger(
        session, and_(col(ConsentEvent.customer_id).in_(today), col(ConsentEvent.profile_id).in_(profiles))
    )
    question = Question(scope, valid_at=valid_at, known_at=known_at, sender=sender)
    return consent_answer(entries, question, policy=policy, merges=merges)


async def rebuild_states(session: AsyncSession, *, customer_id: UUID) -> None:
    """Work out anew, from the ledger, what stands for the customer; nothing stands for those who are part of them.

    To be called by a merge or an unmerge, once rows of the ledger were moved and the merge's own row is written: grants
    of one profile lift a withdrawal of another only if they are later than the merge, too.
    """
    merged = select(col(Customer.id)).where(col(Customer.merged_into_id) == customer_id)
    await session.execute(delete(ConsentState).where(col(ConsentState.customer_id).in_(merged)))
    entries, merges = await ledger_of(session, customer_id=customer_id)
    await _keep_states(session, customer_id, standing_consents(entries, merges))


async def ledger_of(session: AsyncSession, *, customer_id: UUID) -> tuple[Sequence[LedgerEntry], MergeHistory]:
    """Return all entries of a customer who is nobody's part, in no order, and the merges that hold for them."""
    entries = await _ledger(session, col(ConsentEvent.customer_id) == customer_id)
    return entries, await _merges(session, customer_id, _is_in_force())


def ledger_entry(row: ConsentEvent) -> LedgerEntry:
    """Return a row of the ledger as the rules see it."""
    return LedgerEntry(
        id=row.id,
        profile_id=row.profile_id,
        action=row.action,
        scope=Scope(row.purpose, row.channel, row.topic),
        at=row.at,
        recorded_at=row.recorded_at,
        expires_at=row.expires_at,
        origin=row.origin,
        basis=row.basis,
        recipient=row.recipient,
        is_up_session=row.session == "up",
        needs_confirmation=row.needs_confirmation,
        confirmed_at=row.confirmed_at,
        is_proven=row.is_proven,
        notice_version=row.notice_version,
    )


async def _digest_of_notice(session: AsyncSession, version: str, language: str | None) -> str | None:
    shown = select(col(Notice.text_sha256)).where(col(Notice.version) == version, col(Notice.language) == language)
    return await session.scalar(shown)


def _is_open_to(customer: Customer, change: ConsentChange, actor: Actor, survivors: Mapping[UUID, Customer]) -> bool:
    is_gone = customer.deleted_at is not None or customer.status == "erased"
    if is_gone and change.action == "grant":
        return False
    if actor.kind != "customer":
        return True
    own = survivors.get(actor.customer_id) if actor.customer_id else None
    return own is not None and own.id == customer.id


def _refuse_reopening(new: LedgerEntry, entries: Sequence[LedgerEntry], merges: MergeHistory) -> None:
    if new.action != "grant" or new.origin == "customer":
        return
    question = Question(new.scope, valid_at=new.recorded_at, known_at=new.recorded_at, sender=new.recipient or SELF)
    blocks = consent_answer(entries, question, merges=merges).blocks
    closed = [entry for block in blocks for entry in block.entries if entry.action == "withdraw"]
    # What was granted before it was withdrawn reopens nothing: that is history, and may be told late.
    earlier = [entry for entry in closed if entry.at < new.time_by(new.recorded_at)]
    if earlier:
        raise ReopeningRefused(
            scope=new.scope, withdrawn=earlier[-1].scope, withdrawn_at=earlier[-1].at, origin=new.origin
        )


async def _ledger(session: AsyncSession, whose: ColumnElement[bool]) -> list[LedgerEntry]:
    return [ledger_entry(row) for row in await session.scalars(select(ConsentEvent).where(whose))]


def _is_in_force() -> ColumnElement[bool]:
    return col(CustomerMerge.undone_at).is_(None)


def _was_in_force(moment: datetime) -> ColumnElement[bool]:
    not_undone = or_(col(CustomerMerge.undone_at).is_(None), col(CustomerMerge.undone_at) > moment)
    return and_(col(CustomerMerge.merged_at) <= moment, not_undone)


async def _merges(session: AsyncSession, customer_id: UUID, in_force: ColumnElement[bool]) -> MergeHistory:
    """Return the merges by which this profile and others are one customer."""
    survivor, merged = col(CustomerMerge.survivor_id), col(CustomerMerge.merged_id)
    kin = select(literal(customer_id, Uuid()).label("id")).cte("kin", recursive=True)
    kin = kin.union(
        select(case((survivor == kin.c.id, merged), else_=survivor)).where(
            or_(survivor == kin.c.id, merged == kin.c.id), in_force
        )
    )
    rows = await session.scalars(select(CustomerMerge).where(survivor.in_(select(kin.c.id)), in_force))
    return MergeHistory(tuple(Merge(row.survivor_id, row.merged_id, row.merged_at) for row in rows))


async def _keep_states(session: AsyncSession, customer_id: UUID, standing: Mapping[Scope, StandingConsent]) -> None:
    query = select(ConsentState).where(col(ConsentState.customer_id) == customer_id)
    rows = await session.scalars(query.execution_options(populate_existing=True))
    kept = {Scope(row.purpose, row.channel, row.topic): row for row in rows}
    for scope in kept.keys() - standing.keys():
        await session.delete(kept[scope])
    for scope, consent in standing.items():
        if (row := kept.get(scope)) is None:
            session.add(ConsentState(customer_id=customer_id, **asdict(scope), **asdict(consent)))
        else:
            row.sqlmodel_update(asdict(consent))
    await session.flush()
