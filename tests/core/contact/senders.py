"""What a sending program outside does in the tests: reserve, confirm, and read what was answered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from regulars.contact.models import ContactTouch
from regulars.testing.app import App

__all__ = ["NEWSLETTER", "RESERVE", "STEP", "WITHDRAW", "answer", "confirmed", "reserved", "states", "willing"]

STEP = "decision { outcome rule until decisionId } reservation { id state isOverCap } errors { code }"
RESERVE = f"""mutation ($customer: ID!, $request: ContactRequestInput!, $key: String) {{
  contactReserve(input: {{customerId: $customer, request: $request, idempotencyKey: $key}}) {{ {STEP} }}
}}"""
CONFIRM = f"mutation ($id: ID!) {{ contactConfirm(input: {{reservationId: $id}}) {{ {STEP} }} }}"
GRANT = """mutation ($customer: ID!) {
  consentGrant(input: {customerId: $customer, purpose: "marketing.own", channel: "email", reason: "said so",
                       noticeVersion: "n1", language: "en"}) { errors { code } }
}"""
WITHDRAW = """mutation ($customer: ID!) {
  consentWithdraw(input: {customerId: $customer, purpose: "*", channel: "*", reason: "enough"}) { errors { code } }
}"""
NEWSLETTER: Mapping[str, Any] = {"channel": "email", "class": "marketing"}


async def willing(app: App, name: str = "Anna") -> UUID:
    """Return a customer who consents to the newsletter."""
    id = await app.add_customer(name)
    assert (await app.gql(GRANT, {"customer": str(id)}))["consentGrant"]["errors"] == []
    return id


async def reserved(app: App, customer_id: UUID, *, key: str | None = None, **changes: Any) -> dict[str, Any]:
    given = {"customer": str(customer_id), "request": {**NEWSLETTER, **changes}, "key": key}
    payload: dict[str, Any] = (await app.gql(RESERVE, given))["contactReserve"]
    return payload


async def confirmed(app: App, reservation: Mapping[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = (await app.gql(CONFIRM, {"id": reservation["reservation"]["id"]}))["contactConfirm"]
    return payload


def answer(payload: Mapping[str, Any]) -> tuple[str, str]:
    return payload["decision"]["outcome"], payload["decision"]["rule"]


async def states(app: App) -> list[str]:
    async with app.database.reading() as session:
        return sorted(await session.scalars(select(col(ContactTouch.state))))
