"""Where a customer may be whose own time zone nobody knows."""

from typing import Any

import pytest
from tests.core.contact.senders import willing

from regulars.testing.app import App

NOTE = """mutation ($input: CustomerTimeZonesNoteInput!) {
  customerTimeZonesNote(input: $input) {
    customer { timeZoneCandidates { timeZone provenance source notedAt } } errors { code path }
  }
}"""
ASSUMED = """query ($customer: ID!) {
  contactDecision(customerId: $customer, request: {channel: "email", class: "marketing"}) { isTimeZoneAssumed }
}"""
GUESS = {"provenance": "inferred", "source": "area_code_v2"}


async def noted(app: App, customer: object, *zones: str, **guess: Any) -> dict[str, Any]:
    given = {"customerId": str(customer), "timeZones": list(zones), **GUESS, **guess}
    payload: dict[str, Any] = (await app.gql(NOTE, {"input": given}))["customerTimeZonesNote"]
    return payload


async def test_zones_are_kept_with_who_says_so_and_stand_in_for_the_customers_own(app: App) -> None:
    anna = await willing(app)
    before = (await app.gql(ASSUMED, {"customer": str(anna)}))["contactDecision"]["isTimeZoneAssumed"]

    payload = await noted(app, anna, "Europe/Berlin", "America/New_York")

    candidates = payload["customer"]["timeZoneCandidates"]
    assert [one["timeZone"] for one in candidates] == ["America/New_York", "Europe/Berlin"]
    assert {(one["provenance"], one["source"]) for one in candidates} == {("inferred", "area_code_v2")}
    after = (await app.gql(ASSUMED, {"customer": str(anna)}))["contactDecision"]["isTimeZoneAssumed"]
    assert (before, after) == (True, False)
    assert [event.data for event in await app.events("customer.updated")] == [{"changed": ["time_zone_candidates"]}]


async def test_a_source_replaces_what_it_said_and_leaves_what_others_said(app: App) -> None:
    anna = await app.add_customer("Anna")
    await noted(app, anna, "Europe/Berlin", source="crm", provenance="imported")
    await noted(app, anna, "America/New_York", "Asia/Tokyo")

    payload = await noted(app, anna, "Asia/Tokyo")

    zones = [one["timeZone"] for one in payload["customer"]["timeZoneCandidates"]]
    assert zones == ["Asia/Tokyo", "Europe/Berlin"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"timeZones": ["Europe/Nowhere"]}, "INVALID_TIME"),
        ({"provenance": "declared"}, "UNKNOWN_VALUE"),
        ({"source": " "}, "INVALID"),
        ({"timeZones": ["UTC"] * 21}, "OUT_OF_RANGE"),
    ],
    ids=["no_zone", "declared", "no_source", "too_many"],
)
async def test_what_cannot_be_noted_is_refused_and_changes_nothing(app: App, wrong: dict[str, Any], code: str) -> None:
    anna = await app.add_customer("Anna")
    await noted(app, anna, "Europe/Berlin")

    payload = await noted(app, anna, "Asia/Tokyo", **wrong)

    kept = await noted(app, anna, source="nobody")
    assert [error["code"] for error in payload["errors"]] == [code]
    assert [one["timeZone"] for one in kept["customer"]["timeZoneCandidates"]] == ["Europe/Berlin"]
