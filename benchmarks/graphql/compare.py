"""Ask this server, its executor without planner, and PostGraphile 5 the same of the same PostgreSQL rows.

    SIZE=100000 ROUNDS=8 SECONDS=5 WARM=10 python benchmarks/graphql/compare.py [q1 q2 q3 q4 q5]

Answers are compared first. Every server is one process; requests per second swing with whatever else the machine does,
so the CPU per request is the figure to quote. Needs Linux and npm; Node 22 comes as a package.
"""

import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import fill
from load import Slice, load
from questions import PEER, QUERIES, neutral, variables

from regulars.migrations import CORE, MigrationOwner
from regulars.plugins.discovery import discover
from regulars.testing.databases import PostgresDatabases, postgres_server

HERE = Path(__file__).parent
SIZE = int(os.environ.get("SIZE", "2000"))
ROUNDS = int(os.environ.get("ROUNDS", "2"))
SECONDS = float(os.environ.get("SECONDS", "2"))
WARM = float(os.environ.get("WARM", "3"))
CONNECTIONS = 8
GOALS = {
    "postgraphile": {"q1": 0.5, "q2": 0.5, "q3": 1.0, "q4": 2.0, "q5": 0.3},
    "executor": {"q1": 0.07, "q2": 0.05, "q3": 0.4, "q4": 1.0, "q5": 1.0},
}
"""At most this share of another server's CPU per request; for q5 per kilobyte."""


@dataclass(frozen=True)
class Running:
    """A server that listens; ``headers`` go with every request."""

    name: str
    process: "subprocess.Popen[bytes]"
    port: int
    headers: str = ""

    @property
    def is_peer(self) -> bool:
        """Tell whether it is the peer, which has words of its own."""
        return self.name == "postgraphile"

    def body(self, query: str, number: int) -> bytes:
        """Return the body of a request."""
        documents = PEER if self.is_peer else QUERIES
        given = variables(query, number, is_peer=self.is_peer)
        return json.dumps({"query": documents[query], "variables": given}).encode()

    def ask(self, body: bytes) -> Any:
        """Return the answer to one request, which must not have errors."""
        lines = [line.split(": ", 1) for line in self.headers.splitlines()]
        headers = {"Content-Type": "application/json", **dict(lines)}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            told = json.load(answer)
        if told.get("errors"):
            raise RuntimeError(f"{self.name}: {told['errors']}")
        return told["data"]


