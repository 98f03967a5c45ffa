from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.plugins.preference_centre.page import opened

from regulars.demo.customers_page import open_customers_page
from regulars.demo.preparation import History, prepare_demo
from regulars.demo.settings import MAILS, demo_settings
from regulars.settings import Settings
from regulars.testing.app import App

ADDRESS = "http://127.0.0.1:8000"
OTHER_ADDRESS = "http://127.0.0.1:8765"
WHOSE = 'query ($address: String!) { customer(identity: {kind: "email", value: $address}) { databaseId } }'
STREAMS = "{ streams(first: 9) { nodes { topic } } }"


def quiet(_title: str, _done: int, _total: int | None) -> None:
    """Show nothing of what the demo is doing."""


async def topics(app: App) -> list[Any]:
    return [stream["topic"] for stream in (await app.gql(STREAMS))["streams"]["nodes"]]


async def test_a_newcomer_is_told_the_address_of_the_best_customer_and_finds_streams_on_the_page(
    app: App, history: History
) -> None:
    await prepare_demo(app.server, history, progress=quiet)

    address = await open_customers_page(app.server, ADDRESS, progress=quiet)

    best = "{ customers(first: 1, orderBy: [{field: CLV_VALUE, direction: DESC}]) { nodes { identities { value } } } }"
    [customer] = (await app.gql(best))["customers"]["nodes"]
    assert {"value": address} in customer["identities"]
    assert await topics(app) == ["arrivals", "concerts", "offers"]


async def test_the_next_start_follows_the_address_and_leaves_the_streams_as_a_visitor_left_them(
    app: App, history: History
) -> None:
    await prepare_demo(app.server, history, progress=quiet)
    await open_customers_page(app.server, ADDRESS, progress=quiet)
    await app.gql('mutation { streamRetire(input: {topic: "offers"}) { errors { message } } }')

    await open_customers_page(app.server, OTHER_ADDRESS, progress=quiet)

    retired = (await app.gql("{ streams(first: 9) { nodes { topic retiredAt } } }"))["streams"]["nodes"]
    assert app.server.host.records["preference_centre"].settings["public_url"] == OTHER_ADDRESS
    assert [stream["topic"] for stream in retired if stream["retiredAt"]] == ["offers"]


async def test_a_customer_reads_what_the_score_is_used_for(app: App, history: History) -> None:
    await prepare_demo(app.server, history, progress=quiet)
    address = await open_customers_page(app.server, ADDRESS, progress=quiet)
    assert address is not None
    found = await app.gql(WHOSE, {"address": address})

    async with opened(app, UUID(found["customer"]["databaseId"]), address) as page:
        told = page.text

    assert "Used for: We decide by it whom we thank first." in told


async def test_a_page_that_a_visitor_switched_off_stays_off(app: App, history: History) -> None:
    await prepare_demo(app.server, history, progress=quiet)
    await open_customers_page(app.server, ADDRESS, progress=quiet)
    await app.server.host.disable("preference_centre")

    assert await open_customers_page(app.server, ADDRESS, progress=quiet) is None


@pytest.mark.parametrize("said", [{"mail_server": "smtp+plain://127.0.0.1:25"}, {"signed_channels": "email"}])
def test_mails_of_the_demo_stay_in_its_folder_unless_the_operator_says_where_they_go(said: dict[str, Any]) -> None:
    usual, told = demo_settings(Settings()), demo_settings(Settings(**said))

    assert (usual.hand_off_channels, Path(usual.hand_off_folder)) == (("email",), MAILS)
    assert told.hand_off_channels == ()
