"""Traces: spans for requests, plugin calls and jobs, sent to a collector when one is configured."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from regulars.errors import ConfigurationError
from regulars.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["NoSpans", "NotedSpan", "OpenTelemetrySpans", "Spans", "TracesUnavailable", "open_spans"]

Fact = str | int | float | bool


class TracesUnavailable(ConfigurationError):
    """Traces are configured, and what sends them is not installed."""

    code = "TRACES_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__(
            "REGULARS_TRACES_URL is set, and the libraries that send traces are not installed."
            " Install regulars[traces], or take the setting away."
        )


class NotedSpan(Protocol):
    """A piece of work while it lasts."""

    @property
    def trace_id(self) -> str | None:
        """Return the id of the whole trace; None where nothing is kept."""
        ...

    def note(self, facts: Mapping[str, Fact]) -> None:
        """Add facts that are no personal data."""
        ...


class Spans(Protocol):
    """Whatever keeps spans."""

    def span(
        self, name: str, facts: Mapping[str, Fact], *, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[NotedSpan]:
        """Give a span for as long as the block lasts; ``headers`` may name the trace that it belongs to."""
        ...

    def close(self) -> None:
        """Send what is not sent yet."""
        ...


class _NoSpan:
    trace_id: str | None = None

    def note(self, facts: Mapping[str, Fact]) -> None:
        """Forget them."""


class NoSpans:
    """Keeps nothing, as when no collector is configured."""

    @contextmanager
    def span(
        self, name: str, facts: Mapping[str, Fact], *, headers: Mapping[str, str] | None = None
    ) -> Iterator[NotedSpan]:
        """Give a span that forgets everything."""
        yield _NoSpan()

    def close(self) -> None:
        """Do nothing."""


class OpenTelemetrySpans:
    """Keeps spans with OpenTelemetry, in a provider of its own.

    Of an error only its type is kept: messages can be personal.
    """

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("regulars")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, facts: Mapping[str, Fact], *, headers: Mapping[str, str] | None = None
    ) -> Iterator[NotedSpan]:
        """Give a span below the one that runs, or below the one that the header ``traceparent`` names."""
        from opentelemetry.trace import Status, StatusCode

        parent = None if headers is None else self._propagator.extract(headers)
        with self._tracer.start_as_current_span(
            name, context=parent, attributes=dict(facts), record_exception=False, set_status_on_exception=False
        ) as span:
            noted = _OpenTelemetrySpan(span.set_attributes, f"{span.get_span_context().trace_id:032x}")
            try:
                yield noted
            except BaseException as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def close(self) -> None:
        """Send what is not sent yet; a collector that does not answer is waited for at most two seconds."""
        self._provider.force_flush(2_000)
        self._provider.shutdown()


class _OpenTelemetrySpan:
    def __init__(self, set_attributes: "SetAttributes", trace_id: str) -> None:
        self._set_attributes = set_attributes
        self.trace_id: str | None = trace_id

    def note(self, facts: Mapping[str, Fact]) -> None:
        """Add facts."""
        self._set_attributes(facts)


class SetAttributes(Protocol):
    """What a span of OpenTelemetry takes facts with."""

    def __call__(self, attributes: Mapping[str, Fact], /) -> None:
        """Add these."""
        ...


def open_spans(settings: Settings) -> Spans:
    """Return what keeps spans as the settings say; raise ``TracesUnavailable`` where the libraries are missing."""
    if not settings.traces_url:
        return NoSpans()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
    except ImportError as error:
        raise TracesUnavailable from error
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.traces_share),
        resource=Resource.create({"service.name": "regulars"}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.traces_url, timeout=2)))
    return OpenTelemetrySpans(provider)
