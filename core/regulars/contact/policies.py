"""The company's policy on contacts: read it, and add a version."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_text
from regulars.consents.lattice import ConsentPolicy
from regulars.consents.ledger import BASES
from regulars.consents.registry import ConsentRegistry
from regulars.contact.hours import wall_time
from regulars.contact.models import ContactPolicyVersion
from regulars.contact.needs import need_rows
from regulars.contact.refusals import InvalidWallTime, UnknownZone
from regulars.contact.requests import ContactCap, ContactPolicy, WallClockWindow
from regulars.errors import Conflict, InvalidInput, NotFound, OutOfRange, UnknownValue
from regulars.events.service import record_event

__all__ = ["POLICY", "add_policy", "consent_policy_at", "policy_named", "policy_of", "read_policy"]

FIELDS = ("default_tz", "quiet_hours", "caps", "child_directed", "retired_notices", "allowed_bases")
LONGEST_REASON = 1000


def policy_of(row: ContactPolicyVersion) -> ContactPolicy:
    """Return a stored version as rules see it."""
    return _policy(row.version, row.content)


def _policy(version: str, content: Mapping[str, Any]) -> ContactPolicy:
    return ContactPolicy(
        version=version,
        default_tz=content["default_tz"],
        quiet_hours={channel: WallClockWindow(*window) for channel, window in content["quiet_hours"].items()},
        caps=tuple(ContactCap(**cap) for cap in content["caps"]),
        child_directed=content["child_directed"],
        retired_notices=frozenset(content["retired_notices"]),
        allowed_bases=frozenset(content["allowed_bases"]),
    )


POLICY = need_rows(
    {"version": ContactPolicyVersion.version, "content": ContactPolicyVersion.content},
    where=col(ContactPolicyVersion.number)
    == select(func.max(col(ContactPolicyVersion.number))).correlate(None).scalar_subquery(),
    read=lambda rows: _policy(rows[0]["version"], rows[0]["content"]) if rows else None,
)
"""The need of the policy that holds now, so that it is read along with what is known of the customer."""


async def read_policy(session: AsyncSession) -> ContactPolicyVersion:
    """Return the version that holds now."""
    newest = select(ContactPolicyVersion).order_by(col(ContactPolicyVersion.number).desc()).limit(1)
    return (await session.scalars(newest)).one()


async def consent_policy_at(session: AsyncSession, *, moment: datetime) -> ConsentPolicy:
    """Return what the company had decided about consent by that moment; before the first version, the first."""
    number = col(ContactPolicyVersion.number)
    known = select(ContactPolicyVersion).where(col(ContactPolicyVersion.created_at) <= moment)
    newest = (await session.scalars(known.order_by(number.desc()).limit(1))).one_or_none()
    row = newest or (await session.scalars(select(ContactPolicyVersion).order_by(number).limit(1))).one()
    return policy_of(row).consents


async def policy_named(session: AsyncSession, *, version: str) -> ContactPolicyVersion:
    """Return the version with this name; raises ``NotFound``."""
    named = select(ContactPolicyVersion).where(col(ContactPolicyVersion.version) == version)
    row = await session.scalar(named)
    if row is None:
        raise NotFound("policy", version)
    return row


async def add_policy(
    session: AsyncSession,
    *,
    changes: Mapping[str, Any],
    reason: str,
    expected_number: int | None,
    registry: ConsentRegistry,
    actor: Actor,
    now: datetime,
) -> ContactPolicyVersion:
    """Add a version in which ``changes`` replace what stood before, and return it; decisions follow it at once.

    Raises ``Conflict`` unless ``expected_number`` is the one that holds, ``InvalidTime`` for a zone or a time of day
    that does not exist, ``OutOfRange`` for a negative limit or an empty window of a cap, and ``UnknownValue`` for a
    channel or basis that is not known.
    """
    newest = await read_policy(session)
    if expected_number is not None and expected_number != newest.number:
        raise Conflict("policy", newest.version, expected=expected_number, actual=newest.number)
    why = check_text(reason, path=("reason",), longest=LONGEST_REASON)
    number = newest.number + 1
    row = ContactPolicyVersion(
        number=number,
        version=f"p{number}",
        content={**newest.content, **_checked(changes, registry)},
        reason=why,
        actor=actor.label,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    await record_event(
        session,
        type="contact_policy.changed",
        subject=f"contact_policy:{number}",
        actor=actor.label,
        data={"version": row.version, "changed": sorted(changes)},
        now=now,
    )
    return row


def _checked(changes: Mapping[str, Any], registry: ConsentRegistry) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in FIELDS:
            raise UnknownValue("part of the policy", name, FIELDS, path=("policy", name))
        checked[name] = _CHECKS[name](value, registry)
    return checked


def _zone(value: Any, _registry: ConsentRegistry) -> str:
    if value not in available_timezones():
        raise UnknownZone(str(value))
    return str(value)


def _quiet_hours(value: Mapping[str, Sequence[str]], registry: ConsentRegistry) -> dict[str, list[str]]:
    return {registry.check_channel(channel): _window(window) for channel, window in value.items()}


def _window(window: Sequence[str]) -> list[str]:
    for clock in window:
        if wall_time(clock) is None:
            raise InvalidWallTime(clock)
    if len(window) != 2:
        raise InvalidWallTime(" ".join(window))
    return list(window)


def _caps(value: Sequence[Mapping[str, Any]], registry: ConsentRegistry) -> list[dict[str, Any]]:
    return [checked_cap(ContactCap(**cap), registry=registry) for cap in value]


def checked_cap(cap: ContactCap, *, registry: ConsentRegistry) -> dict[str, Any]:
    """Return a cap as it is stored.

    Raises ``OutOfRange`` for a negative limit or a window of no length, ``UnknownValue`` for an unknown channel.
    """
    if cap.limit is not None and cap.limit < 0:
        raise OutOfRange(f"A cap of {cap.limit} is less than never. Write 0 for never.", path=("policy", "caps"))
    if cap.window_h <= 0:
        raise OutOfRange(
            f"A cap over {cap.window_h} hours counts nothing. Give hours above 0.", path=("policy", "caps")
        )
    registry.check_channel(cap.channel)
    registry.check_topic(cap.topic)
    return {"limit": cap.limit, "window_h": cap.window_h, "channel": cap.channel, "topic": cap.topic}


def _flag(value: Any, _registry: ConsentRegistry) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("childDirected is true or false.", path=("policy", "childDirected"))
    return value


def _notices(value: Sequence[str], _registry: ConsentRegistry) -> list[str]:
    return sorted({check_text(notice, path=("policy", "retiredNotices"), longest=100) for notice in value})


def _bases(value: Sequence[str], _registry: ConsentRegistry) -> list[str]:
    for basis in value:
        if basis not in BASES:
            raise UnknownValue("basis", basis, BASES, path=("policy", "allowedBases"))
    return sorted(set(value))


_CHECKS: Mapping[str, Callable[[Any, ConsentRegistry], Any]] = {
    "default_tz": _zone,
    "quiet_hours": _quiet_hours,
    "caps": _caps,
    "child_directed": _flag,
    "retired_notices": _notices,
    "allowed_bases": _bases,
}
