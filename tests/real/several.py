"""Several processes of the product on one database, as behind a load balancer."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from types import MappingProxyType
from typing import TypeVar

from tests.real.product import Product, regulars, wait_until_ready
from tests.real.servers import free_port

__all__ = ["Process", "Shop", "eventually", "key_of"]

Found = TypeVar("Found")
PATIENCE_S = 30.0
ROOT = Path(__file__).parents[2]
PLACES = (ROOT, *filter(None, [os.environ.get("PYTHONPATH")]))
"""Where processes find what only tests install."""


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


def install(folder: Path, manifests: Mapping[str, str]) -> Path:
    """Write down which plugins there are, as an installed package does, and return the folder to look in."""
    facts = folder / "given-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: given\nVersion: 1.0\n")
    lines = [f"{id} = {place}" for id, place in manifests.items()]
    (facts / "entry_points.txt").write_text("\n".join(["[regulars]", *lines]))
    return folder


class Shop:
    """A database with plugins enabled, a key that may do everything, and the processes that serve it.

    ``settings`` are environment variables without their prefix, in lower case. Plugins in ``given`` come from no
    package: each is the place of its manifest, as an entry point names it.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        plugins: Sequence[str] = ("clv",),
        given: Mapping[str, str] = MappingProxyType({}),
        **settings: str,
    ) -> None:
        self.folder, self.url = folder, url
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (install(folder / "installed", given), *PLACES))),
            "REGULARS_DATABASE_URL": url,
            "REGULARS_UPLOADS": str(folder / "uploads"),
            "REGULARS_AUDIT_HEADS": str(folder / "heads"),
            "REGULARS_ERASURES": str(folder / "erasures.jsonl"),
            **{f"REGULARS_{name.upper()}": value for name, value in settings.items()},
        }
        regulars("db", "upgrade", environment=self.environment)
        for plugin in (*plugins, *given):
            regulars("plugin", "enable", plugin, "--yes", environment=self.environment)
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
