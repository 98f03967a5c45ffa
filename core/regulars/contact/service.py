"""Decide whether customers may be contacted, and keep decisions so that they can be made again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.registry import ConsentRegistry
from regulars.contact.consent_rules import LEDGER, MERGES
from regulars.contact.memory import Decided, decision_row
from regulars.contact.models import ContactDecision
from regulars.contact.policies import POLICY, policy_of, read_policy
from regulars.contact.questioning import patient_rules
from regulars.contact.readings import MOST_CUSTOMERS, NeedsReader, Told
from regulars.contact.refusals import CaseRequired
from regulars.contact.requests import (
    CONSENTED,
    TODAYS_POLICY,
    ContactRequest,
    RuleRequest,
    as_rules_see_it,
    checked_request,
)
from regulars.contact.rule_set import ContactRules
from regulars.contact.rules import CORE, ContactRule
from regulars.contact.verdicts import Decision, Failed, Known, RuleFailure, decide
from regulars.contact.zones import ZONES
from regulars.customers.finding import counts_today_as
from regulars.customers.models import Customer
from regulars.suppressions.addresses import address_on_channel
from regulars.suppressions.secret_key import address_key
from regulars.touchpoints.models import Touchpoint

__all__ = [
    "OwnSlot",
    "address_digest",
    "address_values",
    "asked_values",
    "decide_contact",
    "decide_contacts",
    "decide_seen",
    "store_decision",
]


AT_A_STRETCH = 200
"""About how many customers is decided before others of the same process have their turn."""

CASE_TYPES = ("case_opened", "case_solved", "complaint")


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
    checked_request(request, registry=registry)
    seen = as_rules_see_it(request, policy=TODAYS_POLICY, now=now)
    if request.contact_class == "followup":
        await _require_case(session, customer_ids, request.case_id)
    values = await address_values(session, request)
    if own_slot is not None:
        values |= {"contact_address_digest": own_slot.address_digest, "contact_own_slot": own_slot.id}
    return await decide_seen(session, customer_ids=customer_ids, request=seen, rules=rules, values=values)


async def decide_seen(
    session: AsyncSession,
    *,
    customer_ids: Sequence[UUID],
    request: RuleRequest,
    rules: ContactRules,
    values: Mapping[str, Any] = MappingProxyType({}),
) -> list[Decided]:
    """Return the decision about each customer on a request that was checked, as rules see it.

    A request with ``TODAYS_POLICY`` is decided under the one that holds now.
    """
    assert len(customer_ids) <= MOST_CUSTOMERS, "readers take up to 10,000 customers"
    applicable = rules.of_class(request.contact_class)
    asked = {**asked_values(request), **values}
    told, failures = await applicable.reader.read(session, customer_ids, asked, now=request.now)
    for failure in failures:
        rules.report(failure.owner, failure.error)
    missing = (*applicable.unavailable, *(failure.owner for failure in failures))
    if request.policy is TODAYS_POLICY:
        known = next((applicable.reader.known(one)[POLICY] for one in told.values()), None)
        request = replace(request, policy=known or policy_of(await read_policy(session)))
    lost = {failure.owner for failure in failures}
    asked_rules = [rule for rule in applicable.rules if rule.owner not in lost]
    failed: dict[str, RuleFailure] = {}

    def note(failure: RuleFailure) -> None:
        failed.setdefault(failure.rule.owner, failure)

    alike: dict[object, Decided] = {}
    decided = []
    with patient_rules(asked_rules, watchdog=rules.watchdog, count=len(customer_ids)) as patient:
        for number, id in enumerate(customer_ids, start=1):
            one = told.get(id, Told(None))
            if one.likeness not in alike:
                alike[one.likeness] = _decided(id, one, request, applicable.reader, patient, missing, note)
            decided.append(replace(alike[one.likeness], asked_id=id, customer_id=one.customer_id))
            if number % AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # others of this process have their turn
    for owner, fault in failed.items():
        rules.report(owner, fault.error)
    for owner in {rule.owner for rule in asked_rules} - set(failed) - {CORE}:
        rules.went_well(owner)
    return decided


async def address_values(session: AsyncSession, request: ContactRequest) -> dict[str, Any]:
    """Return what stands for the address that is named inside the SQL of needs."""
    named = None if request.address is None else address_on_channel(request.channel, request.address)
    return {
        "contact_address": None if named is None else named.normalised,
        "contact_address_digest": await address_digest(session, request),
    }


def asked_values(request: RuleRequest) -> dict[str, Any]:
    """Return what stands for the request inside the SQL of needs, for a contact that names no address."""
    return {
        "contact_address": None,
        "contact_address_digest": None,
        "contact_own_slot": None,
        "contact_channel": request.channel,
        "contact_topic": request.topic,
        "contact_purpose": request.purpose,
        "contact_case_id": request.case_id,
    }


def _decided(
    asked_id: UUID,
    told: Told,
    request: RuleRequest,
    reader: NeedsReader,
    asked: Sequence[ContactRule],
    missing: tuple[str, ...],
    note: Failed,
) -> Decided:
    known = reader.known(told)
    decision = decide(asked, known, request, unavailable=missing, failed=note)
    return Decided(
        asked_id=asked_id,
        customer_id=told.customer_id,
        request=request,
        decision=decision,
        evidence=_evidence(decision, known, request),
        is_zone_assumed=known[ZONES].are_assumed,
        known=known,
        rules=tuple(rule.id for rule in asked),
        named_needs=reader.named(told),
        missing=missing,
    )


async def _require_case(session: AsyncSession, customer_ids: Sequence[UUID], case_id: str | None) -> None:
    """Accept a case that was opened for one of these customers; a customer whom nobody knows has none to check."""
    today = select(counts_today_as()).where(col(Customer.id).in_(customer_ids))
    opened = select(col(Touchpoint.id)).where(
        col(Touchpoint.customer_id).in_(today),
        col(Touchpoint.type).in_(CASE_TYPES),
        col(Touchpoint.payload)["case_id"].as_string() == case_id,
    )
    is_known = await session.scalar(select(exists(today)))
    if is_known and not await session.scalar(select(exists(opened))):
        raise CaseRequired(case_id)


async def address_digest(session: AsyncSession, request: ContactRequest) -> str | None:
    """Return the keyed hash of the address that is named, as the suppression list keeps it; None where none is.

    Where nothing was ever suppressed there is no key yet; then no entry can be about the address.
    """
    if request.address is None:
        return None
    named, key = address_on_channel(request.channel, request.address), await address_key(session)
    return "" if key is None else key.hash(named)


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
