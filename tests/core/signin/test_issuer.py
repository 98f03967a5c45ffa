from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from structlog.testing import capture_logs
from tests.core.signin.provider import KEYS, Provider, after

from regulars.outgoing.client import Outgoing
from regulars.outgoing.targets import private_targets
from regulars.signin.issuer import Issuer
from regulars.signin.opening import issuer_through
from regulars.signin.refusals import IssuerSilent, TokenRefused


@pytest_asyncio.fixture
async def outgoing(provider: Provider) -> AsyncIterator[Outgoing]:
    client = Outgoing(opened=private_targets([provider.address.removeprefix("http://")]))
    yield client
    await client.close()


@pytest.fixture
def issuer(provider: Provider, outgoing: Outgoing) -> Issuer:
    """What the server knows of a provider that really runs on this machine."""
    return issuer_through(outgoing, provider.address, clock=provider.clock)


async def test_keys_and_addresses_are_asked_for_once(issuer: Issuer, provider: Provider) -> None:
    await issuer.key("rsa")
    await issuer.key("ec")
    addresses = await issuer.addresses()

    assert addresses.token == f"{provider.address}/token"
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_a_key_that_the_issuer_brings_in_is_found(issuer: Issuer, provider: Provider) -> None:
    await issuer.key("rsa")
    after(provider, minutes=1)
    provider.published = ["rsa-next"]

    key = await issuer.key("rsa-next")

    assert key.thumbprint() == KEYS["rsa-next"].thumbprint()


async def test_a_key_that_the_issuer_takes_back_holds_no_more_after_ten_minutes(
    issuer: Issuer, provider: Provider
) -> None:
    await issuer.key("rsa")
    provider.published = ["rsa-next"]
    after(provider, minutes=10)

    with pytest.raises(TokenRefused, match="no such key"):
        await issuer.key("rsa")


async def test_unknown_keys_make_the_server_ask_once_a_minute(issuer: Issuer, provider: Provider) -> None:
    await issuer.key("rsa")
    after(provider, seconds=59)
    asked = await asked_for_unknown_keys(issuer, provider)
    after(provider, seconds=1)
    later = await asked_for_unknown_keys(issuer, provider)

    assert (asked, later) == (2, 4)


async def asked_for_unknown_keys(issuer: Issuer, provider: Provider) -> int:
    """Return how often the provider was asked in all, after five tokens with invented keys."""
    for number in range(5):
        with pytest.raises(TokenRefused):
            await issuer.key(f"invented-{number}")
    return len(provider.asked)


async def test_a_silent_issuer_is_believed_for_an_hour(issuer: Issuer, provider: Provider) -> None:
    await issuer.key("rsa")
    provider.is_silent = True
    with capture_logs():
        after(provider, minutes=59)
        key = await issuer.key("rsa")
        after(provider, minutes=2)
        with pytest.raises(IssuerSilent, match="answered 503"):
            await issuer.key("rsa")

    assert key.kid == "rsa"


async def test_an_issuer_under_another_name_is_not_believed(issuer: Issuer, provider: Provider) -> None:
    provider.calls_itself = "https://elsewhere.test"

    with capture_logs(), pytest.raises(IssuerSilent, match="calls itself something else"):
        await issuer.key("rsa")

    assert provider.asked == ["/.well-known/openid-configuration"]


async def test_a_token_that_names_no_key_is_checked_only_where_there_is_one(issuer: Issuer, provider: Provider) -> None:
    with pytest.raises(TokenRefused):
        await issuer.key(None)
    provider.published = ["ec"]
    after(provider, minutes=10)

    assert (await issuer.key(None)).kid == "ec"


async def test_an_issuer_in_the_companys_network_is_not_asked_unless_an_operator_opened_it(provider: Provider) -> None:
    issuer = issuer_through(Outgoing(), provider.address, clock=provider.clock)

    with capture_logs(), pytest.raises(IssuerSilent, match="not reached from here"):
        await issuer.key("rsa")

    assert provider.asked == []
