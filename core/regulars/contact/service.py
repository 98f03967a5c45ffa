"""Decide whether customers may be contacted, and keep decisions so that they can be made again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor
from regulars.consents.registry import ConsentRegistry
from regulars.contact.consent_rules import LEDGER, MERGES
from regulars.contact.memory import Decided, decision_row
from regulars.contact.models import ContactDecision
from regulars.contact.policies import policy_of, read_policy
from regulars.contact.readings import MOST_CUSTOMERS, Told
from regulars.contact.requests import CONSENTED, ContactRequest, RuleRequest, as_rules_see_it, checked_request
from regulars.contact.rule_set import ContactRules
from regulars.contact.verdicts import Decision, Known, decide
from regulars.contact.zones import ZONES
from regulars.suppressions.addresses import address_on_channel
from regulars.suppressions.secret_key import address_key

__all__ = ["OwnSlot", "address_digest", "decide_contact", "decide_contacts", "store_decision"]


@dataclass(frozen=True)
class OwnSlot:
    """The reservation about which is decided again; it is not counted. ``address_digest`` is of its address."""

    id: UUID
    address_digest: str | None


async def decide_contact(
    session: AsyncSession,
    *,
    customer_id: UUID,
    request: ContactRequest,
    rules: ContactRules,
    registry: ConsentRegistry,
    now: datetime,
    own_slot: OwnSlot | None = None,
) -> Decided:
    """Return whether this customer may be contacted at ``now``; nothing is written and no slot is taken.

    Raises what ``checked_request`` raises.
    """
    (decided,) = await decide_contacts(
        session, customer_ids=[customer_id], request=request, rules=rules, registry=registry, now=now, own_slot=own_slot
    )
    return decided


async def decide_contacts(
    session: AsyncSession,
    *,
    customer_ids: Sequence[UUID],
    request: ContactRequest,
    rules: ContactRules,
    registry: ConsentRegistry,
    now: datetime,
    own_slot: OwnSlot | None = None,
) -> list[Decided]:
    """Return the decision about each customer, up to 10,000 of them, in their order and with one reading of all needs.

    Raises what ``checked_request`` raises.
    """
    assert len(customer_ids) <= MOST_CUSTOMERS
    checked_request(request, registry=registry)
    policy = policy_of(await read_policy(session))
    seen = as_rules_see_it(request, policy=policy, now=now)
    applicable = rules.of_class(seen.contact_class)
    told, failures = await applicable.reader.read(
        session, customer_ids, await _asked(session, seen, request, own_slot), now=now
    )
    for failure in failures:
        rules.report(failure.owner, failure.error)
    missing = (*applicable.unavailable, *(failure.owner for failure in failures))
    return [_decided(id, told.get(id, Told(None)), seen, rules, missing) for id in customer_ids]


def _decided(
    asked_id: UUID, told: Told, request: RuleRequest, rules: ContactRules, missing: tuple[str, ...]
) -> Decided:
    applicable = rules.of_class(request.contact_class)
    known = applicable.reader.known(told)
    lost = {owner for owner in missing if owner not in applicable.unavailable}
    decision = decide(
        [rule for rule in applicable.rules if rule.owner not in lost],
        known,
        request,
        unavailable=missing,
        failed=lambda failure: rules.report(failure.rule.owner, failure.error),
    )
    return Decided(
        asked_id=asked_id,
        customer_id=told.customer_id,
        request=request,
        decision=decision,
        evidence=_evidence(decision, known, request),
        is_zone_assumed=known[ZONES].are_assumed,
        told=told,
        known=known,
        missing=missing,
    )


async def address_digest(session: AsyncSession, request: ContactRequest) -> str | None:
    """Return the keyed hash of the address that is named, as the suppression list keeps it; None where none is.

    Where nothing was ever suppressed there is no key yet; then no entry can be about the address.
    """
    if request.address is None:
        return None
    named, key = address_on_channel(request.channel, request.address), await address_key(session)
    return "" if key is None else key.hash(named)


async def _asked(
    session: AsyncSession, seen: RuleRequest, request: ContactRequest, own_slot: OwnSlot | None
) -> Mapping[str, Any]:
    named = None if request.address is None else address_on_channel(request.channel, request.address)
    digest = await address_digest(session, request) if own_slot is None else own_slot.address_digest
    return {
        "contact_address": None if named is None else named.normalised,
        "contact_address_digest": digest,
        "contact_own_slot": None if own_slot is None else own_slot.id,
        "contact_channel": seen.channel,
        "contact_topic": seen.topic,
        "contact_purpose": seen.purpose,
        "contact_case_id": seen.case_id,
    }


def _evidence(decision: Decision, known: Known, request: RuleRequest) -> tuple[str, ...]:
    """Return the ids of the rows that the answer rests on; of a yes that needs consent, the grant."""
    if decision.outcome == "ALLOW" and request.contact_class in CONSENTED:
        answer = known[LEDGER].answer(request.question(request.now), request.policy.consents, known[MERGES])
        return () if answer.entry is None else (str(answer.entry.id),)
    return tuple(dict.fromkeys(id for blocker in decision.blockers for id in blocker.evidence))


async def store_decision(
    session: AsyncSession, *, decided: Decided, step: str, actor: Actor, now: datetime
) -> ContactDecision:
    """Keep a decision with all that is needed to make it again, and return its row.

    ``step`` is what was asked for: ``reserve`` or ``confirm``.
    """
    row = decision_row(decided, step=step, actor=actor, now=now)
    session.add(row)
    await session.flush()
    return row
