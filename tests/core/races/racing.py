"""Row 7 of the test plan: processes that do the same, or the opposite, at the same moments."""

import asyncio
import json
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncSession
from tests.core.forking import Processes, Role, fork_on_demand

from regulars.access.actors import SYSTEM
from regulars.clock import SystemClock
from regulars.consents.registry import core_consent_registry
from regulars.contact.requests import ContactRequest
from regulars.contact.reservations import reserve_contact
from regulars.contact.rule_set import ContactRules
from regulars.contact.rules import ContactRule
from regulars.customers.merge_pairs import AlreadyMerged
from regulars.customers.merges import merge_customers
from regulars.database import Database
from regulars.privacy.erasure import Erased, erase_customer
from regulars.privacy.models import PrivacyRequest
from regulars.settings import Settings
from regulars.web.application import create_app

HEAD_START = timedelta(seconds=3)
STEP_MS = 15
CREATE = "mutation ($name: String!) { customerCreate(input: {displayName: $name}) { customer { databaseId } } }"
STEPPED = "{ decision { outcome rule } reservation { id } }"
RESERVE = f"""mutation ($customer: ID!) {{
  contactReserve(input: {{customerId: $customer, request: {{channel: "email", class: "marketing"}}}}) {STEPPED}
}}"""
CONFIRM = f"mutation ($id: ID!) {{ contactConfirm(input: {{reservationId: $id}}) {STEPPED} }}"
WITHDRAW = """mutation ($customer: ID!) {
  consentWithdraw(input: {customerId: $customer, purpose: "*", channel: "*", reason: "enough"}) { errors { code } }
}"""
TELL_FACT = """mutation ($customer: ID!, $word: String!) {
  traitSet(input: {customerId: $customer, traits: [{key: "motto", provenance: "declared", text: $word}]}) {
    errors { code }
  }
}"""
TELL_VISIT = """mutation ($customer: ID!, $word: String!) {
  touchpointRecord(input: {customerId: $customer, type: "visit", occurredAt: "2026-02-01T10:00:00Z", source: "desk",
                           externalId: $word}) { errors { code } }
}"""
COME_AGAIN = (409, 429)
"""The same key is being worked on; the allowance of points is spent."""

ALLOWED = ["ALLOW", "allowed"]
UNDER_CAPS = ContactRules(
    (
        ContactRule(
            "house_caps",
            lambda _needs, _request, _at: None,
            classes=("marketing",),
            caps=lambda _needs, request: request.policy.caps,
            owner="races",
        ),
    )
)
"""The slot alone keeps to the caps; no rule looks at what was sent."""

Turn = Callable[[Any], Awaitable[Any]]


async def race(racers: Processes, roles: Sequence[str], url: str, folder: Path, **plan: Any) -> list[list[Any]]:
    """Start a process for each role, let them take the turns of ``plan["turns"]`` together, return what each noted.

    A turn begins ``plan["step_ms"]`` after the last one, 15 ms unless said.
    """
    starts_at = time.time() + HEAD_START.total_seconds()
    (folder / "race.json").write_text(json.dumps({"url": url, "startsAt": starts_at, **plan}))
    lanes = [folder / str(number) for number in range(len(roles))]
    for lane in lanes:
        lane.mkdir()
    for role, lane in zip(roles, lanes, strict=True):
        racers.start(role, url, lane)
    notes = [lane / "notes.json" for lane in lanes]
    while not all(note.exists() for note in notes):
        assert all(racers.is_alive(pid) for pid, note in zip(racers.pids, notes, strict=True) if not note.exists())
        await asyncio.sleep(0.05)
    return [json.loads(note.read_text()) for note in notes]


