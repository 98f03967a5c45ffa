"""What customers allow and stop on their own page: read as the rules see it, and changed in their own name."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM, Actor
from regulars.consents.changes import ConsentChange
from regulars.consents.gpc import record_gpc_signal
from regulars.consents.lattice import SELF, ConsentPolicy, Question, consent_answer
from regulars.consents.ledger import LedgerEntry, MergeHistory
from regulars.consents.models import ConsentEvent, GpcSignal
from regulars.consents.registry import core_consent_registry
from regulars.consents.scopes import Scope
from regulars.consents.service import ledger_of, record_consent
from regulars.consents.undoing import undo_withdrawal
from regulars.contact.policies import consent_policy_at
from regulars.notices.service import publish_notice
from regulars.selfservice.stopping import stop_scope

__all__ = [
    "AGREED",
    "CustomerPermissions",
    "ShownText",
    "allow_as_customer",
    "read_permissions",
    "stop_as_customer",
    "stop_sharing",
    "undo_stop",
]

AGREED = "Agreed on their own page"
OWN_PURPOSES = (Scope("marketing", "*"), Scope("research", "*"))


@dataclass(frozen=True)
class ShownText:
    """What stood beside the button by which a customer allowed something, in which language.

    It is kept as a notice under a version that begins with ``name``; another text gets another version by itself.
    """

    name: str
    language: str
    text: str

    @property
    def version(self) -> str:
        """Return the version of the notice: the name, and the first digits of the text's SHA-256."""
        return f"{self.name}:{hashlib.sha256(self.text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class CustomerPermissions:
    """All that a customer allowed and withdrew, as it stands at ``at``; ``no_sharing_since`` is their first GPC."""

    entries: Sequence[LedgerEntry]
    merges: MergeHistory
    policy: ConsentPolicy
    no_sharing_since: datetime | None
    at: datetime

    def allows(self, scope: Scope, *, partner: str | None = None) -> bool:
        """Tell whether the customer allows this to us, or to a partner by the name in the ledger."""
        question = Question(scope, valid_at=self.at, known_at=self.at, sender=partner or SELF)
        answer = consent_answer(self.entries, question, policy=self.policy, merges=self.merges)
        if answer.status != "granted" or partner is None or self.no_sharing_since is None:
            return answer.status == "granted"
        since = self.no_sharing_since
        return any(
            grant.is_up_session and grant.origin == "customer" and grant.time_by(self.at) > since
            for grant in answer.grants
        )

    @property
    def topics(self) -> frozenset[str]:
        """Return every topic about which the customer once allowed us to write; ``*`` is any."""
        return frozenset(entry.scope.topic for entry in self.entries if _is_about_writing(entry))


async def read_permissions(session: AsyncSession, *, customer_id: UUID, now: datetime) -> CustomerPermissions:
    """Return what stands in the ledger of a customer, in four statements however long it is."""
    entries, merges = await ledger_of(session, customer_id=customer_id)
    signal = select(func.min(col(GpcSignal.at))).where(col(GpcSignal.customer_id) == customer_id)
    return CustomerPermissions(
        entries, merges, await consent_policy_at(session, moment=now), await session.scalar(signal), now
    )


async def allow_as_customer(
    session: AsyncSession,
    *,
    customer_id: UUID,
    scopes: Sequence[Scope],
    shown: ShownText,
    partner: str | None = None,
    now: datetime,
) -> Sequence[ConsentEvent]:
    """Record that the customer, signed in afresh, allows these scopes under the text that was shown.

    Only for an up session: whoever calls this has seen one. Raises what ``record_consent`` raises.
    """
    await publish_notice(
        session, version=shown.version, language=shown.language, text=shown.text, actor=SYSTEM, now=now
    )
    return [
        await record_consent(
            session,
            change=ConsentChange(
                customer_id,
                "grant",
                scope.purpose,
                scope.channel,
                AGREED,
                topic=scope.topic,
                origin="customer",
                recipient=partner,
                session="up",
                evidence={"kind": "page"},
                notice_version=shown.version,
                language=shown.language,
            ),
            registry=core_consent_registry(),
            actor=_themselves(customer_id),
            now=now,
        )
        for scope in scopes
    ]


async def stop_as_customer(
    session: AsyncSession, *, customer_id: UUID, scope: Scope, partner: str | None = None, now: datetime
) -> ConsentEvent | None:
    """Withdraw a scope for the customer, or only what a partner was allowed; None when that was so already."""
    if partner is None:
        return await stop_scope(
            session, customer_id=customer_id, scope=scope, registry=core_consent_registry(), now=now
        )
    change = ConsentChange(
        customer_id,
        "withdraw",
        scope.purpose,
        scope.channel,
        "Stopped on their own page",
        topic=scope.topic,
        origin="customer",
        recipient=partner,
    )
    return await record_consent(
        session, change=change, registry=core_consent_registry(), actor=_themselves(customer_id), now=now
    )


async def stop_sharing(session: AsyncSession, *, customer_id: UUID, now: datetime) -> None:
    """Keep that the customer's browser asked for no sharing (Global Privacy Control), which stops every partner."""
    await record_gpc_signal(session, customer_id=customer_id, actor=_themselves(customer_id), now=now)


async def undo_stop(session: AsyncSession, *, event_id: UUID, now: datetime) -> Sequence[ConsentEvent]:
    """Grant again what stood until a withdrawal, for whoever made it in the same browser a moment ago.

    Raises ``NotFound`` and ``InvalidInput``.
    """
    return await undo_withdrawal(
        session,
        event_id=event_id,
        policy=await consent_policy_at(session, moment=now),
        registry=core_consent_registry(),
        actor=SYSTEM,
        now=now,
    )


def _themselves(customer_id: UUID) -> Actor:
    return Actor("customer", customer_id, customer_id=customer_id)


def _is_about_writing(entry: LedgerEntry) -> bool:
    is_ours = entry.action == "grant" and entry.recipient is None
    return is_ours and any(own.shared_with(entry.scope) for own in OWN_PURPOSES)
