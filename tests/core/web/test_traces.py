from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
import pytest_asyncio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs
from tests.core.graphql.glitches import batched, glitching

from regulars.clock import SettableClock
from regulars.settings import Settings
from regulars.testing.app import App
from regulars.testing.databases import TestDatabases
from regulars.testing.internet import FakeInternet
from regulars.testing.making import make_web
from regulars.watch.spans import NoSpans, OpenTelemetrySpans, open_spans

PARENT = "4bf92f3577b34da6a3ce929d0e0e4736"


async def load(parents: Sequence[object], context: object) -> list[float]:
    return [1.0 for _ in parents]


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest_asyncio.fixture
async def app(
    databases: TestDatabases, database_url: str, clock: SettableClock, exporter: InMemorySpanExporter
) -> AsyncIterator[App]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    settings = Settings(database_url=database_url, worker=False)
    found = [glitching({"sound": batched(load)})]
    web = make_web(databases, settings, clock=clock, found=found, spans=OpenTelemetrySpans(provider))
    async with (
        web.state.server.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://test") as client,
    ):
        await web.state.server.host.enable("glitch")
        await web.state.server.refresh_schema()
        yield App(web, client, clock, FakeInternet(settings))


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return span


async def test_a_request_is_a_span_with_its_operation_status_and_statements(
    app: App, exporter: InMemorySpanExporter
) -> None:
    headers = await app.key("admin")

    query = 'query Search { customers(search: "ada@example.com") { totalCount } }'
    await app.client.post("/graphql", json={"query": query, "operationName": "Search"}, headers=headers)

    facts = dict(named(exporter, "POST /graphql").attributes or {})
    assert (facts["regulars.operation"], facts["http.response.status_code"]) == ("Search", 200)
    assert int(str(facts["regulars.statements"])) >= 2
    assert "ada" not in str(facts)


async def test_a_request_joins_the_trace_of_whoever_asks_and_its_log_line_names_it(
    app: App, exporter: InMemorySpanExporter
) -> None:
    with capture_logs() as lines:
        headers = {"traceparent": f"00-{PARENT}-00f067aa0ba902b7-01"}
        await app.client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)

    context = named(exporter, "POST /graphql").get_span_context()
    assert context is not None
    assert f"{context.trace_id:032x}" == PARENT
    assert [line["traceId"] for line in lines if line["event"] == "request"] == [PARENT]


async def test_a_plugins_call_lies_within_the_request(app: App, exporter: InMemorySpanExporter) -> None:
    await app.add_customer("Ada")

    headers = await app.key("admin")
    await app.client.post("/graphql", json={"query": "{ customers { nodes { sound } } }"}, headers=headers)

    request = named(exporter, "POST /graphql").get_span_context()
    call = [span for span in exporter.get_finished_spans() if span.name == "plugin glitch"][-1]
    assert request is not None
    assert call.parent is not None
    assert call.parent.span_id == request.span_id


async def test_a_job_is_a_trace_of_its_own_with_its_outcome(app: App, exporter: InMemorySpanExporter) -> None:
    await app.run_job("core.retention")

    span = named(exporter, "job core.retention")
    facts = dict(span.attributes or {})
    assert span.parent is None
    assert (facts["regulars.outcome"], facts["regulars.attempt"]) == ("SUCCEEDED", 1)
    assert int(str(facts["regulars.statements"])) > 0


def test_of_an_error_only_its_type_is_kept(exporter: InMemorySpanExporter) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    with pytest.raises(ValueError, match="ada"), OpenTelemetrySpans(provider).span("work", {}):
        raise ValueError("ada@example.com")

    span = named(exporter, "work")
    assert dict(span.attributes or {}) == {"error.type": "ValueError"}
    assert (span.status.description, list(span.events)) == (None, [])


def test_without_a_collector_nothing_is_kept() -> None:
    assert isinstance(open_spans(Settings()), NoSpans)


def test_a_collector_that_is_configured_gets_spans() -> None:
    spans = open_spans(Settings(traces_url="http://127.0.0.1:9/v1/traces"))

    assert isinstance(spans, OpenTelemetrySpans)
    spans.close()