async def take_turns(folder: Path, plan: Mapping[str, Any], turn: Turn) -> None:
    """Take each turn at the moment at which the others take theirs, and note what came of it."""
    notes = []
    for number, asked in enumerate(plan["turns"]):
        await asyncio.sleep(plan["startsAt"] + number * plan.get("step_ms", STEP_MS) / 1000 - time.time())
        notes.append(await turn(asked))
    part = folder / "notes.part"
    part.write_text(json.dumps(notes))
    part.replace(folder / "notes.json")


async def nothing_more(session: AsyncSession, survivor_id: UUID, merged_id: UUID, merge_id: UUID) -> None:
    """Take part in a merge without doing anything."""


def merger(*, is_other_way: bool) -> Role:
    async def merge_all(database: Database, folder: Path) -> None:
        async def merge(pair: Sequence[str]) -> str:
            survivor, merged = reversed(pair) if is_other_way else pair
            try:
                async with database.writing() as session:
                    await merge_customers(
                        session,
                        survivor_id=UUID(survivor),
                        merged_id=UUID(merged),
                        reason="the same person",
                        actor=SYSTEM,
                        on_merged=nothing_more,
                        now=SystemClock().now(),
                    )
            except AlreadyMerged:
                return "refused"
            return "merged"

        await take_turns(folder, _plan(folder), merge)

    return merge_all


async def ask_under_keys(_database: Database, folder: Path) -> None:
    """Create a customer for each turn, under an idempotency key that others use for the same; ask until answered."""
    plan = _plan(folder)
    async with _client(plan) as client:

        async def create(name: str) -> str:
            while True:
                body = {"query": CREATE, "variables": {"name": name}}
                answer = await client.post("/graphql", json=body, headers={"idempotency-key": name})
                if answer.status_code not in COME_AGAIN:
                    return str(answer.json()["data"]["customerCreate"]["customer"]["databaseId"])
                await asyncio.sleep(0.01)

        await take_turns(folder, plan, create)


async def reserve_twice_at_once(database: Database, folder: Path) -> None:
    """Reserve two contacts with the customer of each turn at once, under the house's caps; note both decisions."""

    async def reserve_one(customer: str) -> list[str]:
        now = SystemClock().now()
        async with database.writing() as session:
            stepped = await reserve_contact(
                session,
                customer_id=UUID(customer),
                request=ContactRequest(channel="email", contact_class="marketing"),
                rules=UNDER_CAPS,
                registry=core_consent_registry(),
                actor=SYSTEM,
                now=now,
            )
        return [stepped.decision.outcome, stepped.decision.rule]

    async def reserve(customer: str) -> list[list[str]]:
        return list(await asyncio.gather(reserve_one(customer), reserve_one(customer)))

    await take_turns(folder, _plan(folder), reserve)


async def send_until_refused(_database: Database, folder: Path) -> None:
    """Reserve and confirm contacts with the customer of each turn until one is refused; note the refusal and the sends.

    Of each send the note holds the moment at which it was asked for.
    """
    plan = _plan(folder)
    async with _client(plan) as client:

        async def send(turn: Mapping[str, Any]) -> dict[str, Any]:
            asked: list[float] = []
            while True:
                held = (await _ask(client, RESERVE, customer=turn["customer"]))["contactReserve"]
                if _answer(held) != ALLOWED:
                    return {"sends": asked, "refused": [*_answer(held), "reserve"]}
                asks_at = time.monotonic()
                sent = (await _ask(client, CONFIRM, id=held["reservation"]["id"]))["contactConfirm"]
                if _answer(sent) != ALLOWED:
                    return {"sends": asked, "refused": [*_answer(sent), "confirm"]}
                asked.append(asks_at)

        await take_turns(folder, plan, send)


async def withdraw_meanwhile(_database: Database, folder: Path) -> None:
    """Withdraw all consent of the customer of each turn after its wait, and note when that was answered."""
    plan = _plan(folder)
    async with _client(plan) as client:

        async def withdraw(turn: Mapping[str, Any]) -> float:
            await asyncio.sleep(turn["wait_ms"] / 1000)
            answer = await _ask(client, WITHDRAW, customer=turn["customer"])
            assert answer["consentWithdraw"]["errors"] == []
            return time.monotonic()

        await take_turns(folder, plan, withdraw)


