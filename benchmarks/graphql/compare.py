"""Ask this server, its executor, a plain strawberry server and PostGraphile 5 the same of the same PostgreSQL rows.

    SIZE=100000 ROUNDS=8 SECONDS=5 WARM=10 python benchmarks/graphql/compare.py [q1 q2 q3 q5 q1+ q2+ q4]

Answers are compared first. ``q1+`` and ``q2+`` are q1 and q2 with a field of a plugin. Needs Linux and npm.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from cluster import Cluster, cluster
from data import database_of, forget_changes
from goals import told_goals, told_plugin_costs
from load import Slice
from measuring import Contender, conditions, measure, median, ratio, spread
from plugin import use_plugin
from questions import neutral
from servers import NODE, PEER_FOLDER, Running, Unable, started

SIZE = int(os.environ.get("SIZE", "10000"))
SERVERS = os.environ.get("SERVERS", "postgraphile,plain,executor,regulars").split(",")
QUERIES = ("q1", "q2", "q3", "q5", "q1+", "q2+", "q4")
CHECKED, TRIES = 10, 5


def main() -> None:
    """Make the rows, start the servers, check them, compare them."""
    print(f"{conditions()}; {SIZE} customers, {SIZE * 20} touchpoints, {SIZE * 4} consents")
    use_plugin()
    with cluster() as postgres:
        database = database_of(postgres, SIZE)
        forget_changes(postgres, database)
        postgres.set_durable(True)
        try:
            with started([(name, postgres.url(database), SIZE) for name in SERVERS]) as running:
                print(_versions(postgres))
                _check_equal(running)
                for query in sys.argv[1:] or QUERIES:
                    _compare(query, running, postgres.pid)
        finally:
            forget_changes(postgres, database)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


def _versions(postgres: Cluster) -> str:
    version = postgres.execute("SHOW server_version")[0][0]
    if "postgraphile" not in SERVERS:
        return f"PostgreSQL {version}"
    node = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    listed = ["npm", "ls", "postgraphile", "--depth=0"]
    peer = subprocess.run(listed, cwd=PEER_FOLDER, capture_output=True, text=True, check=False).stdout.split()[-1]
    return f"PostgreSQL {version}, node {node}, {peer}"


def _check_equal(running: Sequence[Running]) -> None:
    """Stop unless all servers give the same data, before and after each has written a touchpoint."""
    compared = 0
    for query in ("q1", "q3", "q2"):
        for number in range(CHECKED):
            compared += _check_one(running, query, number)
    for each in running:
        each.ask(each.bodies("q4")[0])
    compared += _check_one(running, "q1", 0)
    print(f"{compared} answers of {len(running)} servers compared, all equal")


def _check_one(running: Sequence[Running], query: str, number: int) -> int:
    answers = [neutral(_answer(each, query, number)) for each in running]
    for each, answer in zip(running, answers, strict=True):
        if answer != answers[0]:
            raise SystemExit(f"{query} {number}: {each.name} differs\n{answers[0]}\n{answer}")
    return len(answers)


def _answer(running: Running, query: str, number: int) -> Any:
    # A server that has just started on a busy machine may run out of a time limit.
    for _ in range(TRIES):
        with suppress(Unable):
            return running.ask(running.bodies(query)[number])
    return running.ask(running.bodies(query)[number])


def _compare(query: str, running: Sequence[Running], postgres_pid: int) -> None:
    """Print a line for each server, or for each form of the query, and what became of the goals."""
    if query.endswith("+"):
        ours = next(each for each in running if each.name == "regulars")
        kinds = [query[:-1], f"{query[:-1]}s", f"{query[:-1]}p"]
        found = measure([Contender(ours, kind) for kind in kinds], postgres_pid=postgres_pid)
        without, sql, python = found.values()
        for contender, slices in found.items():
            print(_line(contender.name, slices, without))
        print(*told_plugin_costs(query, without, sql, python), sep="\n", flush=True)
        return
    found = measure([Contender(each, query) for each in running], postgres_pid=postgres_pid)
    first = next(iter(found.values()))
    for contender, slices in found.items():
        print(_line(contender.name, slices, first))
    named = {contender.running.name: slices for contender, slices in found.items()}
    print(*told_goals(query, named), sep="\n", flush=True)


def _line(name: str, mine: Sequence[Slice], others: Sequence[Slice]) -> str:
    return (
        f"{name:17} {median(mine, lambda one: one.per_second):7.0f} req/s"
        f" ({ratio(mine, others, lambda one: one.per_second):5.2f}x)"
        f"  CPU ms: server {median(mine, lambda one: one.cpu_ms):7.3f} {spread(mine, lambda one: one.cpu_ms):17}"
        f" ({ratio(mine, others, lambda one: one.cpu_ms):5.2f}x)"
        f" PostgreSQL {median(mine, lambda one: one.postgres_cpu_ms):6.3f}"
        f" client {median(mine, lambda one: one.client_cpu_ms):6.3f}"
        f"  p50 {median(mine, lambda one: one.p50_ms):6.1f} p99 {median(mine, lambda one: one.p99_ms):6.1f} ms"
        f"  {mine[0].kilobytes:6.1f} KB"
    )


if __name__ == "__main__":
    main()
