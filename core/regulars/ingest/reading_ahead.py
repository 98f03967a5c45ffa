"""Read the next chunk of a file in a thread, while the database is busy with the one before."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

__all__ = ["ReadingAhead"]

Batch = TypeVar("Batch")


class ReadingAhead(Generic[Batch]):
    """Gives what ``read`` returns, one call after another; ``begin`` starts the next call early.

    Begin while the database works by itself: a thread that computes holds up every row that Python hands over.
    """

    def __init__(self, read: Callable[[], Batch]) -> None:
        self._read = read
        self._reading: asyncio.Task[Batch] | None = None

    async def __aenter__(self) -> "ReadingAhead[Batch]":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading is not None:  # the file must stay open until the thread is done with it
            await asyncio.wait({self._reading})

    def begin(self) -> None:
        """Start to read the next batch, unless that was done already."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))

    async def next(self) -> Batch:
        """Return the next batch."""
        self.begin()
        assert self._reading is not None
        batch = await self._reading
        self._reading = None
        return batch
