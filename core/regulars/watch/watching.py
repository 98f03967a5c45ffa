"""Watch one process at work: time and count what it does, and keep spans of it where traces are configured."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from regulars.watch.figures import Figures
from regulars.watch.spans import NoSpans, Spans
from regulars.watch.statements import counting_statements

__all__ = ["Watch", "WatchedJob", "WatchedRequest"]

ANONYMOUS = "anonymous"


@dataclass
class WatchedRequest:
    """A request while it lasts; what it learns of itself is told in the end.

    ``notes`` are those of the request's line in the log.
    """

    notes: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    trace_id: str | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of the errors in the answer, each once."""
        if "code" not in self.notes and "codes" not in self.notes:
            return ()
        found = f"{self.notes.get('code', '')},{self.notes.get('codes', '')}"
        return tuple(dict.fromkeys(code for code in found.split(",") if code))

    @property
    def is_trusted(self) -> bool:
        """Tell whether somebody known asked for something that ran."""
        return self.notes.get("actor", ANONYMOUS) != ANONYMOUS and "code" not in self.notes


@dataclass
class WatchedJob:
    """An attempt at a job while it lasts; one that does not say how it ended was cut off."""

    outcome: str = "CUT_OFF"


class Watch:
    """What one process tells of its own work: ``figures`` always, ``spans`` where somebody collects them."""

    def __init__(self, *, spans: Spans | None = None) -> None:
        self.figures = Figures()
        self.spans = spans or NoSpans()

    @contextmanager
    def request(self, method: str, door: str, *, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[WatchedRequest]:
        """Watch one HTTP request at ``door``, the first part of its path; its ``headers`` are as they came."""
        began, watched = perf_counter(), WatchedRequest()
        try:
            if isinstance(self.spans, NoSpans):
                yield watched
            else:
                with self._traced(watched, method, door, headers):
                    yield watched
        finally:
            self.figures.request(
                door=door,
                operation=watched.notes.get("operation"),
                is_trusted=watched.is_trusted,
                status=watched.status or 0,
                codes=watched.codes,
                seconds=perf_counter() - began,
            )

    @contextmanager
    def _traced(
        self, watched: WatchedRequest, method: str, door: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> Iterator[None]:
        facts = {"http.request.method": method, "http.route": f"/{door}"}
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        with self.spans.span(f"{method} /{door}", facts, headers=given) as span, counting_statements() as count:
            watched.trace_id = span.trace_id
            try:
                yield
            finally:
                span.note({"http.response.status_code": watched.status or 0, "regulars.statements": count.statements})
                span.note({f"regulars.{name}": value for name, value in watched.notes.items() if name != "actor"})

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
