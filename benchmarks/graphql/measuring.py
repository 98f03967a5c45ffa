"""Send load to several servers in turn, and put the figures of each beside those of another."""

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from load import Slice, load
from servers import Running

__all__ = [
    "CONNECTIONS",
    "ROUNDS",
    "SECONDS",
    "WARM",
    "Contender",
    "conditions",
    "measure",
    "median",
    "ratio",
    "spread",
]

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = float(os.environ.get("SECONDS", "2"))
WARM = float(os.environ.get("WARM", "4"))
CONNECTIONS = 8
PACKAGES = ("strawberry-graphql", "graphql-core", "sqlalchemy", "asyncpg", "aiosqlite", "uvicorn", "uvloop", "orjson")


@dataclass(frozen=True)
class Contender:
    """A server under one query."""

    running: Running
    query: str

    @property
    def name(self) -> str:
        """Return the name under which its figures are found."""
        return f"{self.running.name} {self.query}"


def conditions() -> str:
    """Return what ran where, and how much else there was to do."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"Python {platform.python_version()}, {versions}\n{platform.machine()}, {os.cpu_count()} cores,"
        f" load {os.getloadavg()[0]:.1f}; {CONNECTIONS} connections, {WARM:g} s warm-up,"
        f" {ROUNDS} rounds of {SECONDS:g} s, one process for each server"
    )


def measure(contenders: Sequence[Contender], *, postgres_pid: int | None) -> Mapping[Contender, list[Slice]]:
    """Return the slices of each, taken in turn, in an order that turns round every round."""

    def under_load(contender: Contender, seconds: float) -> Slice:
        running = contender.running
        return load(
            running.port,
            running.headers,
            running.bodies(contender.query),
            seconds=seconds,
            connections=CONNECTIONS,
            pid=running.process.pid,
            postgres_pid=postgres_pid,
        )

    for contender in contenders:
        under_load(contender, WARM)
    slices: dict[Contender, list[Slice]] = {contender: [] for contender in contenders}
    for number in range(ROUNDS):
        for contender in contenders if number % 2 == 0 else contenders[::-1]:
            slices[contender].append(under_load(contender, SECONDS))
    return slices


def median(slices: Sequence[Slice], figure: Callable[[Slice], float]) -> float:
    """Return the median of a figure."""
    return statistics.median(map(figure, slices))


def ratio(mine: Sequence[Slice], others: Sequence[Slice], figure: Callable[[Slice], float]) -> float:
    """Return the median of how a figure stands to another server's in the same round."""
    return statistics.median(figure(one) / max(figure(other), 1e-9) for one, other in zip(mine, others, strict=True))


def spread(slices: Sequence[Slice], figure: Callable[[Slice], float]) -> str:
    """Return the least and the greatest value of a figure."""
    values = [figure(one) for one in slices]
    return f"[{min(values):.3f}-{max(values):.3f}]"
