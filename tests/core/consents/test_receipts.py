import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from regulars.consents.models import ConsentEvent
from regulars.consents.receipts import read_receipt, receipt_of
from regulars.consents.service import ledger_entry
from regulars.plugins.context import Company
from regulars.testing.app import App

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SCHEMA: Mapping[str, Any] = json.loads((files("regulars.consents") / "receipt.schema.json").read_text())
SHOP = Company("Corner Shop", "UTC", "EUR")
RECEIPT = "query ($id: ID!) { consentReceipt(id: $id) { receiptId mediaType content } }"
GRANT = """mutation ($id: ID!) { consentGrant(input: {
  customerId: $id, purpose: "research", channel: "email", reason: "Wants to help", noticeVersion: "n1", language: "en"
}) { consent { id } } }"""


def check(receipt: Mapping[str, Any]) -> None:
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(receipt)


def entry(**given: Any) -> ConsentEvent:
    usual: dict[str, Any] = {
        "customer_id": UUID(int=1),
        "profile_id": UUID(int=2),
        "action": "grant",
        "purpose": "marketing.own",
        "channel": "email",
        "topic": "books",
        "at": NOW - timedelta(hours=1),
        "recorded_at": NOW,
        "actor": "system",
    }
    return ConsentEvent(**(usual | given))


ENTRIES = [
    entry(),
    entry(action="withdraw", purpose="*", channel="*", topic="*"),
    entry(purpose="sharing.partner", recipient="partner:acme", notice_version="n1", language="en"),
    entry(needs_confirmation=True, text_sha256="0" * 64),
    entry(needs_confirmation=True, confirmed_at=NOW, expires_at=NOW + timedelta(days=1), basis="express_written"),
    entry(basis="soft_opt_in"),
]


@pytest.mark.parametrize("row", ENTRIES)
def test_a_receipt_fits_the_schema_and_says_what_the_ledger_says(row: ConsentEvent) -> None:
    receipt = json.loads(json.dumps(receipt_of(row, reason="Asked for it", company=SHOP)))

    check(receipt)
    read = read_receipt(receipt)
    known = ledger_entry(row)
    assert (read.event_id, read.profile_id, read.action, read.scope) == (
        known.id,
        known.profile_id,
        known.action,
        known.scope,
    )
    assert (read.at, read.recorded_at, read.expires_at, read.confirmed_at) == (
        known.at,
        known.recorded_at,
        known.expires_at,
        known.confirmed_at,
    )
    assert (read.basis, read.recipient, read.notice_version) == (known.basis, known.recipient, known.notice_version)
    assert (read.language, read.text_sha256) == (row.language, row.text_sha256)


def test_a_receipt_whose_words_were_erased_still_fits() -> None:
    check(receipt_of(entry(), reason=None, company=SHOP))


@pytest.mark.parametrize("part", ["receipt_metadata", "pii_processing", "party_identification", "event"])
def test_a_receipt_without_one_of_its_parts_does_not_fit(part: str) -> None:
    receipt = receipt_of(entry(), reason=None, company=SHOP)
    del receipt[part]

    with pytest.raises(ValidationError):
        check(receipt)


def test_every_field_of_the_schema_names_its_source() -> None:
    assert [name for name, rules in fields_of(SCHEMA) if not rules.get("$comment")] == []


def fields_of(rules: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    own = list(rules.get("properties", {}).items())
    return own + [field for _, inner in own for field in fields_of(inner) + fields_of(inner.get("items", {}))]


async def test_a_receipt_is_had_for_an_entry_by_its_own_customer_and_by_no_other(app: App) -> None:
    anna, berta = await app.add_customer("Anna"), await app.add_customer("Berta")
    granted = (await app.gql(GRANT, {"id": str(anna)}))["consentGrant"]["consent"]["id"]

    hers = (await app.gql(RECEIPT, {"id": granted}, as_=f"customer:{anna}"))["consentReceipt"]
    others = (await app.gql(RECEIPT, {"id": granted}, as_=f"customer:{berta}"))["consentReceipt"]

    check(hers["content"])
    assert hers["content"]["pii_processing"]["purposes"][0]["purpose"] == "research"
    assert hers["content"]["event"]["reason"] == "Wants to help"
    assert others is None