def start(name: str, url: str) -> Running:
    """Return a server once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "DATABASE_URL": url, "GRAPHILE_ENV": "production"}
    environment |= {"NODE_ENV": "production", "REGULARS_DATABASE_URL": url, "REGULARS_PORT": str(port)}
    environment |= {"REGULARS_WORKER": "false", "REGULARS_PLANNER": str(name != "executor").lower()}
    environment |= {"REGULARS_RATE_BURST": "1000000000", "REGULARS_RATE_PER_SECOND": "1000000000"}
    if name == "postgraphile":
        folder = HERE / "postgraphile"
        if not (folder / "node_modules").exists():
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=folder, check=True)
        process = subprocess.Popen(["node", "server.mjs"], cwd=folder, env=environment)
        running = Running(name, process, port)
    else:
        regulars = str(Path(sys.executable).parent / "regulars")
        made = subprocess.run(
            [regulars, "key", "create", name, "--role", "admin"],
            env=environment, capture_output=True, text=True,
        )  # fmt: skip
        key = made.stdout.strip()
        process = subprocess.Popen(
            [regulars, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        running = Running(name, process, port, f"Authorization: Bearer {key}\r\n")
    for _ in range(150):
        try:
            running.ask(b'{"query": "{ __typename }"}')
        except OSError:
            time.sleep(0.2)
        else:
            return running
    raise RuntimeError(f"{name} does not answer.")


def check_equal(running: list[Running]) -> None:
    """Stop unless all servers give the same data."""
    for query in ("q1", "q2", "q3"):
        for number in range(1, 11):
            answers = [neutral(each.ask(each.body(query, number))) for each in running]
            if any(answer != answers[0] for answer in answers):
                raise SystemExit(f"{query} of customer {number} differs: {answers}")


async def measure(running: Running, query: str, seconds: float) -> Slice:
    """Return what a server does under a query."""
    bodies = [running.body(query, 1 + number * 7919 % SIZE) for number in range(400)]
    headers = running.headers
    return await load(
        running.port, "/graphql", headers, bodies,
        seconds=seconds, connections=CONNECTIONS, pid=running.process.pid,
    )  # fmt: skip


def compare(running: list[Running], queries: list[str]) -> None:
    """Print a line for each query and server, with the ratio to the peer and whether the goal is met."""
    for query in queries:
        for each in running:
            asyncio.run(measure(each, query, WARM))
        slices: dict[str, list[Slice]] = {each.name: [] for each in running}
        for number in range(ROUNDS):
            for each in running if number % 2 == 0 else running[::-1]:
                slices[each.name].append(asyncio.run(measure(each, query, SECONDS)))
        for name, mine in slices.items():
            print(_line(query, name, mine, slices[running[0].name], running[0].name))


def _line(query: str, name: str, mine: list[Slice], peers: list[Slice], beside: str) -> str:
    per_kilobyte = query == "q5"

    def cpu(one: Slice) -> float:
        return one.cpu_ms / one.kilobytes if per_kilobyte else one.cpu_ms

    share = statistics.median(cpu(one) / cpu(peer) for one, peer in zip(mine, peers, strict=True))
    speed = statistics.median(one.per_second / peer.per_second for one, peer in zip(mine, peers, strict=True))
    spent = [one.cpu_ms for one in mine]
    goal = GOALS[beside][query]
    verdict = "" if name != "regulars" else f"  goal {goal} {'met' if share <= goal else 'MISSED'}"
    return (
        f"{query} {name:12} {statistics.median(one.per_second for one in mine):8.0f} req/s ({speed:.2f}x)"
        f"  CPU {statistics.median(spent):.3f} ms [{min(spent):.3f}-{max(spent):.3f}] ({share:.2f}x)"
        f"  p50 {statistics.median(one.p50_ms for one in mine):.1f} ms"
        f"  p99 {statistics.median(one.p99_ms for one in mine):.1f} ms  {mine[0].kilobytes:.1f} KB{verdict}"
    )


def main() -> None:
    """Make the rows, start the servers, compare."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {SIZE} customers"
    )
    with postgres_server(f"bench{os.getpid()}") as server_url:
        found = discover()
        owners = [MigrationOwner(each.id, each.load().migrations().location) for each in found if _has_tables(each)]
        with PostgresDatabases(server_url).fresh([CORE, *owners]) as url:
            asyncio.run(fill(url, SIZE))
            running: list[Running] = []
            try:
                subprocess.run(
                    [str(Path(sys.executable).parent / "regulars"), "plugin", "enable", "clv", "--yes"],
                    env={**os.environ, "REGULARS_DATABASE_URL": url}, check=True, stdout=subprocess.DEVNULL,
                )  # fmt: skip
                running += [start(name, url) for name in ("postgraphile", "executor", "regulars")]
                check_equal(able := [each for each in running if _answers(each)])
                compare(able, sys.argv[1:] or list(QUERIES))
            finally:
                for each in running:
                    each.process.terminate()
    print(f"load at the end {os.getloadavg()[0]:.1f}")


def _answers(running: Running) -> bool:
    try:
        running.ask(running.body("q3", 1))
    except RuntimeError as error:
        print(f"{running.name} is left out, since it cannot answer: {error}")
        return False
    return True


def _has_tables(found: Any) -> bool:
    return hasattr(found.load(), "migrations")


if __name__ == "__main__":
    main()
