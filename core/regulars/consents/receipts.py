"""Write consents as receipts that a customer can keep and another program can read.

Source: ISO/IEC TS 27560:2023, Consent record information structure, with the field names of W3C's guide to it,
https://w3id.org/dpv/guides/consent-27560. ``receipt.schema.json`` beside this page names each field's source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.models import LedgerWords
from regulars.consents.models import ConsentEvent
from regulars.consents.scopes import Scope
from regulars.customers.models import Customer
from regulars.plugins.context import Company

__all__ = ["SCHEMA_VERSION", "ReceivedConsent", "read_receipt", "receipt_for", "receipt_of"]

SCHEMA_VERSION = "regulars-consent-receipt/1"
RIGHTS = "https://eur-lex.europa.eu/eli/reg/2016/679/oj"


@dataclass(frozen=True)
class ReceivedConsent:
    """What a receipt says, as the ledger knows it."""

    event_id: UUID
    profile_id: UUID
    action: str
    scope: Scope
    at: datetime
    recorded_at: datetime
    expires_at: datetime | None
    confirmed_at: datetime | None
    basis: str
    recipient: str | None
    notice_version: str | None
    language: str | None
    text_sha256: str | None


async def receipt_for(
    session: AsyncSession, *, event_id: UUID, only_of: UUID | None, company: Company
) -> dict[str, Any] | None:
    """Return the receipt of an entry; None when there is none, or when it is not of ``only_of`` (None: of anybody)."""
    row = await session.get(ConsentEvent, event_id)
    if row is None or (only_of is not None and not await _is_of(session, row, only_of)):
        return None
    words = await session.get(LedgerWords, row.id)
    return receipt_of(row, reason=None if words is None else words.reason, company=company)


def receipt_of(row: ConsentEvent, *, reason: str | None, company: Company) -> dict[str, Any]:
    """Return the receipt of an entry of the ledger, as JSON; what is not known is left out."""
    third_parties = [] if row.recipient is None else [{"party_id": row.recipient, "party_role": "recipient"}]
    return {
        "receipt_metadata": {
            "schema_version": SCHEMA_VERSION,
            "receipt_id": f"receipt:{row.id}",
            "record_id": f"consent:{row.id}",
            "pii_principal_id": f"customer:{row.profile_id}",
            "issued_at": _text(row.recorded_at),
        },
        "pii_processing": _without_nothing(
            {
                "privacy_notice": row.notice_version,
                "privacy_notice_sha256": row.text_sha256,
                "language": row.language,
                "purposes": [
                    {
                        "purpose": row.purpose,
                        "services": [row.topic],
                        "lawful_basis": "consent",
                        "consent_type": row.basis,
                        "collection_method": row.channel,
                        "pii_controllers": ["controller"],
                        "recipient_third_parties": third_parties,
                    }
                ],
                "withdrawal_method": "The preference page, or any message's unsubscribe link.",
                "privacy_rights": RIGHTS,
            }
        ),
        "party_identification": [
            {"party_id": "controller", "party_name": company.name, "party_role": "pii_controller"}
        ],
        "event": _without_nothing(
            {
                "event_time": _text(row.at),
                "event_type": "explicit" if row.basis.startswith("express") else "implied",
                "event_state": _state(row),
                "valid_until": None if row.expires_at is None else _text(row.expires_at),
                "confirmed_at": None if row.confirmed_at is None else _text(row.confirmed_at),
                "entity_id": row.actor,
                "reason": reason,
            }
        ),
    }


def read_receipt(receipt: Mapping[str, Any]) -> ReceivedConsent:
    """Return what a receipt that fits the schema says."""
    about, processing, event = receipt["receipt_metadata"], receipt["pii_processing"], receipt["event"]
    (purpose,) = processing["purposes"]
    parties = purpose["recipient_third_parties"]
    return ReceivedConsent(
        event_id=UUID(about["record_id"].removeprefix("consent:")),
        profile_id=UUID(about["pii_principal_id"].removeprefix("customer:")),
        action="withdraw" if event["event_state"] == "withdrawn" else "grant",
        scope=Scope(purpose["purpose"], purpose["collection_method"], purpose["services"][0]),
        at=datetime.fromisoformat(event["event_time"]),
        recorded_at=datetime.fromisoformat(about["issued_at"]),
        expires_at=_moment(event.get("valid_until")),
        confirmed_at=_moment(event.get("confirmed_at")),
        basis=purpose["consent_type"],
        recipient=parties[0]["party_id"] if parties else None,
        notice_version=processing.get("privacy_notice"),
        language=processing.get("language"),
        text_sha256=processing.get("privacy_notice_sha256"),
    )


def _state(row: ConsentEvent) -> str:
    if row.action == "withdraw":
        return "withdrawn"
    return "requested" if row.needs_confirmation and row.confirmed_at is None else "given"


async def _is_of(session: AsyncSession, row: ConsentEvent, customer_id: UUID) -> bool:
    today = select(col(Customer.merged_into_id)).where(col(Customer.id) == customer_id)
    return row.customer_id in (customer_id, await session.scalar(today))


def _without_nothing(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
