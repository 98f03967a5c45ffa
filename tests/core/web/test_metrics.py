import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.core.graphql.glitches import batched, glitching

from regulars.jobs.service import enqueue_job
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp
from regulars.watch.figures import MOST_OPERATIONS, OTHER, UNNAMED, Figures, Reading
from regulars.webhooks.models import Webhook

PING = "query {name} {{ viewer {{ kind }} }}"


async def figures(app: App) -> Mapping[str, float]:
    """Return every figure that a scraper sees, by name with labels."""
    answer = await app.client.get("/metrics", headers=await app.key("admin"))
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


async def ping(app: App, name: str, headers: Mapping[str, str] | None = None) -> None:
    await app.client.post("/graphql", json={"query": PING.format(name=name), "operationName": name}, headers=headers)


@pytest.mark.parametrize(("role", "status"), [("analyst", 403), ("admin", 200)])
async def test_the_figures_need_a_permission_of_their_own(app: App, role: str, status: int) -> None:
    answer = await app.client.get("/metrics", headers=await app.key(role))

    assert answer.status_code == status


async def test_nobody_sees_the_figures_without_a_key(app: App) -> None:
    answer = await app.client.get("/metrics")

    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_requests_are_counted_by_door_operation_and_status(app: App) -> None:
    key = await app.key("admin")
    await ping(app, "Who", key)
    await ping(app, "Who", key)
    await ping(app, "Guessed")
    await app.client.get("/nowhere/at/all")

    found = await figures(app)

    requests = {name: number for name, number in found.items() if name.startswith("regulars_requests_total")}
    assert requests == {
        'regulars_requests_total{door="graphql",operation="Who",status="2xx"}': 2,
        'regulars_requests_total{door="graphql",operation="other",status="2xx"}': 1,
        'regulars_requests_total{door="other",operation="unnamed",status="4xx"}': 1,
    }
    assert found['regulars_request_seconds_count{door="graphql",operation="Who"}'] == 2
    assert found['regulars_request_errors_total{code="NOT_FOUND"}'] == 1


def test_names_that_clients_make_up_do_not_fill_the_memory() -> None:
    counted = Figures()
    for number in range(MOST_OPERATIONS + 50):
        known = {"operation": f"Made{number}", "actor": "service:1"}
        counted.request(door="graphql", status=200, notes=known, seconds=0.1)
    counted.request(door="graphql", status=200, notes={"actor": "service:1"}, seconds=0.1)

    names = set(re.findall(r'regulars_requests_total\{door="graphql",operation="(\w+)"', counted.text().decode()))

    assert len(names) == MOST_OPERATIONS + 2
    assert {OTHER, UNNAMED} <= names


def test_readings_of_the_moment_are_told_with_their_labels() -> None:
    told = Figures().text([Reading("regulars_x", "X.", 3, (("kind", "a"),)), Reading("regulars_y", "Y.", 4)]).decode()

    assert 'regulars_x{kind="a"} 3.0' in told
    assert "regulars_y 4.0" in told


async def test_jobs_events_and_connections_are_told_as_they_are_now(app: App) -> None:
    await app.add_customer("Ada", email="ada@example.com")
    async with app.database.writing() as session:
        await enqueue_job(session, kind="core.retention", actor="system", now=app.clock.now())

    found = await figures(app)

    assert found['regulars_jobs{kind="core.retention",state="QUEUED"}'] == 1
    assert found["regulars_events_waiting"] > 0
    assert found["regulars_oldest_waiting_event_seconds"] == 0
    assert found["regulars_database_up"] == 1
    assert found['regulars_database_connections{pool="requests",state="lent"}'] == 0
    assert found["process_resident_memory_bytes"] > 0


async def test_an_attempt_at_a_job_is_counted_by_how_it_ended(app: App) -> None:
    await app.run_job("core.retention")

    found = await figures(app)

    assert found['regulars_job_attempts_total{kind="core.retention",outcome="SUCCEEDED"}'] == 1
    assert found['regulars_jobs{kind="core.retention",state="SUCCEEDED"}'] == 1


async def test_calls_and_failures_of_plugins_are_counted(make_app: MakeApp) -> None:
    async def fail(parents: Any, context: Any) -> list[float]:
        raise ValueError("no")

    app = await make_app(glitching({"sound": batched(fail)}))
    await app.add_customer("Ada")
    await app.ask("{ customers { nodes { sound } } }")

    found = await figures(app)

    failures = [number for name, number in found.items() if name.startswith("regulars_plugin_failures_total")]
    calls = [number for name, number in found.items() if name.startswith("regulars_plugin_call_seconds_count")]
    assert (sum(failures), len(calls) > 0) == (1, True)
    assert found['regulars_plugins{plugin="glitch",state="enabled"}'] == 1


async def test_two_servers_in_one_process_count_for_themselves(make_app: MakeApp) -> None:
    one, other = await make_app(), await make_app()
    await ping(one, "Who", await one.key("admin"))

    assert 'operation="Who"' in one.server.watch.figures.text().decode()
    assert 'operation="Who"' not in other.server.watch.figures.text().decode()


async def test_planned_queries_and_failing_webhooks_are_told(app: App) -> None:
    async with app.database.writing() as session:
        session.add(
            Webhook(
                url="https://example.com/",
                event_types=["*"],
                created_at=app.clock.now(),
                updated_at=app.clock.now(),
                failing_since=app.clock.now() - timedelta(minutes=10),
            )
        )
    await app.gql("{ customers { nodes { displayName } } }")

    found = await figures(app)

    failing = [number for name, number in found.items() if name.startswith("regulars_webhook_failing_seconds{")]
    assert (found["regulars_queries_planned"], failing) == (1, [600])
