"""Work that goes round by round until it is told to stop, and then ends what it is at."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from typing import Any

__all__ = ["end_soon", "rest"]


async def rest(stopping: asyncio.Event, *, most: timedelta) -> None:
    """Wait for the next round, or until the work is told to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), most.total_seconds())


async def end_soon(tasks: Collection[asyncio.Task[Any]], *, grace: timedelta) -> None:
    """Let tasks end by themselves for a while, then cancel them; return once none runs."""
    _, late = await asyncio.wait(tasks, timeout=grace.total_seconds())
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late)
