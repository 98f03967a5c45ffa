from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.browser.conftest import Visit
from tests.real.product import Product, serving_product

pytestmark = pytest.mark.real

QUERY = "query Who { viewer { kind name } }"
RUN = ".graphiql-execute-button"
ANSWER = ".graphiql-response .CodeMirror-code"
# The rule does not see that the text field beside each editor takes the keys that scroll it.
AXE_OPTIONS = {"rules": {"scrollable-region-focusable": {"enabled": False}}}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with serving_product(tmp_path_factory.mktemp("graphiql"), mode="development") as product:
        yield product


@pytest.fixture
def graphiql(visit: Visit, product: Product) -> Visit:
    """GraphiQL, opened by an address such as the demo prints it."""
    visit.page.goto(f"{product.graphql}#{urlencode({'key': product.key, 'query': QUERY})}")
    visit.page.wait_for_selector(RUN)
    return visit


def run(visit: Visit) -> str:
    visit.page.click(RUN)
    visit.page.wait_for_selector(f"{ANSWER} :text('data')")
    return visit.page.inner_text(ANSWER)


def create_customers_until_shown(visit: Visit, product: Product) -> None:
    """Nobody tells when the server has begun to follow, so one customer may come too early."""
    shown = visit.page.locator(f"{ANSWER} :text('customer.created')")
    while not shown.is_visible():
        product.ask('mutation { customerCreate(input: {displayName: "Ada"}) { errors { message } } }')
        visit.page.wait_for_timeout(500)


def test_the_query_and_the_key_of_the_address_give_an_answer(graphiql: Visit) -> None:
    answer = run(graphiql)

    assert '"kind": "service"' in answer
    assert '"name": "test"' in answer


def test_the_key_outlives_a_reload_and_stands_neither_in_the_address_nor_in_any_request(
    graphiql: Visit, product: Product
) -> None:
    graphiql.page.reload()
    graphiql.page.wait_for_selector(RUN)

    answer = run(graphiql)

    assert '"kind": "service"' in answer
    assert product.key not in graphiql.page.url
    assert [url for url in graphiql.requests if product.key in url or "viewer" in urlsplit(url).query] == []


def test_the_page_asks_this_server_alone_and_has_nothing_to_complain_about(graphiql: Visit, product: Product) -> None:
    run(graphiql)

    assert {urlsplit(url).netloc for url in graphiql.requests} == {urlsplit(product.address).netloc}
    assert graphiql.complaints == []


def test_everybody_can_use_the_page(graphiql: Visit) -> None:
    run(graphiql)

    found = Axe().run(graphiql.page, options=AXE_OPTIONS)

    assert [(problem["id"], problem["nodes"][0]["html"]) for problem in found.response["violations"]] == []


def test_a_subscription_is_followed(graphiql: Visit, product: Product) -> None:
    graphiql.page.goto("about:blank")
    query = urlencode({"key": product.key, "query": "subscription { events { type } }"})
    graphiql.page.goto(f"{product.graphql}#{query}")
    graphiql.page.wait_for_selector(RUN)
    graphiql.page.click(RUN)

    create_customers_until_shown(graphiql, product)

    assert '"customer.created"' in graphiql.page.inner_text(ANSWER)
    assert graphiql.complaints == []
