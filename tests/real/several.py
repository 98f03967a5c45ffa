"""Several processes of the product on one database, as behind a load balancer."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from tests.real.product import Product, regulars, wait_until_ready
from tests.real.servers import free_port

__all__ = ["Process", "Shop", "eventually", "key_of"]

Found = TypeVar("Found")
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Process(Product):
    """One process of several; it can be killed."""

    running: "subprocess.Popen[bytes]"


def eventually(look: Callable[[], Found], *, until: Callable[[Found], bool]) -> Found:
    """Return what is found once it is as expected; fail with the last thing found after half a minute."""
    deadline = monotonic() + PATIENCE_S
    while not until(found := look()):
        assert monotonic() < deadline, found
        sleep(0.5)
    return found


def key_of(environment: Mapping[str, str], *words: str) -> str:
    """Return the text of a new key."""
    printed = regulars("key", "create", *words, environment=environment)
    return next(word for word in printed.split() if word.startswith("rgl_"))


class Shop:
    """A database with the plugin clv enabled, a key that may do everything, and the processes that serve it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "REGULARS_DATABASE_URL": url,
            "REGULARS_UPLOADS": str(folder / "uploads"),
        }
        regulars("db", "upgrade", environment=self.environment)
        regulars("plugin", "enable", "clv", "--yes", environment=self.environment)
        self.key = key_of(self.environment, "test", "--role", "admin")

    @contextmanager
    def serving(self) -> Iterator[Process]:
        """Serve with one more process; it ends with the block, unless somebody killed it."""
        port = free_port()
        environment = {**self.environment, "REGULARS_PORT": str(port)}
        address = f"http://127.0.0.1:{port}"
        with (self.folder / f"server{port}.log").open("w") as log:
            running = subprocess.Popen(
                [sys.executable, "-m", "regulars.cli.main", "serve"], env=environment, stdout=log, stderr=log
            )
            try:
                wait_until_ready(address, running)
                yield Process(address, self.key, environment, running)
            finally:
                running.terminate()
                running.wait(timeout=20)
