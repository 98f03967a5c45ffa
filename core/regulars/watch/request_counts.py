"""Count requests in plain numbers, which become Prometheus' own only when somebody looks."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["QUICK", "RequestCounts"]

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""The bounds, in seconds, between which durations are counted."""

Times = list[int]
"""How many requests took up to each bound and longer than the one before; the last took longer than all."""


class RequestCounts(Collector):
    """How many requests there were, and how long they took, by door and operation."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._times: defaultdict[tuple[str, str], Times] = defaultdict(lambda: [0] * (len(QUICK) + 1))
        self._seconds: defaultdict[tuple[str, str], float] = defaultdict(float)

    def add(self, door: str, operation: str, status_class: str, seconds: float) -> None:
        """Count one request; ``status_class`` is such as ``2xx``."""
        self._counts[door, operation, status_class] += 1
        self._times[door, operation][bisect_left(QUICK, seconds)] += 1
        self._seconds[door, operation] += seconds

    def collect(self) -> Iterator[Metric]:
        """Yield the counts as Prometheus takes them."""
        took = HistogramMetricFamily(
            "regulars_request_seconds", "How long requests took.", labels=["door", "operation"]
        )
        for key, times in self._times.items():
            bounds = [*(str(float(bound)) for bound in QUICK), "+Inf"]
            took.add_metric(key, list(zip(bounds, accumulate(times), strict=True)), self._seconds[key])
        yield took
        labels = ["door", "operation", "status"]
        counted = CounterMetricFamily("regulars_requests", "Requests by the class of their status.", labels=labels)
        for kind, number in self._counts.items():
            counted.add_metric(kind, number)
        yield counted
