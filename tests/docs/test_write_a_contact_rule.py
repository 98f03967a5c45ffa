"""The rule that the page on contact rules writes does what the page says."""

from datetime import timedelta
from typing import Any

import pytest
from tests.core.contact.senders import NEWSLETTER, willing
from tests.core.plugins.fakes import plugin
from tests.docs.pages import DOCS, blocks_of

from regulars.testing.app import App
from regulars.testing.background import run_enqueued_job
from regulars.testing.fixtures import MakeApp

PAGE = DOCS / "how-to" / "write-a-contact-rule.md"
ASK = """query ($customer: ID!, $at: DateTime) {
  contactDecision(customerId: $customer, at: $at, request: {channel: "email", class: "marketing"}) {
    outcome rule until
  }
}"""
DECIDE_ALL = """mutation ($request: ContactRequestInput!) {
  contactAudienceDecide(input: {request: $request}) { audience { id } errors { code } }
}"""
VERDICTS = "{ contactVerdicts { nodes { customerId rule until } } }"


@pytest.fixture
async def app(make_app: MakeApp) -> App:
    """Give a server with the plugin of the page."""
    names: dict[str, Any] = {}
    for block in blocks_of(PAGE):
        exec(block.text, names)
    return await make_app(plugin("peace", names["Hooks"]()))


async def test_after_an_order_it_stands_in_the_way_for_three_days(app: App) -> None:
    anna, ordered_at = await willing(app), app.clock.now()
    await app.add_touchpoint(anna, "order", amount="10", currency="EUR", at=ordered_at)

    now = (await app.gql(ASK, {"customer": str(anna)}))["contactDecision"]
    later = await app.gql(ASK, {"customer": str(anna), "at": (ordered_at + timedelta(days=3)).isoformat()})

    assert (now["outcome"], now["rule"]) == ("DEFER", "rest_after_order")
    assert now["until"][:19] == (ordered_at + timedelta(days=3)).isoformat()[:19]
    assert later["contactDecision"]["outcome"] == "ALLOW"


async def test_an_audience_is_told_the_same(app: App) -> None:
    anna, ben, cleo = await willing(app), await willing(app, "Ben"), await app.add_customer("Cleo")
    await app.add_touchpoint(anna, "order", amount="10", currency="EUR", at=app.clock.now() - timedelta(days=1))
    await app.add_touchpoint(ben, "order", amount="10", currency="EUR", at=app.clock.now() - timedelta(days=4))

    await app.gql(DECIDE_ALL, {"request": NEWSLETTER})
    await run_enqueued_job(app.server, "core.contact_audience")

    told = {one["customerId"]: one["rule"] for one in (await app.gql(VERDICTS))["contactVerdicts"]["nodes"]}
    assert told == {str(anna): "rest_after_order", str(ben): "allowed", str(cleo): "no_consent"}
