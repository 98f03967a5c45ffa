from datetime import timedelta
from typing import Any

from tests.core.tracking.sites import Site, write_key

from regulars.testing.app import App

CONSENTS = "{ customers { nodes { consents { purpose channel topic status } consentEvents { totalCount } } } }"

GRANT = {
    "action": "grant",
    "purpose": "research",
    "channel": "email",
    "noticeVersion": "2026-01",
    "language": "en",
    "evidence": {"form": "checkout"},
}


async def standing(app: App) -> tuple[list[tuple[str, str, str]], int]:
    """Return the consents of the one customer, and the number of entries in their ledger."""
    (customer,) = (await app.gql(CONSENTS))["customers"]["nodes"]
    consents = [(one["purpose"], one["channel"], one["status"]) for one in customer["consents"]]
    return sorted(consents), customer["consentEvents"]["totalCount"]


def page(consent: dict[str, Any]) -> dict[str, Any]:
    return {"type": "page", "userId": "u-1", "context": {"consent": consent}}


async def test_a_no_withdraws_at_once_and_is_written_down_once(app: App, site: Site) -> None:
    preferences = {"categoryPreferences": {"profiling": False}}

    await site.send(page(preferences), page(preferences))
    app.clock.advance(timedelta(minutes=1))
    await site.send(page(preferences))

    assert await standing(app) == ([("profiling", "*", "withdrawn")], 1)


async def test_a_yes_of_a_client_grants_nothing(app: App, site: Site) -> None:
    (result,) = await site.send(page({"categoryPreferences": {"profiling": True}}))

    assert (result["status"], result["ignored"][0]["name"]) == ("accepted", "context.consent.profiling")
    assert await standing(app) == ([], 0)


async def test_a_grant_needs_a_key_that_may_grant(app: App, site: Site) -> None:
    (result,) = await site.send(page({"changes": [GRANT]}))

    assert (result["status"], result["ignored"][0]["name"]) == ("accepted", "context.consent.research")
    assert await standing(app) == ([], 0)


async def test_a_key_that_may_grant_needs_evidence(app: App) -> None:
    site = Site(app, await write_key(app, scopes=["consents:write"]))
    unproven = {name: value for name, value in GRANT.items() if name != "evidence"}

    (refused,) = await site.send(page({"changes": [unproven]}))
    (taken,) = await site.send(page({"changes": [GRANT]}))

    assert ("ignored" in refused, "ignored" in taken) == (True, False)
    assert await standing(app) == ([("research", "email", "granted")], 1)


async def test_no_site_reopens_what_the_customer_closed(app: App) -> None:
    site = Site(app, await write_key(app, scopes=["consents:write"]))
    await site.send(page({"categoryPreferences": {"research": False}}))
    app.clock.advance(timedelta(days=1))

    (result,) = await site.send(page({"changes": [GRANT]}))

    assert "ignored" in result
    assert await standing(app) == ([("research", "*", "withdrawn")], 1)
