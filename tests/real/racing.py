"""Requests that reach two processes of a shop at the same moment, and what is found in their database afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlmodel import col
from tests.real.several import Process

from regulars.database import Database
from regulars.events.models import Event
from regulars.messages.models import Message

__all__ = [
    "RESERVED",
    "Client",
    "all_looked_at",
    "clients_of",
    "message_states",
    "reserve",
    "told_in_order",
    "withdraw",
]

RESERVE = """mutation ($customer: ID!) {
  contactReserve(input: {customerId: $customer, request: {channel: "email", class: "marketing"}}) {
    decision { outcome rule } errors { code }
  }
}"""
WITHDRAW = """mutation ($customer: ID!) {
  consentWithdraw(input: {customerId: $customer, purpose: "*", channel: "*", reason: "enough"}) { errors { code } }
}"""
RESERVED = ("ALLOW", "allowed")
PATIENCE_S = 240
AT_ONCE = 3
"""Of how many customers requests are on their way at once; a machine that is busy must still answer each in time."""

Client = httpx.AsyncClient


@asynccontextmanager
async def clients_of(*processes: Process) -> AsyncIterator[list[Client]]:
    """Give a client for each process."""
    opened = [
        httpx.AsyncClient(
            base_url=process.address,
            headers={"authorization": f"Bearer {process.key}"},
            timeout=60,
            limits=httpx.Limits(max_connections=4 * AT_ONCE),
        )
        for process in processes
    ]
    yield opened
    await asyncio.gather(*(client.aclose() for client in opened))


async def asked(client: Client, query: str, **variables: str) -> dict[str, Any]:
    """Return the data of an answer without errors."""
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    told = answer.json()
    assert "errors" not in told, told
    data: dict[str, Any] = told["data"]
    return data


async def reserve(clients: Sequence[Client], customers: Sequence[UUID], *, each: int) -> list[Counter[tuple[str, str]]]:
    """Ask each process ``each`` times at once for a contact with every customer; return the decisions by customer."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask_all(customer: UUID) -> Counter[tuple[str, str]]:
        async with gate:
            answers = await asyncio.gather(
                *(asked(client, RESERVE, customer=str(customer)) for client in clients for _ in range(each))
            )
        decisions = [answer["contactReserve"]["decision"] for answer in answers]
        return Counter((decision["outcome"], decision["rule"]) for decision in decisions)

    return list(await asyncio.gather(*map(ask_all, customers)))


async def withdraw(clients: Sequence[Client], customers: Sequence[UUID], *, distance_s: float) -> None:
    """Withdraw all consent of one customer after another, by turns at each process."""
    for number, customer in enumerate(customers):
        answer = await asked(clients[number % len(clients)], WITHDRAW, customer=str(customer))
        assert answer["consentWithdraw"]["errors"] == []
        await asyncio.sleep(distance_s)


async def message_states(database: Database, messages: Sequence[UUID]) -> Counter[str]:
    """Return how many of these messages stand where."""
    async with database.reading() as session:
        return Counter(await session.scalars(select(col(Message.state)).where(col(Message.id).in_(messages))))


async def all_looked_at(database: Database, messages: Sequence[UUID]) -> Counter[str]:
    """Wait until each of these messages was sent, or was told to wait or not to go; return how many stand where."""
    async with asyncio.timeout(PATIENCE_S):
        while (  # noqa: ASYNC110  other processes write what is awaited
            states := await message_states(database, messages)
        ).keys() & {"pending", "sending"}:
            await asyncio.sleep(0.2)
    return states


async def told_in_order(database: Database, customers: Sequence[UUID]) -> list[list[str]]:
    """Return of each customer, in order, when a contact was confirmed, and when consent was withdrawn."""
    told = col(Event.type).in_(["contact.confirmed", "consent.withdrawn"])
    query = select(col(Event.subject), col(Event.type)).where(told).order_by(col(Event.id))
    async with database.reading() as session:
        rows = (await session.execute(query)).all()
    return [[type for subject, type in rows if subject == f"customer:{customer}"] for customer in customers]
