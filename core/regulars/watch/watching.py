"""Watch one process at work: time and count what it does, and keep spans of it where traces are configured."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from regulars.watch.figures import Figures
from regulars.watch.spans import NoSpans, NotedSpan, Spans
from regulars.watch.statements import counting_statements

__all__ = ["Watch", "WatchedJob"]


@dataclass
class WatchedJob:
    """An attempt at a job while it lasts; one that does not say how it ended was cut off."""

    outcome: str = "CUT_OFF"


class Watch:
    """What one process tells of its own work: ``figures`` always, ``spans`` where somebody collects them."""

    def __init__(self, *, spans: Spans | None = None) -> None:
        self.figures = Figures()
        self.spans = spans or NoSpans()

    @property
    def is_tracing(self) -> bool:
        """Tell whether anybody collects spans."""
        return not isinstance(self.spans, NoSpans)

    @contextmanager
    def request(self, method: str, door: str, *, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[NotedSpan]:
        """Trace one HTTP request at ``door``, the first part of its path; its ``headers`` are as they came."""
        facts = {"http.request.method": method, "http.route": f"/{door}"}
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        with self.spans.span(f"{method} /{door}", facts, headers=given) as span, counting_statements() as count:
            try:
                yield span
            finally:
                span.note({"regulars.statements": count.statements})

    @contextmanager
    def socket(self) -> Iterator[None]:
        """Count a WebSocket for as long as it is open."""
        self.figures.socket_opened()
        try:
            yield
        finally:
            self.figures.socket_closed()

    @contextmanager
    def plugin_call(self, plugin_id: str, hook: str) -> Iterator[None]:
        """Watch one call of a plugin."""
        began = perf_counter()
        try:
            with self.spans.span(f"plugin {plugin_id}", {"regulars.plugin": plugin_id, "regulars.hook": hook}):
                yield
        finally:
            self.figures.plugin_called(plugin_id, hook, seconds=perf_counter() - began)

    @contextmanager
    def job(self, kind: str, *, attempt: int) -> Iterator[WatchedJob]:
        """Watch one attempt at a job."""
        began, watched = perf_counter(), WatchedJob()
        facts: dict[str, str | int] = {"regulars.job": kind, "regulars.attempt": attempt}
        with self.spans.span(f"job {kind}", facts, headers={}) as span, counting_statements() as count:
            try:
                yield watched
            finally:
                span.note({"regulars.outcome": watched.outcome, "regulars.statements": count.statements})
                self.figures.job_attempted(kind, watched.outcome, seconds=perf_counter() - began)
