"""What the page on other machines shows is what a plugin gets."""

from typing import Any

from tests.docs.pages import DOCS, blocks_of

from regulars.outgoing.consent_gate import ConsentGate
from regulars.outgoing.granted import PluginHttp
from regulars.testing.app import App

PAGE = DOCS / "how-to" / "reach-other-machines.md"
GRANT = """mutation ($id: ID!) {
  consentGrant(input: {
    customerId: $id, purpose: "social_signals", channel: "*", reason: "They asked.", noticeVersion: "1", language: "en"
  }) { errors { message } }
}"""


async def test_posts_are_fetched_once_the_customer_allows_it(app: App) -> None:
    page: dict[str, Any] = {}
    for block in blocks_of(PAGE):
        exec(block.text, page)
    await page["test_posts_are_fetched"](app)
    gate = ConsentGate(app.database, app.clock, app.server.consent_registry)
    http = PluginHttp(app.server.outgoing, page["GRANTS"].network, gate)
    customer = await app.add_customer("Ada")

    before = await page["posts_of"](http, customer, "@ada")
    await app.gql(GRANT, {"id": str(customer)})
    after = await page["posts_of"](http, customer, "@ada")

    assert (before, after) == ([], ["I read The Secret History again."])
    assert len(app.http.requests) == 1
