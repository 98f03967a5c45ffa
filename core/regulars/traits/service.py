"""Define facts that the company keeps about its customers, and set them."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_text
from regulars.customers.finding import customer_to_change
from regulars.errors import InvalidInput, NotUnique, UnknownValue
from regulars.events.service import record_event
from regulars.inserts import insert_new
from regulars.plugins.contributions import Provenance, TraitType
from regulars.suppressions.kinds import NO_SCORING
from regulars.suppressions.lookups import suppressions_of_customers
from regulars.traits.models import TraitDefinition, TraitValue
from regulars.traits.objections import DELETED, objections_of, settle_disputes
from regulars.traits.registry import PROVENANCES, TRAIT_TYPES, TraitRegistry
from regulars.traits.values import TraitInput, Value, checked_value

__all__ = ["KEY", "define_trait", "known_traits", "set_traits"]

INFERRED = "inferred"
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}(\.[A-Za-z][A-Za-z0-9_]{0,62}){0,3}")


async def define_trait(
    session: AsyncSession,
    *,
    key: str,
    title: str,
    type: TraitType,
    provenance: Provenance,
    is_personal: bool = False,
    used_for: str | None = None,
    registry: TraitRegistry,
    actor: Actor,
    now: datetime,
) -> TraitDefinition:
    """Define a fact that the company keeps about its customers, and return the definition.

    Raises ``UnknownValue`` for another type or provenance, ``InvalidInput`` for a key of another form, and
    ``NotUnique`` naming the owner of a key that is taken.
    """
    if not KEY.fullmatch(key):
        raise InvalidInput(
            f"{key!r} is no key of a trait. Use letters, digits and underscores, joined by dots: shoes.size.",
            path=("key",),
        )
    if type not in TRAIT_TYPES:
        raise UnknownValue("type of trait", type, TRAIT_TYPES, path=("type",))
    if provenance not in PROVENANCES:
        raise UnknownValue("provenance", provenance, PROVENANCES, path=("provenance",))
    check_text(title, path=("title",))
    if used_for is not None:
        check_text(used_for, path=("usedFor",))
    if key in registry.plugin_traits:
        raise _key_taken(key, f"the plugin {registry.owners[key]}")
    row = {
        "key": key,
        "title": title,
        "type": type,
        "provenance": provenance,
        "is_personal": is_personal,
        "used_for": used_for,
        "created_at": now,
    }
    defined = await insert_new(session, TraitDefinition, [row], unless_taken=("key",))
    if not defined:
        raise _key_taken(key, "the company")
    await record_event(
        session, type="trait.defined", subject=f"trait:{key}", actor=actor.label, data={"key": key}, now=now
    )
    return defined[0]


async def known_traits(session: AsyncSession, *, registry: TraitRegistry) -> TraitRegistry:
    """Return the traits of plugins together with what the company defined.

    Raises ``NameTaken`` naming both owners where a plugin's key was defined by the company before it came.
    """
    return registry.with_definitions(await session.scalars(select(TraitDefinition).order_by(col(TraitDefinition.key))))


async def set_traits(
    session: AsyncSession,
    *,
    customer_id: UUID,
    values: Sequence[TraitInput],
    registry: TraitRegistry,
    actor: Actor,
    now: datetime,
) -> list[str]:
    """Set or clear company-defined facts about a customer, all or none; return the keys that were written.

    A value older than the one that stands is not written. ``customer_id`` may be of a customer who was merged since:
    the value is kept as that profile's, and the survivor's own value goes before it. Nor is a guess written that the
    customer had deleted and that comes from the same source again, or of somebody who opted out of scores and guesses.
    Raises ``NotFound`` for an unknown or deleted customer, ``UnknownValue`` for a key that nobody defined,
    ``OtherProvenance`` where a value comes from elsewhere than the definition says, and ``InvalidInput`` for a value of
    another type, a key given twice, and a trait that a plugin keeps.
    """
    definitions = await _definitions(session, values, registry)
    checked = [
        checked_value(definitions[given.key], given, path=("traits", str(index)), now=now)
        for index, given in enumerate(values)
    ]
    customer = await customer_to_change(session, customer_id=customer_id)
    of_profile = and_(col(TraitValue.customer_id) == customer.id, col(TraitValue.profile_id) == customer_id)
    found = await session.scalars(
        select(TraitValue)
        .where(of_profile, col(TraitValue.key).in_(list(definitions)))
        .execution_options(populate_existing=True)
    )
    standing = {row.key: row for row in found}
    unwanted = await _unwanted(session, customer.id, values)
    written, changed = [], []
    for given, value in zip(values, checked, strict=True):
        if given in unwanted:
            continue
        row = standing.get(given.key) or _empty_row(customer.id, customer_id, given, now)
        before = getattr(row, f"{definitions[given.key].type}_value")
        if await _write(session, row, given, value, definitions[given.key], now):
            written.append(given.key)
            changed += [given.key] if value != before else []
    if written:
        await settle_disputes(session, customer_id=customer.id, keys=changed, actor=actor, now=now)
        subject, keys = f"customer:{customer.id}", {"keys": written}
        await record_event(session, type="traits.changed", subject=subject, actor=actor.label, data=keys, now=now)
    return written


async def _definitions(
    session: AsyncSession, values: Sequence[TraitInput], registry: TraitRegistry
) -> dict[str, TraitDefinition]:
    keys = [given.key for given in values]
    found = await session.scalars(select(TraitDefinition))
    definitions = {definition.key: definition for definition in found}
    for index, key in enumerate(keys):
        path = ("traits", str(index), "key")
        if key in registry.plugin_traits:
            raise InvalidInput(f"{key!r} is kept by the plugin {registry.owners[key]}, which alone sets it.", path=path)
        if key not in definitions:
            raise UnknownValue("trait", key, definitions, path=path)
        if key in keys[:index]:
            raise InvalidInput(f"{key!r} is given twice. Give each trait one value.", path=path)
    return {key: definitions[key] for key in keys}


async def _unwanted(session: AsyncSession, customer_id: UUID, values: Sequence[TraitInput]) -> list[TraitInput]:
    """Return the guesses that the customer does not want made."""
    guesses = [given for given in values if given.provenance == INFERRED and given.value is not None]
    if not guesses:
        return []
    opted_out = await suppressions_of_customers(session, customer_ids=[customer_id])
    if any(entry.kind == NO_SCORING for entry in opted_out.get(customer_id, ())):
        return guesses
    objections = (await objections_of(session, customer_ids=[customer_id])).get(customer_id, ())
    deleted = {(one.key, one.method) for one in objections if one.kind == DELETED}
    return [given for given in guesses if (given.key, given.source) in deleted]


def _key_taken(key: str, owner: str) -> NotUnique:
    return NotUnique(f"The trait {key!r} is already defined by {owner}. Choose another key.", path=("key",))


def _empty_row(customer_id: UUID, profile_id: UUID, given: TraitInput, now: datetime) -> TraitValue:
    return TraitValue(
        customer_id=customer_id,
        key=given.key,
        profile_id=profile_id,
        provenance=given.provenance,
        source=given.source,
        as_of=given.as_of or now,
    )


async def _write(
    session: AsyncSession,
    row: TraitValue,
    given: TraitInput,
    value: Value | None,
    definition: TraitDefinition,
    now: datetime,
) -> bool:
    is_new, as_of = row not in session, given.as_of or now
    if (is_new and value is None) or row.as_of > as_of:
        return False
    if value is None:
        await session.delete(row)
        return True
    for type in TRAIT_TYPES:
        setattr(row, f"{type}_value", value if type == definition.type else None)
    row.source, row.as_of = given.source, as_of
    session.add(row)
    return True
