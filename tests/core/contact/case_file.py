"""The case file of contact decisions, read, and what the core keeps of a case loaded into the real tables."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.consents.models import ConsentEvent, GpcSignal
from regulars.consents.registry import ConsentRegistry, core_consent_registry
from regulars.contact.models import ContactPolicyVersion, ContactTouch, ZoneCandidate
from regulars.contact.requests import ContactRequest
from regulars.customers.models import Customer, CustomerIdentity, CustomerMerge
from regulars.errors import UnknownValue
from regulars.suppressions.addresses import address_on_channel
from regulars.suppressions.models import SuppressedIdentity, Suppression
from regulars.suppressions.service import add_suppression
from regulars.tables import Table, new_id
from regulars.testing.app import App
from regulars.touchpoints.models import Touchpoint

DEFAULT = Path(__file__).parent / "contact_decision_cases.json"
CASE_FILE = Path(os.environ.get("REGULARS_CONTACT_CASES", DEFAULT))
CONTENT: Mapping[str, Any] = json.loads(CASE_FILE.read_text(encoding="utf-8"))
DECISION_CASES = [case for case in CONTENT["cases"] if case["kind"] == "decision"]
SCENARIOS = [case for case in CONTENT["cases"] if case["kind"] != "decision"]
LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

PluginRows = Callable[[UUID, Mapping[str, Any]], Iterable[Table]]
"""Returns the rows in which plugins keep their part of a case's state about a customer."""


def moment(text: str) -> datetime:
    """Return a time of the file."""
    return datetime.fromisoformat(text)


def registry_of_the_file() -> ConsentRegistry:
    """Return the purposes and channels of the core, with those that only the file knows."""
    registry = core_consent_registry()
    for case in DECISION_CASES:
        given = [*case["state"].get("consent", ()), case["request"]]
        for purpose in {one.get("purpose", "*") for one in given}:
            try:
                registry.check_purpose(purpose)
            except UnknownValue:
                registry = registry.with_those_of("the case file", purposes=[purpose])
    return registry


@dataclass(frozen=True)
class LoadedCase:
    """A case whose state lies in the tables, with what is asked and what should come out."""

    customer_id: UUID
    request: ContactRequest
    now: datetime
    expected: tuple[str, str, datetime | None]


async def load_case(
    app: App, case: Mapping[str, Any], registry: ConsentRegistry, *, of_plugins: PluginRows, is_first: bool = True
) -> LoadedCase:
    """Put a case's state into the real tables; the first of some takes out what earlier ones left in the way."""
    customer_id, now = new_id(), moment(case["request"]["now"])
    async with app.database.writing() as session:
        if is_first:
            await _tidy_up(session)
        await _load_policy(session, case["state"].get("policy", {}))
        if case["state"]["customer"].get("status") != "unknown":
            await _load_customer(session, customer_id, case["state"], now)
            await _load_suppressions(session, customer_id, case["state"], registry, now)
            session.add_all(_rows(customer_id, case["state"], now))
            session.add_all(of_plugins(customer_id, case["state"]))
    expect = case["expect"]
    until = None if expect["until"] is None else moment(expect["until"])
    return LoadedCase(customer_id, _request(case["request"]), now, (expect["outcome"], expect["rule"], until))


async def _tidy_up(session: AsyncSession) -> None:
    # An address has one owner, so what the last case said of it goes.
    for table in (SuppressedIdentity, Suppression, CustomerIdentity):
        await session.execute(delete(table))


async def _load_policy(session: AsyncSession, changes: Mapping[str, Any]) -> None:
    wanted = {**CONTENT["policy_defaults"], **changes}
    content = {name: value for name, value in wanted.items() if name != "version"}
    content["caps"] = [{"channel": "*", "topic": "*", **cap} for cap in content["caps"]]
    newest = await session.scalar(
        select(ContactPolicyVersion).order_by(col(ContactPolicyVersion.number).desc()).limit(1)
    )
    assert newest is not None
    if newest.content != content:
        number = newest.number + 1
        session.add(
            ContactPolicyVersion(
                number=number,
                version=f"case-{number}",
                content=content,
                reason="A case says so.",
                actor=SYSTEM.label,
                created_at=LONG_AGO,
            )
        )


