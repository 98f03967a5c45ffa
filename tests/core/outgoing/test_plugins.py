"""What a plugin reaches: the hosts that it has been granted, and about a customer only what they allow."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest
import pytest_asyncio
from tests.core.outgoing.conftest import MakeClient, Serve, names, replying

from regulars.clock import SettableClock
from regulars.consents.registry import core_consent_registry
from regulars.outgoing.consent_gate import AboutCustomer, ConsentGate, FetchNotAllowed
from regulars.outgoing.granted import PluginHttp
from regulars.outgoing.limits import FEEDS
from regulars.outgoing.refusals import TargetRefused
from regulars.outgoing.targets import PrivateTarget
from regulars.testing.app import App

PROFILE = "https://social.example/@ada"
GRANT = """mutation ($id: ID!) {
  consentGrant(input: {
    customerId: $id, purpose: "social_signals", channel: "*", reason: "They asked.", noticeVersion: "1", language: "en"
  }) { errors { message } }
}"""
WITHDRAW = """mutation ($id: ID!) {
  consentWithdraw(input: {customerId: $id, purpose: "social_signals", channel: "*", reason: "No more."}) {
    errors { message }
  }
}"""


@dataclass(frozen=True)
class Shop:
    """A server, a customer of it, and what a plugin fetches with."""

    app: App
    customer: UUID
    http: PluginHttp

    async def change(self, mutation: str) -> None:
        (payload,) = (await self.app.gql(mutation, {"id": str(self.customer)})).values()
        assert payload["errors"] == []

    async def fetch(self) -> bytes:
        about = AboutCustomer(self.customer, "social_signals")
        return (await self.http.get(PROFILE, about=about)).body


@pytest_asyncio.fixture
async def shop(app: App) -> AsyncIterator[Shop]:
    app.http.answer(PROFILE, body=b"a post")
    server = app.server
    gate = ConsentGate(app.database, app.clock, server.consent_registry)
    yield Shop(app, await app.add_customer("Ada"), PluginHttp(server.outgoing, ("social.example",), gate))


@pytest.fixture
def gate(clock: SettableClock) -> ConsentGate:
    """Give a gate for requests that are about nobody."""
    return ConsentGate(None, clock, core_consent_registry())  # type: ignore[arg-type]  # nobody asks it


async def test_what_a_customer_allows_is_fetched(shop: Shop) -> None:
    await shop.change(GRANT)

    assert await shop.fetch() == b"a post"


async def test_nothing_is_sent_about_a_customer_who_has_not_allowed_it(shop: Shop) -> None:
    with pytest.raises(FetchNotAllowed):
        await shop.fetch()

    assert shop.app.http.requests == []


async def test_nothing_is_sent_after_a_withdrawal(shop: Shop) -> None:
    await shop.change(GRANT)
    await shop.change(WITHDRAW)

    with pytest.raises(FetchNotAllowed):
        await shop.fetch()

    assert shop.app.http.requests == []


async def test_nothing_is_sent_about_a_customer_who_is_restricted(shop: Shop) -> None:
    await shop.change(GRANT)
    update = 'mutation ($id: ID!) { customerUpdate(input: {id: $id, status: "restricted"}) { errors { message } } }'
    await shop.change(update)

    with pytest.raises(FetchNotAllowed, match="restricted"):
        await shop.fetch()

    assert shop.app.http.requests == []


@pytest.mark.parametrize("granted", ["127.0.0.1", "*"])
async def test_a_plugin_reaches_the_hosts_that_it_has_been_granted(
    granted: str, serve: Serve, make_client: MakeClient, gate: ConsentGate
) -> None:
    port = await serve(replying("200 OK", b"here"))
    client = make_client(PrivateTarget("127.0.0.1", port))

    reply = await PluginHttp(client, (granted,), gate).get(f"http://127.0.0.1:{port}/")

    assert reply.body == b"here"


@pytest.mark.parametrize("granted", ["api.example", "*.api.example", "pi.example"])
async def test_a_plugin_reaches_no_other_host(granted: str, make_client: MakeClient, gate: ConsentGate) -> None:
    http = PluginHttp(make_client(resolve=names()), (granted,), gate)

    with pytest.raises(TargetRefused, match="granted"):
        await http.get("https://evil-api.example/")


async def test_a_redirect_leads_a_plugin_to_no_other_host(
    serve: Serve, make_client: MakeClient, gate: ConsentGate
) -> None:
    other = await serve(replying("200 OK", b"there"))
    port = await serve(replying(f"302 Found\nlocation: http://localhost:{other}/"))
    client = make_client(PrivateTarget("127.0.0.1", port), PrivateTarget("localhost", other))

    with pytest.raises(TargetRefused, match="granted"):
        await PluginHttp(client, ("127.0.0.1",), gate).get(f"http://127.0.0.1:{port}/", limits=FEEDS)
