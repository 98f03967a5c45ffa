"""Write the demo's customers with all that is told of them, many at a time; whoever is there already is left alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.consents.registry import ConsentRegistry
from regulars.consents.service import record_consent
from regulars.customers.changes import CustomerChanges, checked
from regulars.customers.identities import Identity, read_identity
from regulars.customers.models import Customer, CustomerIdentity, CustomerWord
from regulars.customers.words import searchable_words
from regulars.demo.inventions import DemoCustomer, invent_customer
from regulars.demo.marking import NOTE_KEY, NOTE_PROVENANCE, NOTE_SOURCE
from regulars.demo.purchases import Purchase
from regulars.errors import ExpectedError
from regulars.events.service import record_event
from regulars.tables import new_id
from regulars.touchpoints.service import LARGEST_BATCH, record_touchpoints
from regulars.touchpoints.types import TouchpointTypes
from regulars.traits.models import TraitValue

__all__ = ["Telling", "load_customers"]


@dataclass(frozen=True)
class Telling:
    """How the demo tells of its customers.

    ``source`` is where the purchases come from and gave the customers their names; ``note`` says what of a customer is
    invented. Nothing happens after ``last_day``; days begin in ``zone``.
    """

    source: str
    note: str
    last_day: date
    zone: ZoneInfo


async def load_customers(
    session: AsyncSession,
    histories: Mapping[str, Sequence[Purchase]],
    *,
    telling: Telling,
    types: TouchpointTypes,
    registry: ConsentRegistry,
    now: datetime,
) -> int:
    """Write those customers who are not there yet, whole, and return how many they were.

    ``histories`` holds each customer's purchases, the oldest first, by the customer's name in the source.
    """
    known = await _known_names(session, histories, source=telling.source)
    new = [
        invent_customer(
            name, purchases, id=new_id(), source=telling.source, last_day=telling.last_day, zone=telling.zone
        )
        for name, purchases in histories.items()
        if name not in known
    ]
    await _add_people(session, new, telling=telling, now=now)
    await _add_touchpoints(session, new, types=types, now=now)
    for change in chain.from_iterable(customer.consents for customer in new):
        await record_consent(session, change=change, registry=registry, actor=SYSTEM, now=now)
    return len(new)


async def _known_names(session: AsyncSession, names: Collection[str], *, source: str) -> set[str]:
    # Whoever was deleted, or became part of another customer, keeps the name as well.
    query = select(col(CustomerIdentity.normalised)).where(
        col(CustomerIdentity.kind) == "external",
        col(CustomerIdentity.source) == source,
        col(CustomerIdentity.normalised).in_(names),
    )
    return set(await session.scalars(query))


async def _add_people(
    session: AsyncSession, customers: Sequence[DemoCustomer], *, telling: Telling, now: datetime
) -> None:
    # One by one, as the service creates customers, this would take a minute.
    names = {customer.id: _identities(customer, source=telling.source) for customer in customers}
    session.add_all(_customer_row(customer, now) for customer in customers)
    await session.flush()
    for customer in customers:
        session.add_all(_identity_row(customer, identity, now) for identity in names[customer.id])
        session.add_all(_word_rows(customer, names[customer.id]))
        session.add(_note_row(customer, telling.note, now))
        subject, actor = f"customer:{customer.id}", SYSTEM.label
        await record_event(session, type="customer.created", subject=subject, actor=actor, data={}, now=now)
        keys = {"keys": [NOTE_KEY]}
        await record_event(session, type="traits.changed", subject=subject, actor=actor, data=keys, now=now)
    await session.flush()


async def _add_touchpoints(
    session: AsyncSession, customers: Sequence[DemoCustomer], *, types: TouchpointTypes, now: datetime
) -> None:
    drafts = [draft for customer in customers for draft in customer.touchpoints]
    for first in range(0, len(drafts), LARGEST_BATCH):
        batch = drafts[first : first + LARGEST_BATCH]
        for result in await record_touchpoints(session, drafts=batch, types=types, actor=SYSTEM, now=now):
            if isinstance(result, ExpectedError):
                raise result


def _identities(customer: DemoCustomer, *, source: str) -> tuple[Identity, Identity]:
    return read_identity("external", customer.name, source), read_identity("email", customer.person.email)


def _customer_row(customer: DemoCustomer, now: datetime) -> Customer:
    person = customer.person
    changes = CustomerChanges(
        display_name=person.display_name,
        language=person.language,
        time_zone=person.time_zone,
        jurisdiction=person.jurisdiction,
    )
    return Customer(id=customer.id, created_at=now, updated_at=now).sqlmodel_update(checked(changes))


def _identity_row(customer: DemoCustomer, identity: Identity, now: datetime) -> CustomerIdentity:
    return CustomerIdentity(
        customer_id=customer.id,
        profile_id=customer.id,
        kind=identity.kind,
        source=identity.source,
        value=identity.value,
        normalised=identity.normalised,
        verified_at=now if identity.kind == "external" else None,
        created_at=now,
    )


def _word_rows(customer: DemoCustomer, identities: Iterable[Identity]) -> list[CustomerWord]:
    texts = [customer.person.display_name, *chain.from_iterable((one.value, one.normalised) for one in identities)]
    return [CustomerWord(word=word, customer_id=customer.id) for word in sorted(searchable_words(texts))]


def _note_row(customer: DemoCustomer, note: str, now: datetime) -> TraitValue:
    return TraitValue(
        customer_id=customer.id,
        profile_id=customer.id,
        key=NOTE_KEY,
        text_value=note,
        provenance=NOTE_PROVENANCE,
        source=NOTE_SOURCE,
        as_of=now,
    )
