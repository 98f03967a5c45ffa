"""Send requests over a few connections that stay open, one after another on each, and take times and CPU.

The client shares the cores with what it measures, so it takes as little of them as Python can: the requests are bytes
before it begins, and one loop over the sockets does the rest.
"""

import re
import select
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Slice", "load"]

TICKS_PER_S = 100
LONGEST_WAIT_S = 60
PART = 65_536
OK = b"HTTP/1.1 200 "
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Slice:
    """A stretch of load; CPU is in ms per request, of the server, of PostgreSQL, and of whoever sent the requests."""

    per_second: float
    cpu_ms: float
    postgres_cpu_ms: float
    client_cpu_ms: float
    p50_ms: float
    p99_ms: float
    kilobytes: float


def load(
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
    with ExitStack() as opened:
        clients = [
            _Client(opened.enter_context(socket.create_connection(("127.0.0.1", port))), requests, number, connections)
            for number in range(connections)
        ]
        began, cpu, postgres_cpu = time.perf_counter(), _cpu_s(pid), _children_cpu_s(postgres_pid)
        own_cpu = time.process_time()
        took = sorted(_ask_in_turn(clients, until=began + seconds))
        own_spent_ms = (time.process_time() - own_cpu) * 1000
        elapsed, spent_ms = time.perf_counter() - began, (_cpu_s(pid) - cpu) * 1000
        # The processes of PostgreSQL that ended meanwhile are not counted.
        postgres_spent_ms = sum(
            (used - postgres_cpu.get(process, 0)) * 1000 for process, used in _children_cpu_s(postgres_pid).items()
        )
    return Slice(
        len(took) / elapsed,
        spent_ms / len(took),
        postgres_spent_ms / len(took),
        own_spent_ms / len(took),
        took[len(took) // 2] * 1000,
        took[len(took) * 99 // 100] * 1000,
        sum(client.received for client in clients) / len(took) / 1024,
    )


class _Client:
    """One connection, which sends the next request once the last is answered."""

    __slots__ = ("_come", "_place", "_requests", "_sent_at", "_socket", "_step", "_whole", "received")

    def __init__(self, connected: socket.socket, requests: Sequence[bytes], place: int, step: int) -> None:
        self._socket, self._requests, self._step = connected, requests, step
        self._place = place % len(requests)
        self._come, self._whole, self._sent_at, self.received = b"", 0, 0.0, 0

    def fileno(self) -> int:
        """Return the number of its socket."""
        return self._socket.fileno()

    def send(self, now: float) -> None:
        """Send the next request."""
        self._come, self._whole, self._sent_at = b"", 0, now
        self._socket.send(self._requests[self._place])
        self._place = (self._place + self._step) % len(self._requests)

    def receive(self, now: float) -> float | None:
        """Take what has come, and return how long the answer took, in seconds; None when more of it is to come."""
        part = self._socket.recv(PART)
        self._come = come = self._come + part if self._come else part
        if not self._whole:
            end = come.find(b"\r\n\r\n")
            if part and end < 0:
                return None
            length = LENGTH.search(come, 0, end)
            if not come.startswith(OK) or length is None:
                raise RuntimeError(come.decode() or "The server has closed a connection.")
            body = int(length[1])
            self._whole = end + 4 + body
            self.received += body
        if len(come) >= self._whole:
            return now - self._sent_at
        if not part:
            raise RuntimeError("The server has closed a connection in the middle of an answer.")
        return None


def _ask_in_turn(clients: Sequence[_Client], *, until: float) -> list[float]:
    """Return how long each answer took, in seconds."""
    took: list[float] = []
    waiting = {client.fileno(): client for client in clients}
    with select.epoll() as arrivals:
        for client in clients:
            arrivals.register(client, select.EPOLLIN)
            client.send(time.perf_counter())
        while waiting:
            come = arrivals.poll(LONGEST_WAIT_S)
            if not come:
                raise RuntimeError(f"The server has sent nothing for {LONGEST_WAIT_S} s.")
            for number, _ in come:
                client, now = waiting[number], time.perf_counter()
                seconds = client.receive(now)
                if seconds is None:
                    continue
                took.append(seconds)
                if now < until:
                    client.send(now)
                else:
                    arrivals.unregister(client)
                    del waiting[number]
    return took


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
