"""Start the product itself for a test, as an operator would: migrate, make a key, serve."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.real.servers import free_port

__all__ = ["Product", "serving_product"]

SECONDS_TO_START = 60


@dataclass(frozen=True)
class Product:
    """A server that runs, and a key that may do everything."""

    address: str
    key: str
    environment: Mapping[str, str]

    @property
    def graphql(self) -> str:
        """Return the address of the API."""
        return f"{self.address}/graphql"

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to an operation, sent by POST."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.key}"}
        with urllib.request.urlopen(urllib.request.Request(self.graphql, body, headers), timeout=30) as answer:
            told: dict[str, Any] = json.load(answer)
            return told


def regulars(*words: str, environment: Mapping[str, str]) -> str:
    """Run a command and return what it printed; a failure fails the test."""
    done = subprocess.run(
        [sys.executable, "-m", "regulars.cli.main", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serving_product(folder: Path, **settings: str) -> Iterator[Product]:
    """Serve a fresh database in ``folder``; ``settings`` are environment variables without their prefix, lower case."""
    port = free_port()
    environment = {
        **os.environ,
        "REGULARS_DATABASE_URL": f"sqlite:///{folder / 'regulars.db'}",
        "REGULARS_PORT": str(port),
        **{f"REGULARS_{name.upper()}": value for name, value in settings.items()},
    }
    regulars("db", "upgrade", environment=environment)
    key = next(
        word
        for word in regulars("key", "create", "test", "--role", "admin", environment=environment).split()
        if word.startswith("rgl_")
    )
    address = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "regulars.cli.main", "serve"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_ready(address, server)
            yield Product(address, key, environment)
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_until_ready(address: str, server: subprocess.Popen[bytes]) -> None:
    """Return once `/ready` answers 200; raise when the server ends or takes too long."""
    deadline = monotonic() + SECONDS_TO_START
    while monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"The server ended with {server.returncode} before it was ready.")
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            sleep(0.1)
    raise RuntimeError("The server was not ready in time.")
