"""Real processes that send to webhooks, to be killed."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from tests.core.forking import fork_on_demand

from regulars.clock import SystemClock
from regulars.database import Database
from regulars.outgoing.client import Outgoing
from regulars.outgoing.targets import private_targets
from regulars.webhooks.sender import SenderPace, running_webhooks

SECRET = "the server's own secret, long enough to be one"
PACE = SenderPace(poll=timedelta(milliseconds=20), lease=timedelta(milliseconds=300))


async def be_sender(database: Database, folder: Path) -> None:
    opened = private_targets(json.loads((folder / "opened.json").read_text()))
    outgoing = Outgoing(opened=opened)
    async with running_webhooks(database, outgoing, server_secret=SECRET, clock=SystemClock(), pace=PACE):
        await asyncio.Event().wait()


if __name__ == "__main__":
    fork_on_demand({"sender": be_sender})