async def erase_each(database: Database, folder: Path) -> None:
    """Erase the customer of each turn, and note how many rows of which tables that took."""

    async def erase(turn: Mapping[str, Any]) -> dict[str, int]:
        now = SystemClock().now()
        async with database.writing() as session:
            request = PrivacyRequest(
                kind="erasure",
                customer_id=UUID(turn["customer"]),
                reason="",
                actor=SYSTEM.label,
                received_at=now,
                due_at=now,
                created_at=now,
            )
            session.add(request)
            await session.flush()
            erased = await erase_customer(
                session,
                customer_id=request.customer_id,
                request_id=request.id,
                erase_plugins=no_plugins,
                actor=SYSTEM,
                now=now,
            )
        return dict(erased.rows)

    await take_turns(folder, _plan(folder), erase)


async def no_plugins(_session: AsyncSession, _customer_id: UUID, _erased: Erased) -> None:
    """Have no plugin whose rows would have to go."""


async def enrich_meanwhile(_database: Database, folder: Path) -> None:
    """Tell of the customer of each turn by three ways at once, and note what each was answered.

    A fact and a touchpoint come by the API, what a site saw at ``/v1``.
    """
    plan = _plan(folder)
    basic = b64encode(f"{plan['write_key']}:".encode()).decode()
    at_door = {"authorization": f"Basic {basic}", "x-strict-mode": "1"}
    async with _client(plan) as client:

        async def enrich(turn: Mapping[str, Any]) -> list[str]:
            about = {"customer": turn["customer"], "word": turn["word"]}
            seen = {"userId": turn["word"], "event": "Seen", "properties": {"word": turn["word"]}}
            named = {"userId": turn["word"], "traits": {"motto": turn["word"], "email": f"{turn['word']}@example.org"}}
            batch = {"batch": [{"type": "track", **seen}, {"type": "identify", **named}]}
            answers = await asyncio.gather(
                client.post("/graphql", json={"query": TELL_FACT, "variables": about}),
                client.post("/graphql", json={"query": TELL_VISIT, "variables": about}),
                client.post("/v1/batch", json=batch, headers=at_door),
            )
            return [codes_in(answer.text) for answer in answers]

        await take_turns(folder, plan, enrich)


def codes_in(answer: str) -> str:
    """Return the codes that an answer names, each once."""
    return " ".join(sorted(set(re.findall(r'"code":"(\w+)"', answer))))


@asynccontextmanager
async def _client(plan: Mapping[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(database_url=plan["url"], worker=False, rate_per_second=0), found=())
    headers = {"authorization": f"Bearer {plan['key']}"}
    transport = httpx.ASGITransport(app)
    async with (
        app.state.server.running(),
        httpx.AsyncClient(transport=transport, base_url="http://race.test", headers=headers) as client,
    ):
        yield client


async def _ask(client: httpx.AsyncClient, query: str, **variables: str) -> dict[str, Any]:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    told = answer.json()
    assert "errors" not in told, told
    data: dict[str, Any] = told["data"]
    return data


def _answer(payload: Mapping[str, Any]) -> list[str]:
    return [payload["decision"]["outcome"], payload["decision"]["rule"]]


def _plan(folder: Path) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((folder.parent / "race.json").read_text())
    return plan


if __name__ == "__main__":
    fork_on_demand(
        {
            "first merger": merger(is_other_way=False),
            "second merger": merger(is_other_way=True),
            "asker": ask_under_keys,
            "reserver": reserve_twice_at_once,
            "sender": send_until_refused,
            "withdrawer": withdraw_meanwhile,
            "eraser": erase_each,
            "enricher": enrich_meanwhile,
        }
    )
