"""Send requests over a few connections that stay open, one after another on each, and take times and CPU."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Slice", "load"]

TICKS_PER_S = 100
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Slice:
    """A stretch of load; CPU is in ms per request, of the server and of PostgreSQL."""

    per_second: float
    cpu_ms: float
    postgres_cpu_ms: float
    p50_ms: float
    p99_ms: float
    kilobytes: float


async def load(
    port: int,
    headers: str,
    bodies: Sequence[bytes],
    *,
    seconds: float,
    connections: int,
    pid: int,
    postgres_pid: int | None,
) -> Slice:
    """Return what a server did in a stretch of load; answers other than 200 raise ``RuntimeError``."""
    head = f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}"
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    loop = asyncio.get_running_loop()
    began, cpu, postgres_cpu = time.perf_counter(), _cpu_s(pid), _children_cpu_s(postgres_pid)
    clients = [_Client(requests, number, connections, began + seconds, loop) for number in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))
    elapsed = time.perf_counter() - began
    spent_ms = (_cpu_s(pid) - cpu) * 1000
    # The processes of PostgreSQL that ended meanwhile are not counted.
    postgres_spent_ms = sum(
        (used - postgres_cpu.get(process, 0)) * 1000 for process, used in _children_cpu_s(postgres_pid).items()
    )
    took = sorted(each for client in clients for each in client.took)
    return Slice(
        len(took) / elapsed,
        spent_ms / len(took),
        postgres_spent_ms / len(took),
        took[len(took) // 2] * 1000,
        took[len(took) * 99 // 100] * 1000,
        sum(client.received for client in clients) / len(took) / 1024,
    )


class _Client(asyncio.Protocol):
    """One connection that sends the next request once the last is answered."""

    def __init__(
        self, requests: Sequence[bytes], number: int, step: int, until: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._requests, self._number, self._step, self._until = requests, number, step, until
        self.done: asyncio.Future[None] = loop.create_future()
        self.took: list[float] = []
        self.received = 0
        self._come = bytearray()
        self._whole = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._come += data
        if not self._whole:
            end = self._come.find(b"\r\n\r\n")
            if end < 0:
                return
            length = LENGTH.search(self._come, 0, end)
            if b" 200 " not in self._come[:20] or length is None:
                self._fail(bytes(self._come).decode())
                return
            self._length = int(length[1])
            self._whole = end + 4 + self._length
        if len(self._come) < self._whole:
            return
        now = time.perf_counter()
        self.took.append(now - self._sent_at)
        self.received += self._length
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"The server has closed a connection: {error}")

    def _send(self) -> None:
        self._come.clear()
        self._whole = 0
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[self._number % len(self._requests)])
        self._number += self._step

    def _fail(self, problem: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(problem))
        self._transport.abort()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _children_cpu_s(pid: int | None) -> dict[int, float]:
    if pid is None:
        return {}
    used: dict[int, float] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
        try:
            used[int(child)] = _cpu_s(int(child))
        except OSError:
            continue  # it has ended
    return used
