"""Take in the messages of a site or an app: many at once, each by itself, and each of them once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.registry import ConsentRegistry
from regulars.customers.models import Customer
from regulars.customers.suggestions import suggest_merges
from regulars.customers.survivors import HeldCustomer, held_survivors
from regulars.customers.turns import await_names
from regulars.errors import ExpectedError, NotFound
from regulars.events.models import Event
from regulars.ingest.customer_writes import renew_words
from regulars.ingest.new_customers import NameKey, customer_event, write_identities, write_new_customers
from regulars.ingest.staging import write_rows
from regulars.many import is_among
from regulars.suppressions.refusals import AddressErased
from regulars.touchpoints.drafts import TouchpointDraft, checked_draft
from regulars.touchpoints.service import OtherContent
from regulars.touchpoints.types import TouchpointTypes
from regulars.tracking.barring import barred_names, gone_among, refuse_barred, told_names
from regulars.tracking.consents import ConsentWish, ToldConsents, consents_in, write_consents
from regulars.tracking.events import meanings_of
from regulars.tracking.facts import Facts, Ignored, facts_of
from regulars.tracking.holding import known_by
from regulars.tracking.meanings import Meaning
from regulars.tracking.messages import Message, Refused
from regulars.tracking.people import People, names_of
from regulars.tracking.repeats import known_messages, remember_messages
from regulars.tracking.timelines import append_touchpoints
from regulars.tracking.touchpoints import TIMELINE, touchpoint_of
from regulars.tracking.traits import ToldFact, write_facts
from regulars.traits.registry import TraitRegistry

__all__ = ["Registries", "Status", "Taken", "TakenIn", "take_messages"]

Status = Literal["accepted", "duplicate", "rejected"]


@dataclass
class Taken:
    """What became of one message."""

    place: int
    id: str | None
    status: Status = "accepted"
    error: ExpectedError | None = None
    ignored: list[Ignored] = field(default_factory=list)


@dataclass(frozen=True)
class TakenIn:
    """What became of the messages of one request, in order.

    ``joins`` are visitors who turned out to be customers: to be merged, each pair in a transaction of its own.
    ``customers`` are those of whom something was taken in.
    """

    results: Sequence[Taken]
    joins: Sequence[tuple[UUID, UUID]] = ()
    customers: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Registries:
    """What this installation knows: types of touchpoints, facts of plugins, purposes and channels of consent."""

    types: TouchpointTypes
    traits: TraitRegistry
    consents: ConsentRegistry


@dataclass
class _Work:
    """A message that is new, with what it tells."""

    message: Message
    result: Taken
    facts: Facts
    wishes: Sequence[ConsentWish]
    draft: TouchpointDraft | None
    customer_id: UUID | None = None


async def take_messages(
    session: AsyncSession,
    *,
    messages: Sequence[Message | Refused],
    known: Registries,
    sender: Actor,
    now: datetime,
) -> TakenIn:
    """Write what the messages of one source tell, and return what became of each.

    A message that cannot be kept is answered with its error and holds up no other. The number of statements does not
    grow with that of messages, except where consents change.
    """
    results = [_result(message) for message in messages]
    meanings = await _meanings(session, messages, sender.source)
    checked = [
        _checked(one, result, sender, known, meanings, now) for one, result in zip(messages, results, strict=True)
    ]
    work = await _unknown(session, [one for one in checked if one is not None], sender.source)
    people = await _people(session, work)
    barred = await barred_names(session, {name for one in work for name in told_names(one.message, one.facts)})
    _assign(work, people, barred)
    customers = await _write_people(session, people, work, sender, now)
    await _write_touchpoints(session, work, customers, sender, now)
    accepted = [one for one in work if one.result.status == "accepted" and one.customer_id is not None]
    for one in accepted:
        one.customer_id = _today(one.customer_id, customers)
    await _write_facts(session, accepted, known.traits, sender, now)
    await _write_consents(session, accepted, known.consents, sender, now)
    await suggest_merges(
        session,
        pairs=[(_today(first, customers), _today(second, customers)) for first, second in people.suspected],
        reason="An alias says that they are one.",
        actor=sender.label,
        now=now,
    )
    without_touchpoint = [
        one.message.id for one in accepted if not one.draft or one.draft.external_id != one.message.id
    ]
    await remember_messages(session, ids=without_touchpoint, source=sender.source, now=now)
    about = frozenset(one.customer_id for one in accepted if one.customer_id is not None)
    return TakenIn(results, list(people.joins), about)


def _result(message: Message | Refused) -> Taken:
    if isinstance(message, Refused):
        return Taken(message.place, message.id, "rejected", message.error)
    return Taken(message.place, message.id)


async def _meanings(session: AsyncSession, messages: Sequence[Message | Refused], source: str) -> Mapping[str, Meaning]:
    events = {
        str(event).strip()
        for one in messages
        if isinstance(one, Message) and one.type == "track" and isinstance(event := one.body.get("event"), str | int)
    }
    return await meanings_of(session, source=source, events=events)


def _checked(
    message: Message | Refused,
    result: Taken,
    sender: Actor,
    known: Registries,
    meanings: Mapping[str, Meaning],
    now: datetime,
) -> _Work | None:
    if isinstance(message, Refused):
        return None
    try:
        facts = facts_of(message)
        wishes, ignored = consents_in(message, registry=known.consents, may_grant=sender.may("consents:write"))
        draft = None
        if message.type in TIMELINE:
            told = touchpoint_of(message, source=sender.source, meanings=meanings, types=known.types)
            draft = checked_draft(told, types=known.types, now=now)
    except ExpectedError as error:
        _reject(result, error)
        return None
    result.ignored += [*facts.ignored, *ignored]
    return _Work(message, result, facts, wishes, draft)


def _today(id: UUID | None, customers: Mapping[UUID, HeldCustomer | None]) -> UUID:
    """Return as whom a customer counts who was found by a name."""
    assert id is not None
    customer = customers.get(id)
    return id if customer is None else customer.id


def _reject(result: Taken, error: ExpectedError) -> None:
    result.status, result.error = "rejected", error.with_traceback(None)


async def _unknown(session: AsyncSession, work: Sequence[_Work], source: str) -> list[_Work]:
    """Return the messages that did not come before, the first of each id."""
    seen = await known_messages(session, ids={one.message.id for one in work}, source=source)
    new = []
    for one in work:
        if one.message.id in seen:
            one.result.status = "duplicate"
        else:
            seen.add(one.message.id)
            new.append(one)
    return new


async def _people(session: AsyncSession, work: Sequence[_Work]) -> People:
    """Return what is known of the people whom the messages name, by names that nobody else is about to create."""
    names = names_of(one.message for one in work)
    known = await known_by(session, names)
    free = {name for name in names if not known.claims.get(name)}
    if free and await await_names(session, free):
        known = await known_by(session, names)
    return People(known)


def _assign(work: Sequence[_Work], people: People, barred: Collection[NameKey]) -> None:
    for one in work:
        try:
            refuse_barred(told_names(one.message, one.facts), barred=barred)
            one.customer_id = people.customer_of(one.message)
        except ExpectedError as error:
            _reject(one.result, error)
            continue
        people.claim(one.customer_id, one.facts.claims)
        new = people.new.get(one.customer_id)
        if new is not None and one.facts.display_name and not new.values.get("display_name"):
            new.values["display_name"] = one.facts.display_name


async def _write_people(
    session: AsyncSession, people: People, work: Sequence[_Work], sender: Actor, now: datetime
) -> dict[UUID, HeldCustomer | None]:
    """Write new customers and names; return who is there by the ids that were found, None for the new ones."""
    old = {one.customer_id for one in work if one.customer_id is not None} - people.new.keys()
    held = await held_survivors(session, old)
    _turn_away(work, people, gone_among(old, held))
    await write_new_customers(session, list(people.new.values()), actor=sender.label, now=now)
    names = [replace(one, customer_id=held[one.customer_id].id) for one in people.identities if one.customer_id in held]
    await write_identities(session, names, actor=sender.label, now=now)
    called = await _call(session, work, held, now)
    events = [customer_event("customer.updated", id, {"changed": ["display_name"]}, sender.label, now) for id in called]
    await write_rows(session, Event, events)
    await renew_words(session, called | {one.customer_id for one in names if one.identity.kind != "visitor"})
    return {**held, **dict.fromkeys(people.new)}


def _turn_away(work: Sequence[_Work], people: People, gone: set[UUID]) -> None:
    """Reject what is told of people who were erased at this moment."""
    for one in work:
        if one.customer_id in gone:
            name, *_ = told_names(one.message, one.facts)
            _reject(one.result, AddressErased(name.kind))
            one.customer_id = None
    people.forget(gone)


async def _call(
    session: AsyncSession, work: Sequence[_Work], held: Mapping[UUID, HeldCustomer], now: datetime
) -> set[UUID]:
    """Give customers who have no name the first one that was told; return who got one."""
    names: dict[UUID, str] = {}
    for one in work:
        customer = None if one.customer_id is None else held.get(one.customer_id)
        if customer is not None and one.facts.display_name:
            names.setdefault(customer.id, one.facts.display_name)
    if not names:
        return set()
    nameless = select(Customer).where(is_among(col(Customer.id), names), col(Customer.display_name).is_(None))
    called = (await session.scalars(nameless)).all()
    for named in called:
        named.display_name = names[named.id]
        named.version += 1
        named.updated_at = now
    await session.flush()
    return {named.id for named in called}


async def _write_touchpoints(
    session: AsyncSession,
    work: Sequence[_Work],
    customers: Mapping[UUID, HeldCustomer | None],
    sender: Actor,
    now: datetime,
) -> None:
    telling: list[_Work] = []
    told: list[tuple[TouchpointDraft, UUID]] = []
    for one in work:
        if one.draft is None or one.customer_id is None:
            continue
        customer = customers[one.customer_id]
        if customer is not None and customer.deleted_at is not None:
            _reject(one.result, NotFound("customer", one.customer_id, path=("customerId",)))
            continue
        telling.append(one)
        told.append((replace(one.draft, customer_id=one.customer_id), _today(one.customer_id, customers)))
    outcomes = await append_touchpoints(session, told=told, actor=sender, now=now)
    for one, outcome in zip(telling, outcomes, strict=True):
        if isinstance(outcome, OtherContent):
            _reject(one.result, outcome)
        elif not outcome:
            one.result.status = "duplicate"  # told before under its own name, or on its way at the same moment


async def _write_facts(
    session: AsyncSession, work: Sequence[_Work], traits: TraitRegistry, sender: Actor, now: datetime
) -> None:
    facts = [
        ToldFact(one.customer_id, key, value, one.message.occurred_at)
        for one in work
        if one.customer_id is not None
        for key, value in one.facts.traits.items()
    ]
    ignored = await write_facts(
        session, facts=facts, source=sender.source, registry=traits, actor=sender.label, now=now
    )
    by_name = {one.name: one for one in ignored}
    for one in work:
        one.result.ignored += [by_name[key] for key in one.facts.traits if key in by_name]


async def _write_consents(
    session: AsyncSession, work: Sequence[_Work], registry: ConsentRegistry, sender: Actor, now: datetime
) -> None:
    told = [
        ToldConsents(one.customer_id, one.message.occurred_at, one.wishes, one.result.ignored)
        for one in work
        if one.wishes and one.customer_id is not None
    ]
    await write_consents(session, told=told, registry=registry, sender=sender, now=now)
