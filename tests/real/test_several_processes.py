"""Several processes share one database: what happens in one is known to the others, and none is needed by them."""

import asyncio
import http.client
import json
import signal
import urllib.error
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport
from tests.real.product import Product, regulars
from tests.real.several import Process, Shop, eventually, key_of

from regulars.testing.databases import TestDatabases

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

VIEWER = "{ viewer { kind } }"
CREATE = 'mutation { customerCreate(input: {displayName: "Ada"}) { customer { databaseId } errors { message } } }'
START = """mutation ($key: String!) {
  jobStart(input: {kind: "core.retention", key: $key}) { job { id } errors { message } }
}"""
JOBS = "{ jobs(first: 20) { nodes { id status attempts } } }"
DISABLE = 'mutation { pluginDisable(input: {id: "clv"}) { errors { message } } }'
PLUGIN_FIELD = "{ customers { nodes { clv { tier } } } }"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    kind = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}[request.param]
    databases: TestDatabases = request.getfixturevalue(kind)
    with databases.fresh() as url:
        yield Shop(url, tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def one(shop: Shop) -> Iterator[Process]:
    with shop.serving() as process:
        yield process


@pytest.fixture(scope="module")
def other(shop: Shop) -> Iterator[Process]:
    with shop.serving() as process:
        yield process


def status_of(product: Product, key: str) -> int:
    """Return with which status the process answers somebody with this key."""
    try:
        Product(product.address, key, product.environment).ask(VIEWER)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def is_known(product: Product, query: str) -> bool:
    with suppress(urllib.error.HTTPError):
        return "data" in product.ask(query)
    return False


def test_a_key_that_is_revoked_is_refused_by_every_process(shop: Shop, one: Process, other: Process) -> None:
    key = key_of(shop.environment, "shop", "--role", "frontline")
    before = (status_of(one, key), status_of(other, key))
    listed = json.loads(regulars("key", "list", "--json", environment=shop.environment))

    regulars(
        "key", "revoke", next(each["id"] for each in listed if each["name"] == "shop"), environment=shop.environment
    )

    assert before == (200, 200)
    assert eventually(lambda: status_of(one, key), until=lambda status: status == 401) == 401
    assert eventually(lambda: status_of(other, key), until=lambda status: status == 401) == 401


def test_jobs_that_are_started_in_both_are_done_once_each(one: Process, other: Process) -> None:
    first = [one.ask(START, {"key": f"job {number}"})["data"]["jobStart"]["job"]["id"] for number in range(10)]
    second = [other.ask(START, {"key": f"job {number}"})["data"]["jobStart"]["job"]["id"] for number in range(10)]

    jobs = eventually(
        lambda: [job for job in other.ask(JOBS)["data"]["jobs"]["nodes"] if job["id"] in first],
        until=lambda found: [job["status"] for job in found] == ["SUCCEEDED"] * 10,
    )

    assert first == second
    assert {job["attempts"] for job in jobs} == {1}


async def test_a_subscriber_of_one_hears_what_is_written_in_the_other(one: Process, other: Process) -> None:
    socket = WebsocketsTransport(one.graphql.replace("http", "ws"), init_payload={"authorization": f"Bearer {one.key}"})

    async with Client(transport=socket) as session:
        follow = session.subscribe(gql('subscription { events(types: ["customer.created"]) { subject } }'))
        hearing = asyncio.ensure_future(anext(follow))
        await asyncio.sleep(1)
        made = await asyncio.to_thread(other.ask, CREATE)
        heard = await asyncio.wait_for(hearing, 20)
        await follow.aclose()

    customer = made["data"]["customerCreate"]["customer"]
    assert heard["events"]["subject"] == f"customer:{customer['databaseId']}"


def test_a_plugin_that_is_disabled_in_one_leaves_the_schema_of_the_other(one: Process, other: Process) -> None:
    before = is_known(other, PLUGIN_FIELD)

    one.ask(DISABLE)

    assert before
    assert not is_known(one, PLUGIN_FIELD)
    assert eventually(lambda: is_known(other, PLUGIN_FIELD), until=lambda known: not known) is False


def test_a_process_that_is_killed_leaves_the_others_serving(shop: Shop, one: Process) -> None:
    with shop.serving() as doomed:
        doomed.ask(CREATE)
        doomed.running.send_signal(signal.SIGKILL)
        doomed.running.wait(timeout=10)

        made = one.ask(CREATE)

    assert made["data"]["customerCreate"]["errors"] == []
    with pytest.raises(urllib.error.URLError):
        doomed.ask(VIEWER)


def test_a_process_that_is_told_to_end_answers_what_it_has_begun(shop: Shop) -> None:
    with shop.serving() as ending:
        body = json.dumps({"query": VIEWER}).encode()
        connection = http.client.HTTPConnection(urlsplit(ending.address).netloc, timeout=20)
        connection.putrequest("POST", "/graphql")
        connection.putheader("content-type", "application/json")
        connection.putheader("authorization", f"Bearer {ending.key}")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body[:5])

        ending.running.send_signal(signal.SIGTERM)
        with pytest.raises(urllib.error.URLError):
            eventually(lambda: ending.ask(VIEWER), until=lambda _: False)
        connection.send(body[5:])
        answer = connection.getresponse()

        assert (answer.status, json.load(answer)["data"]) == (200, {"viewer": {"kind": "service"}})
        assert ending.running.wait(timeout=20) == 0
