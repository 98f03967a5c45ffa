"""Row 7 of the test plan: processes that do the same, or the opposite, at the same moments."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncSession
from tests.core.forking import Processes, Role, fork_on_demand

from regulars.access.actors import SYSTEM
from regulars.clock import SystemClock
from regulars.customers.merge_pairs import AlreadyMerged
from regulars.customers.merges import merge_customers
from regulars.database import Database
from regulars.settings import Settings
from regulars.web.application import create_app

HEAD_START = timedelta(seconds=3)
STEP = timedelta(milliseconds=15)
CREATE = "mutation ($name: String!) { customerCreate(input: {displayName: $name}) { customer { databaseId } } }"
COME_AGAIN = (409, 429)
"""The same key is being worked on; the allowance of points is spent."""

Turn = Callable[[Any], Awaitable[str]]


async def race(racers: Processes, roles: Sequence[str], url: str, folder: Path, **plan: Any) -> list[list[str]]:
    """Start a process for each role, let them take the turns of ``plan["turns"]`` together, return what each noted."""
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
        await asyncio.sleep(plan["startsAt"] + number * STEP.total_seconds() - time.time())
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
    app = create_app(Settings(database_url=plan["url"], worker=False), found=())
    async with (
        app.state.server.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://race.test") as client,
    ):

        async def create(name: str) -> str:
            headers = {"authorization": f"Bearer {plan['key']}", "idempotency-key": name}
            while True:
                body = {"query": CREATE, "variables": {"name": name}}
                answer = await client.post("/graphql", json=body, headers=headers)
                if answer.status_code not in COME_AGAIN:
                    return str(answer.json()["data"]["customerCreate"]["customer"]["databaseId"])
                await asyncio.sleep(0.01)

        await take_turns(folder, plan, create)


def _plan(folder: Path) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((folder.parent / "race.json").read_text())
    return plan


if __name__ == "__main__":
    fork_on_demand(
        {
            "first merger": merger(is_other_way=False),
            "second merger": merger(is_other_way=True),
            "asker": ask_under_keys,
        }
    )
