"""Start the servers that are compared, each as one process, and ask them."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import WORK
from data import REGULARS
from questions import PAGES, PEER, PLUGIN, QUERIES, cursor_in, numbers, variables

__all__ = ["NODE", "PEER_FOLDER", "Running", "Unable", "started"]

HERE = Path(__file__).parent
PEER_FOLDER = HERE / "postgraphile"
NODE = PEER_FOLDER / "node_modules" / "node" / "bin" / "node"
PLAIN_OPTIONS = ("--host", "127.0.0.1", "--no-access-log", "--log-level", "warning", "--loop", "uvloop")
PATIENCE_S = 60
LAST_PAGE = "{ customers(last: 50) { pageInfo { startCursor } } }"


class Unable(RuntimeError):
    """A server has answered with errors."""


@dataclass(eq=False)
class Running:
    """A server that listens; ``headers`` go with every request, ``customers`` is how many it knows."""

    name: str
    process: "subprocess.Popen[bytes]"
    port: int
    customers: int
    headers: str = ""
    bodies_of: dict[str, Sequence[bytes]] = field(default_factory=dict)

    def ask(self, body: bytes) -> Any:
        """Return the data of the answer to one request; raise ``Unable`` where it has errors."""
        lines = [line.split(": ", 1) for line in self.headers.splitlines()]
        headers = {"Content-Type": "application/json", **dict(lines)}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            raise Unable(f"{self.name}: {error.read()!r}") from error
        if told.get("errors"):
            raise Unable(f"{self.name}: {str(told['errors'])[:500]}")
        return told["data"]

    def body(self, query: str, number: int = 1, after: str | None = None) -> bytes:
        """Return the body of a request."""
        is_peer = self.name == "postgraphile"
        name = query.partition(" ")[0]
        document = PEER[name] if is_peer else {**QUERIES, **PLUGIN}[name]
        return json.dumps({"query": document, "variables": variables(query, number, after, is_peer=is_peer)}).encode()

    def bodies(self, query: str) -> Sequence[bytes]:
        """Return the bodies of the requests that are sent in turn: other customers, other pages.

        ``q1 busiest`` is about the busiest customer alone, ``q2 last`` about the last page.
        """
        if query not in self.bodies_of:
            self.bodies_of[query] = list(self._pages(query) if query.startswith("q2") else self._about(query))
        return self.bodies_of[query]

    def _about(self, query: str) -> Iterator[bytes]:
        if query in ("q5", "q1 busiest"):
            yield self.body(query)
            return
        for number in numbers(self.customers):
            yield self.body(query, number)

    def _pages(self, query: str) -> Iterator[bytes]:
        if query == "q2 last":
            start = self.ask(json.dumps({"query": LAST_PAGE}).encode())
            yield self.body(query, after=start["customers"]["pageInfo"]["startCursor"])
            return
        after = None
        for _ in range(PAGES):
            body = self.body(query, after=after)
            yield body
            after = cursor_in(self.ask(body))
            if after is None:
                return


@contextmanager
def started(names: Sequence[tuple[str, str, int]]) -> Iterator[list[Running]]:
    """Start servers, each of a name on the database at an address with so many customers, and stop them in the end."""
    running: list[Running] = []
    try:
        for name, url, customers in names:
            running.append(_start(name, url, customers))
        yield running
    finally:
        for each in running:
            each.process.terminate()
        for each in running:
            try:
                each.process.wait(10)
            except subprocess.TimeoutExpired:
                each.process.kill()


def _start(name: str, url: str, customers: int) -> Running:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "DATABASE_URL": url, "GRAPHILE_ENV": "production"}
    environment |= {"NODE_ENV": "production", "REGULARS_DATABASE_URL": url, "REGULARS_PORT": str(port)}
    environment |= {"REGULARS_WORKER": "false", "REGULARS_PLANNER": str(name != "executor").lower()}
    environment |= {"REGULARS_RATE_BURST": "1000000000", "REGULARS_RATE_PER_SECOND": "1000000000"}
    environment |= {"REGULARS_AUDIT_HEADS": str(WORK / "audit-heads")}
    headers, folder = "", HERE
    if name == "postgraphile":
        if not NODE.exists():
            subprocess.run(["npm", "install", "--loglevel=error"], cwd=PEER_FOLDER, check=True)
        command, folder = [str(NODE), "server.mjs"], PEER_FOLDER
    elif name == "plain":
        command = [sys.executable, "-m", "uvicorn", "plain.app:app", "--port", str(port), *PLAIN_OPTIONS]
    else:
        key = [REGULARS, "key", "create", name, "--role", "admin"]
        made = subprocess.run(key, env=environment, capture_output=True, text=True, check=True)
        headers = f"Authorization: Bearer {made.stdout.strip()}\r\n"
        command = [REGULARS, "serve"]
    with (WORK / f"{name}-{customers}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    running = Running(name, process, port, customers, headers)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            running.ask(b'{"query": "{ __typename }"}')
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
        else:
            return running
    process.kill()
    raise SystemExit(f"{name} does not answer; its log is {log.name}.")
