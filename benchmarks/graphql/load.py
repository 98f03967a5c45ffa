"""Send requests over a few connections that stay open, one after another on each, and take the time."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Slice", "load"]


@dataclass(frozen=True)
class Slice:
    """A stretch of load: requests per second, the CPU of the server in ms per request, and milliseconds by share."""

    per_second: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    kilobytes: float


async def load(
    port: int, path: str, headers: str, bodies: Sequence[bytes], *, seconds: float, connections: int, pid: int
) -> Slice:
    """Return what a server did in a stretch of load; answers other than 200 raise ``RuntimeError``."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}"
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    took: list[float] = []
    sent = [0]
    began, cpu = time.perf_counter(), _cpu_seconds(pid)
    until = began + seconds

    async def ask(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = first
        while time.perf_counter() < until:
            at = time.perf_counter()
            writer.write(requests[number % len(requests)])
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answer[:20]:
                raise RuntimeError(answer.decode())
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(int(length.split(b":")[1]))
            sent[0] += len(body)
            took.append((time.perf_counter() - at) * 1000)
            number += connections
        writer.close()

    await asyncio.gather(*(ask(number) for number in range(connections)))
    took.sort()
    elapsed = time.perf_counter() - began
    return Slice(
        len(took) / elapsed,
        (_cpu_seconds(pid) - cpu) * 1000 / len(took),
        took[len(took) // 2],
        took[len(took) * 99 // 100],
        sent[0] / len(took) / 1024,
    )


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