async def _load_customer(session: AsyncSession, customer_id: UUID, state: Mapping[str, Any], now: datetime) -> None:
    given = state["customer"]
    customer = Customer(
        id=customer_id,
        time_zone=given.get("tz"),
        status=given.get("status", "active"),
        age=given.get("age", "unknown"),
        has_guardian_consent=given.get("guardian_consent", False),
        jurisdiction=given.get("jurisdiction"),
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
    session.add(customer)
    await session.flush()
    profiles = {None: customer_id}
    for entry in state.get("consent", ()):
        profile = entry.get("profile")
        if profile not in profiles:
            profiles[profile] = await _merged_profile(session, customer_id, state["merged_at"])
        session.add(_consent(customer_id, profiles[profile], entry))


async def _merged_profile(session: AsyncSession, survivor_id: UUID, merged_at: str) -> UUID:
    merged = Customer(created_at=LONG_AGO, updated_at=LONG_AGO, merged_into_id=survivor_id)
    session.add(merged)
    await session.flush()
    session.add(
        CustomerMerge(
            survivor_id=survivor_id,
            merged_id=merged.id,
            merged_at=moment(merged_at),
            actor=SYSTEM.label,
            reason="A case says so.",
            before={},
        )
    )
    return merged.id


def _consent(customer_id: UUID, profile_id: UUID, entry: Mapping[str, Any]) -> ConsentEvent:
    times: dict[str, Any] = {
        name: moment(entry[name]) for name in ("expires_at", "confirmed_at") if entry.get(name) is not None
    }
    at = moment(entry["at"])
    return ConsentEvent(
        customer_id=customer_id,
        profile_id=profile_id,
        action=entry["action"],
        purpose=entry.get("purpose", "*"),
        channel=entry.get("channel", "*"),
        topic=entry.get("topic", "*"),
        at=at,
        recorded_at=moment(entry["recorded_at"]) if "recorded_at" in entry else at,
        actor=SYSTEM.label,
        origin=entry.get("origin", "customer"),
        basis=entry.get("basis", "express"),
        recipient=entry.get("recipient"),
        session=entry.get("session"),
        needs_confirmation=entry.get("needs_confirmation", False),
        is_proven=bool(entry.get("evidence", True)),
        notice_version=entry.get("notice_version"),
        words_hmac="",
        **times,
    )


async def _load_suppressions(
    session: AsyncSession, customer_id: UUID, state: Mapping[str, Any], registry: ConsentRegistry, now: datetime
) -> None:
    unverified = state.get("unverified_addresses", ())
    suppressed = state.get("suppressions", ())
    verified = {one["address"] for one in suppressed if one.get("address")} - set(unverified)
    for address in (*unverified, *sorted(verified)):
        identity = address_on_channel("email" if "@" in address else "sms", address)
        session.add(
            CustomerIdentity(
                customer_id=customer_id,
                profile_id=customer_id,
                kind=identity.kind,
                value=address,
                normalised=identity.normalised,
                verified_at=None if address in unverified else LONG_AGO,
                created_at=LONG_AGO,
            )
        )
    await session.flush()
    entries = list(suppressed)
    if state.get("profiling_opt_out"):
        entries.append({"kind": "no_scoring"})
    for entry in entries:
        address = entry.get("address")
        channel = "email" if address and "@" in address else "sms"
        await add_suppression(
            session,
            kind=entry["kind"],
            channel=entry.get("channel", "*"),
            identity=None if address is None else address_on_channel(channel, address),
            customer_id=customer_id if address is None else None,
            reason="A case says so.",
            registry=registry,
            actor=SYSTEM,
            now=now,
        )


def _rows(customer_id: UUID, state: Mapping[str, Any], now: datetime) -> Iterator[Table]:
    whose: dict[str, Any] = {"customer_id": customer_id, "profile_id": customer_id}
    if state.get("gpc"):
        seen_at = now if state["gpc"] is True else moment(state["gpc"])
        yield GpcSignal(at=seen_at, recorded_at=seen_at, **whose)
    for zone in state["customer"].get("tz_candidates", ()):
        yield ZoneCandidate(time_zone=zone, **whose)
    for case in state.get("cases", ()):
        yield Touchpoint(
            type="case_opened",
            occurred_at=moment(case["opened_at"]),
            received_at=moment(case["opened_at"]),
            source="test",
            payload={"case_id": case["id"]},
            **whose,
        )
    for touch in state.get("touches", ()):
        yield _touch(touch, whose)


def _touch(touch: Mapping[str, Any], whose: Mapping[str, Any]) -> ContactTouch:
    at = moment(touch["at"])
    return ContactTouch(
        state=touch.get("state", "sent"),
        at=at,
        reserved_at=at,
        expires_at=moment(touch["expires_at"]) if touch.get("expires_at") else at,
        channel=touch["channel"],
        contact_class=touch.get("class", "marketing"),
        purpose="marketing.own",
        topic=touch.get("topic", "*"),
        request={},
        request_digest="",
        actor=SYSTEM.label,
        **whose,
    )


def _request(given: Mapping[str, Any]) -> ContactRequest:
    named = {name: value for name, value in given.items() if name not in ("now", "class", "expires_at", "dry_run")}
    expires_at = moment(given["expires_at"]) if given.get("expires_at") else None
    return ContactRequest(contact_class=given["class"], expires_at=expires_at, **named)
