import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from tests.real.node import run_node
from tests.real.product import Product, serving_product

pytestmark = pytest.mark.real

CREATE = 'mutation { customerCreate(input: {displayName: "Ada"}) { customer { id databaseId } errors { message } } }'


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with serving_product(tmp_path_factory.mktemp("product")) as product:
        yield product


def test_the_product_passes_every_audit_of_graphql_over_http(product: Product) -> None:
    audits = run_node("audits.mjs", product.graphql)

    assert isinstance(audits, list)
    assert len(audits) == 61
    assert [audit for audit in audits if audit["status"] != "ok"] == []


async def test_a_python_client_reads_the_schema_and_asks(product: Product) -> None:
    transport = AIOHTTPTransport(product.graphql, headers={"authorization": f"Bearer {product.key}"}, ssl=False)

    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        made = await session.execute(gql(CREATE))
        query = gql("query($id: ID!) { customer(id: $id) { displayName } }")
        query.variable_values = {"id": made["customerCreate"]["customer"]["id"]}
        found = await session.execute(query)

    assert found == {"customer": {"displayName": "Ada"}}


async def test_a_subscriber_hears_of_a_new_customer(product: Product) -> None:
    socket = WebsocketsTransport(
        product.graphql.replace("http", "ws"), init_payload={"authorization": f"Bearer {product.key}"}
    )

    async with Client(transport=socket) as session:
        follow = session.subscribe(gql('subscription { events(types: ["customer.created"]) { type subject actor } }'))
        hearing = asyncio.ensure_future(anext(follow))
        await asyncio.sleep(1)
        made = await asyncio.to_thread(product.ask, CREATE)
        heard = await asyncio.wait_for(hearing, 20)
        await follow.aclose()

    customer = made["data"]["customerCreate"]["customer"]
    assert heard["events"]["type"] == "customer.created"
    assert heard["events"]["subject"] == f"customer:{customer['databaseId']}"
    assert heard["events"]["actor"].startswith("service:")


async def test_a_subscriber_without_a_key_hears_nothing(product: Product) -> None:
    async with Client(transport=WebsocketsTransport(product.graphql.replace("http", "ws"))) as session:
        with pytest.raises(TransportQueryError, match="events:read"):
            await anext(session.subscribe(gql("subscription { events { type } }")))


def test_the_log_holds_no_query_and_no_name(product: Product) -> None:
    product.ask('{ customers(search: "Marguerite Yourcenar") { totalCount } }')

    database = product.environment["REGULARS_DATABASE_URL"].removeprefix("sqlite:///")
    log = (Path(database).parent / "server.log").read_text()
    assert "/graphql" in log
    assert "Yourcenar" not in log
    assert "Ada" not in log
