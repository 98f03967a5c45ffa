"""The figures of one process for Prometheus, in a registry of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from regulars.watch.request_counts import QUICK, RequestCounts

__all__ = ["MOST_OPERATIONS", "OTHER", "UNNAMED", "Figures", "Reading"]

MOST_OPERATIONS = 200
"""How many names of operations are told apart; names are chosen by clients, and every one costs memory."""

OTHER, UNNAMED, ANONYMOUS = "other", "unnamed", "anonymous"
LONG = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)


@dataclass(frozen=True)
class Reading:
    """A figure that is looked up at the moment when somebody asks, with the values of its labels."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


class Figures:
    """Counts requests, plugin calls, attempts at jobs and attempts at webhooks of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._operations: set[str] = set()
        own = self._registry
        ProcessCollector(registry=own)
        Gauge("regulars_build", "The version that runs.", ["version"], registry=own).labels(version("regulars")).set(1)
        self._requests = RequestCounts()
        own.register(self._requests)
        self._errors = Counter(
            "regulars_request_errors", "Requests by the codes in their answers.", ["code"], registry=own
        )
        self._sockets = Gauge("regulars_websockets", "WebSockets that are open.", registry=own)
        self._plugin_seconds = Histogram(
            "regulars_plugin_call_seconds",
            "How long calls of plugins took.",
            ["plugin", "hook"],
            buckets=QUICK,
            registry=own,
        )
        self._plugin_failures = Counter(
            "regulars_plugin_failures", "Calls of plugins that failed.", ["plugin", "hook"], registry=own
        )
        self._job_seconds = Histogram(
            "regulars_job_seconds", "How long attempts at jobs took.", ["kind"], buckets=LONG, registry=own
        )
        self._attempts = Counter(
            "regulars_job_attempts", "Attempts at jobs by how they ended.", ["kind", "outcome"], registry=own
        )

    def request(self, *, door: str, status: int, notes: Mapping[str, str], seconds: float) -> None:
        """Count a request; ``notes`` are those of its line in the log.

        A name of an operation that is not trusted, or comes after the two hundredth, counts as ``other``. It is trusted
        where somebody known asked for something that ran.
        """
        operation = notes.get("operation", UNNAMED)
        if operation != UNNAMED and operation not in self._operations:
            is_trusted = notes.get("actor", ANONYMOUS) != ANONYMOUS and "code" not in notes
            operation = self._kept(operation) if is_trusted else OTHER
        self._requests.add(door, operation, f"{status // 100}xx", seconds)
        if "code" in notes or "codes" in notes:
            codes = f"{notes.get('code', '')},{notes.get('codes', '')}"
            for code in dict.fromkeys(filter(None, codes.split(","))):
                self._errors.labels(code).inc()

    def socket_opened(self) -> None:
        """Count a WebSocket that stays open."""
        self._sockets.inc()

    def socket_closed(self) -> None:
        """Count a WebSocket that has ended."""
        self._sockets.dec()

    def plugin_called(self, plugin_id: str, hook: str, *, seconds: float) -> None:
        """Count a call of a plugin, however it ended."""
        self._plugin_seconds.labels(plugin_id, hook).observe(seconds)

    def plugin_failed(self, plugin_id: str, hook: str) -> None:
        """Count a failure of a plugin."""
        self._plugin_failures.labels(plugin_id, hook).inc()

    def job_attempted(self, kind: str, outcome: str, *, seconds: float) -> None:
        """Count an attempt at a job."""
        self._job_seconds.labels(kind).observe(seconds)
        self._attempts.labels(kind, outcome).inc()

    def text(self, readings: Iterable[Reading] = ()) -> bytes:
        """Return everything in the format that Prometheus reads, with the ``readings`` of this moment."""
        moment = CollectorRegistry()
        gauges: dict[str, Gauge] = {}
        for reading in readings:
            if reading.name not in gauges:
                labels = [name for name, _ in reading.labels]
                gauges[reading.name] = Gauge(reading.name, reading.help, labels, registry=moment)
            gauge = gauges[reading.name]
            (gauge.labels(*(value for _, value in reading.labels)) if reading.labels else gauge).set(reading.value)
        return generate_latest(self._registry) + generate_latest(moment)

    def _kept(self, operation: str) -> str:
        if len(self._operations) >= MOST_OPERATIONS:
            return OTHER
        self._operations.add(operation)
        return operation
