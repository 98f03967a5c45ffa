"""The clients of Segment and RudderStack, as they are published, send events to the product."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient
from tests.real.node import run_node
from tests.real.product import Product, regulars, serving_product

pytestmark = pytest.mark.real

TOLD = """query ($user: String!, $source: String!) { customer(externalRef: {source: $source, id: $user}) {
  identities { kind value }
  traits { key text }
  touchpoints { nodes { type payload } }
} }"""

Send = Callable[[Product, str], list[Any]]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with serving_product(tmp_path_factory.mktemp("product")) as product:
        yield product


def new_write_key(product: Product, source: str) -> str:
    """Return a write key, made as an operator makes it."""
    printed = regulars("key", "create", source, "--source", source, environment=product.environment)
    return next(word for word in printed.split() if word.startswith("rgl_"))


def by_python(make: Callable[..., Any], **options: Any) -> Send:
    """Return what sends one message of each type with a client for Python."""

    def send(product: Product, key: str) -> list[Any]:
        problems: list[Any] = []
        client = make(
            key, host=product.address, on_error=lambda error, _items: problems.append(error), max_retries=0, **options
        )
        client.identify("node-1", traits={"email": "ada@example.org", "plan": "gold"})
        client.page("node-1", name="Shoes")
        client.screen("node-1", name="Basket")
        client.group("node-1", "g-1", traits={"size": 3})
        client.track("node-1", "Bought", properties={"size": 42})
        client.alias("before", "node-1")
        client.flush()
        client.join()
        return problems

    return send


def by_node(*program: str) -> Send:
    """Return what runs one of the node programs beside this file."""
    name, *options = program

    def send(product: Product, key: str) -> list[Any]:
        told: Any = run_node(name, product.address, key, *options)
        problems: list[Any] = told["problems"]
        return problems

    return send


CLIENTS: dict[str, Send] = {
    "segment-python": by_python(SegmentClient),
    "segment-python-gzip": by_python(SegmentClient, gzip=True),
    "rudder-python": by_python(RudderClient, gzip=False),
    "rudder-python-gzip": by_python(RudderClient, gzip=True),
    "segment-node": by_node("segment_node.mjs"),
    "rudder-node": by_node("rudder_node.mjs", "plain"),
    "rudder-node-gzip": by_node("rudder_node.mjs", "gzip"),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_published_client_is_understood_in_all_that_it_sends(product: Product, client: str) -> None:
    key = new_write_key(product, client)

    problems = CLIENTS[client](product, key)

    assert problems == []
    answer = product.ask(TOLD, {"user": "node-1", "source": client})
    customer = answer["data"]["customer"]
    assert {(one["kind"], one["value"]) for one in customer["identities"]} >= {
        ("email", "ada@example.org"),
        ("external", "node-1"),
        ("visitor", "before"),
    }
    assert {trait["key"]: trait["text"] for trait in customer["traits"]} == {"group_id": "g-1", "plan": "gold"}
    types = sorted(touchpoint["type"] for touchpoint in customer["touchpoints"]["nodes"])
    assert types == ["group", "page", "screen", "track"]
