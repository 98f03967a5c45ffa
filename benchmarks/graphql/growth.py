"""Ask this server the same with few customers and with many, in turn: what a request costs must not grow.

    SIZES=10000,100000,1000000 python benchmarks/graphql/growth.py [q1 "q1 busiest" q2 "q2 last" q3 q4]

A million customers with their twenty million touchpoints take 15 GB, and a quarter of an hour to make.
"""

import os
import sys
from collections.abc import Sequence

from cluster import cluster
from data import database_of, forget_changes
from load import Slice
from measuring import Contender, conditions, measure, median, ratio, spread
from plugin import use_plugin
from servers import started

SIZES = [int(size) for size in os.environ.get("SIZES", "2000,10000").split(",")]
QUERIES = ("q1", "q1 busiest", "q2", "q2 last", "q3", "q4")
MOST = 1.5


def _cpu_ms(one: Slice) -> float:
    return one.cpu_ms + one.postgres_cpu_ms


def _line(customers: int, mine: Sequence[Slice], fewest: Sequence[Slice]) -> str:
    share = ratio(mine, fewest, _cpu_ms)
    return (
        f"   {customers:8} customers  CPU ms: server {median(mine, lambda one: one.cpu_ms):6.3f}"
        f"  PostgreSQL {median(mine, lambda one: one.postgres_cpu_ms):6.3f}"
        f"  both {median(mine, _cpu_ms):6.3f} {spread(mine, _cpu_ms)} ({share:.2f}x,"
        f" goal at most {MOST}: {'met' if share <= MOST else 'MISSED'})"
        f"  p50 {median(mine, lambda one: one.p50_ms):.1f} ms"
    )


def main() -> None:
    """Start one server for each size, and compare them query by query."""
    print(conditions())
    use_plugin()
    with cluster() as postgres:
        databases = {size: database_of(postgres, size) for size in SIZES}
        for database in databases.values():
            forget_changes(postgres, database)
        postgres.set_durable(True)
        try:
            with started([("regulars", postgres.url(name), size) for size, name in databases.items()]) as running:
                for query in sys.argv[1:] or QUERIES:
                    found = measure([Contender(each, query) for each in running], postgres_pid=postgres.pid)
                    print(query)
                    fewest = next(iter(found.values()))
                    for contender, slices in found.items():
                        print(_line(contender.running.customers, slices, fewest), flush=True)
        finally:
            for database in databases.values():
                forget_changes(postgres, database)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
