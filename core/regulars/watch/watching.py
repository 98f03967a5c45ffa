"""Watch one process at work: time and count what it does, and keep spans of it where traces are configured."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from regulars.watch.figures import Figures
from regulars.watch.spans import NoSpans, Spans
from regulars.watch.statements import counting_statements

__all__ = ["Watch", "WatchedJob", "WatchedRequest"]

ANONYMOUS = "anonymous"


class WatchedRequest:
    """A request while it lasts; what it learns of itself is told in the end, when it is counted.

    ``notes`` are those of the request's line in the log.
    """

    __slots__ = ("_began", "_door", "_figures", "notes", "status", "trace_id")

    def __init__(self, figures: Figures, door: str) -> None:
        self._figures, self._door, self._began = figures, door, perf_counter()
        self.notes: Mapping[str, str] = {}
        self.status: int | None = None
        self.trace_id: str | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Count the request, however it ended."""
        self._figures.request(
            door=self._door,
            operation=self.notes.get("operation"),
            is_trusted=self.is_trusted,
            status=self.status or 0,
            codes=self.codes,
            seconds=perf_counter() - self._began,
        )

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

    def request(
        self, method: str, door: str, *, headers: Iterable[tuple[bytes, bytes]]
    ) -> AbstractContextManager[WatchedRequest]:
        """Watch one HTTP request at ``door``, the first part of its path; its ``headers`` are as they came."""
        watched = WatchedRequest(self.figures, door)
        return watched if isinstance(self.spans, NoSpans) else self._traced(watched, method, door, headers)

    @contextmanager
    def _traced(
        self, watched: WatchedRequest, method: str, door: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> Iterator[WatchedRequest]:
        facts = {"http.request.method": method, "http.route": f"/{door}"}
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        span_of_request = self.spans.span(f"{method} /{door}", facts, headers=given)
        with span_of_request as span, counting_statements() as count, watched:
            watched.trace_id = span.trace_id
            try:
                yield watched
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
