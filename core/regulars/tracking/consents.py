"""Take in what a message says about consent: it narrows at once, and widens only with evidence and the right to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.changes import ConsentChange
from regulars.consents.ledger import Action
from regulars.consents.models import ConsentState
from regulars.consents.registry import ConsentRegistry
from regulars.consents.scopes import Scope
from regulars.consents.service import record_consent
from regulars.errors import ExpectedError
from regulars.tracking.facts import Ignored
from regulars.tracking.messages import Message, part_of

__all__ = ["ConsentWish", "ToldConsents", "consents_in", "write_consents"]

PART = "context.consent"
MOST_WISHES = 20


@dataclass(frozen=True)
class ConsentWish:
    """A grant or a withdrawal that a message asks for; a grant has evidence."""

    action: Action
    scope: Scope
    evidence: Mapping[str, Any] | None = None
    notice_version: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class ToldConsents:
    """What a message asks for about one customer; what is refused is added to ``ignored``."""

    customer_id: UUID
    at: datetime
    wishes: Sequence[ConsentWish]
    ignored: list[Ignored]


def consents_in(
    message: Message, *, registry: ConsentRegistry, may_grant: bool
) -> tuple[Sequence[ConsentWish], Sequence[Ignored]]:
    """Return what a message asks for, and what of it cannot be.

    ``context.consent.categoryPreferences`` holds yes or no by purpose, as Segment's clients send it: a no withdraws,
    and a yes, which proves nothing, grants nothing. ``context.consent.changes`` holds grants and withdrawals in full.
    Raises ``InvalidInput`` where these have another shape.
    """
    consent = part_of(part_of(message.body, "context"), "consent")
    wishes: list[ConsentWish] = []
    ignored: list[Ignored] = []
    for purpose, allows in part_of(consent, "categoryPreferences").items():
        if allows is not False:
            ignored.append(Ignored(f"{PART}.{purpose}", "A yes without evidence grants nothing."))
            continue
        _wish({"action": "withdraw", "purpose": purpose}, registry, may_grant, wishes, ignored)
    changes = consent.get("changes")
    for change in changes if isinstance(changes, list) else []:
        _wish(change if isinstance(change, dict) else {}, registry, may_grant, wishes, ignored)
    if len(wishes) > MOST_WISHES:
        ignored.append(Ignored(PART, f"At most {MOST_WISHES} changes of consent come with one message."))
    return wishes[:MOST_WISHES], ignored


async def write_consents(
    session: AsyncSession, *, told: Sequence[ToldConsents], registry: ConsentRegistry, sender: Actor, now: datetime
) -> None:
    """Write what was asked for and does not stand already. The caller holds the customers."""
    if not told:
        return
    closed = await _withdrawn(session, {one.customer_id for one in told})
    for one in told:
        for wish in one.wishes:
            if wish.action == "withdraw" and any(scope.covers(wish.scope) for scope in closed[one.customer_id]):
                continue  # clients repeat it with every message
            try:
                await record_consent(session, change=_change(one, wish), registry=registry, actor=sender, now=now)
            except ExpectedError as error:
                one.ignored.append(Ignored(PART, str(error)))
            else:
                closed[one.customer_id] += [wish.scope] if wish.action == "withdraw" else []


def _wish(
    given: Mapping[str, Any],
    registry: ConsentRegistry,
    may_grant: bool,
    wishes: list[ConsentWish],
    ignored: list[Ignored],
) -> None:
    action = given.get("action")
    words = {name: given.get(name) for name in ("purpose", "channel", "topic", "noticeVersion", "language")}
    purpose = words["purpose"]
    name = f"{PART}.{purpose}" if isinstance(purpose, str) else PART
    if action not in ("grant", "withdraw") or any(not isinstance(word, str | None) for word in words.values()):
        ignored.append(Ignored(name, "A change is a grant or a withdraw, with texts for purpose, channel and topic."))
        return
    evidence = given.get("evidence")
    if action == "grant" and not (may_grant and isinstance(evidence, dict) and evidence):
        why = "brings no evidence" if may_grant else "comes with a key that cannot grant (scope consents:write)"
        ignored.append(Ignored(name, f"This grant {why}."))
        return
    try:
        scope = Scope(
            registry.check_purpose(words["purpose"] or ""),
            registry.check_channel(words["channel"] or "*"),
            registry.check_topic(words["topic"] or "*"),
        )
    except ExpectedError as error:
        ignored.append(Ignored(name, str(error)))
        return
    wishes.append(
        ConsentWish(
            "grant" if action == "grant" else "withdraw",
            scope,
            evidence if isinstance(evidence, dict) and action == "grant" else None,
            words["noticeVersion"] if action == "grant" else None,
            words["language"] if action == "grant" else None,
        )
    )


def _change(told: ToldConsents, wish: ConsentWish) -> ConsentChange:
    return ConsentChange(
        customer_id=told.customer_id,
        action=wish.action,
        purpose=wish.scope.purpose,
        channel=wish.scope.channel,
        topic=wish.scope.topic,
        reason="Sent by the site or app with a message.",
        at=told.at,
        # The customer's no is theirs; a yes that others write down reopens nothing that they closed.
        origin="customer" if wish.action == "withdraw" else "import",
        evidence=wish.evidence,
        notice_version=wish.notice_version,
        language=wish.language,
    )


async def _withdrawn(session: AsyncSession, customer_ids: set[UUID]) -> defaultdict[UUID, list[Scope]]:
    found = await session.scalars(
        select(ConsentState).where(
            col(ConsentState.customer_id).in_(customer_ids), col(ConsentState.status) == "withdrawn"
        )
    )
    closed: defaultdict[UUID, list[Scope]] = defaultdict(list)
    for state in found:
        closed[state.customer_id].append(Scope(state.purpose, state.channel, state.topic))
    return closed
