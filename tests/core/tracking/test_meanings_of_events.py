from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from tests.core.tracking.sites import Site, write_key

from regulars.audit.models import AuditEntry
from regulars.testing.app import App
from regulars.tracking.models import MappedEvent, RejectedMessage

MAP = """mutation ($input: TrackingEventMapInput!) { trackingEventMap(input: $input) {
  event { id type amountProperties fields { field property times } version }
  errors { code path message } } }"""
STANDARD = """mutation ($input: TrackingStandardEventsMapInput!) { trackingStandardEventsMap(input: $input) {
  events { event type currency version } errors { code path } } }"""
UNMAP = "mutation ($id: ID!) { trackingEventUnmap(input: {id: $id}) { errors { code } } }"
KNOWN = "{ trackingEvents { nodes { id source event type version } } }"
TIMELINE = """{ touchpoints(orderBy: [{field: RECEIVED_AT, direction: ASC}]) { nodes {
  type channel amount { amount currency } externalId payload occurredAt } } }"""
REJECTIONS = "{ trackingRejections { nodes { id code reason canBeReplayed } } }"
REPLAY = "mutation ($ids: [ID!]!) { trackingReplay(input: {ids: $ids}) { results { status code } errors { code } } }"

TASTED = {
    "source": "site",
    "event": "Wine Tasted",
    "type": "visit",
    "amountProperties": ["bill.total", "bill.estimate"],
    "currency": "EUR",
    "channelProperty": "where",
    "channel": "in_person",
    "fields": [{"field": "venue", "property": "bar"}, {"field": "partySize", "property": "guests"}],
}
COMPLETED = {
    "order_id": 1001,
    "total": 0.1 + 0.2,
    "revenue": 99,
    "currency": "usd",
    "coupon": "SPRING",
    "products": [
        {"product_id": 507, "category": "Games", "price": "19.90", "quantity": 2},
        {"product_id": "b-2", "price": 3, "name": "left out"},
    ],
}


async def say(app: App, **changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await app.gql(MAP, {"input": {**TASTED, **changes}}))["trackingEventMap"]
    return payload


async def standard(app: App, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await app.gql(STANDARD, {"input": {"source": "site", **given}}))[
        "trackingStandardEventsMap"
    ]
    return payload


async def tell(site: Site, event: str, properties: Any, **besides: Any) -> dict[str, Any]:
    [result] = await site.send(
        {"type": "track", "userId": "u-1", "event": event, "properties": properties, "messageId": "m-1", **besides}
    )
    return result


async def timeline(app: App) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await app.gql(TIMELINE))["touchpoints"]["nodes"]
    return found


async def rejections(app: App) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await app.gql(REJECTIONS))["trackingRejections"]["nodes"]
    return found


async def test_an_event_becomes_the_touchpoint_that_the_company_says_it_is(app: App, site: Site) -> None:
    said = await say(app)

    result = await tell(site, " Wine Tasted ", {"bar": "Enoteca", "guests": 2, "bill": {"total": "31.5"}})

    assert (said["errors"], said["event"]["version"], result["status"]) == ([], 1, "accepted")
    assert said["event"]["fields"] == [
        {"field": "party_size", "property": "guests", "times": None},
        {"field": "venue", "property": "bar", "times": None},
    ]
    assert await timeline(app) == [
        {
            "type": "visit",
            "channel": "in_person",
            "amount": {"amount": "31.50", "currency": "EUR"},
            "externalId": "m-1",
            "payload": {"venue": "Enoteca", "party_size": 2},
            "occurredAt": "2026-03-02T12:00:00.000000Z",
        }
    ]


async def test_an_event_of_which_nothing_was_said_stays_what_it_is(app: App, site: Site) -> None:
    await say(app)

    await tell(site, "wine tasted", {"bar": "Enoteca"})

    [touchpoint] = await timeline(app)
    assert (touchpoint["type"], touchpoint["payload"]) == (
        "track",
        {"event": "wine tasted", "properties": {"bar": "Enoteca"}},
    )


async def test_what_was_said_of_one_source_says_nothing_of_another(app: App, site: Site) -> None:
    other = Site(app, await write_key(app, "app"))
    await say(app)

    await tell(other, "Wine Tasted", {"bill": {"total": 1}})

    assert [one["type"] for one in await timeline(app)] == ["track"]


async def test_the_first_property_that_came_tells_the_amount_and_the_channel_may_come_too(app: App, site: Site) -> None:
    await say(app)

    await tell(site, "Wine Tasted", {"bill": {"estimate": 12.34567}, "where": "web"})

    [touchpoint] = await timeline(app)
    assert (touchpoint["amount"]["amount"], touchpoint["channel"]) == ("12.3457", "web")


async def test_standard_events_mean_nothing_more_before_the_company_says_so(app: App, site: Site) -> None:
    await tell(site, "Order Completed", COMPLETED)

    assert [one["type"] for one in await timeline(app)] == ["track"]


async def test_a_completed_order_is_an_order_with_its_lines(app: App, site: Site) -> None:
    said = await standard(app, channel="web")

    result = await tell(site, "Order Completed", COMPLETED)

    assert (said["errors"], [one["type"] for one in said["events"]]) == ([], ["order", "refund"])
    assert result["status"] == "accepted"
    assert await timeline(app) == [
        {
            "type": "order",
            "channel": "web",
            "amount": {"amount": "0.30", "currency": "USD"},
            "externalId": "1001",
            "payload": {
                "lines": [
                    {"product": "507", "category": "Games", "quantity": "2", "amount": "39.8"},
                    {"product": "b-2", "amount": "3"},
                ],
                "coupon": "SPRING",
            },
            "occurredAt": "2026-03-02T12:00:00.000000Z",
        }
    ]


async def test_an_order_that_is_told_twice_counts_once(app: App, site: Site) -> None:
    await standard(app)
    await tell(site, "Order Completed", COMPLETED)

    again = await tell(site, "Order Completed", COMPLETED)
    by_another_message = await tell(site, "Order Completed", COMPLETED, messageId="m-2")

    assert (again["status"], by_another_message["status"]) == ("duplicate", "duplicate")
    assert len(await timeline(app)) == 1


async def test_a_refund_is_negative_whichever_sign_it_came_with(app: App, site: Site) -> None:
    await standard(app, currency="EUR")
    parts = [{"product_id": "a", "price": 5, "quantity": 2}, {"product_id": "b", "price": -1}]

    await tell(site, "Order Refunded", {"order_id": "1001", "total": 11, "products": parts})

    [refund] = await timeline(app)
    assert (refund["type"], refund["amount"]) == ("refund", {"amount": "-11.00", "currency": "EUR"})
    assert refund["payload"] == {
        "order": "1001",
        "lines": [{"product": "a", "quantity": "2", "amount": "-10"}, {"product": "b", "amount": "-1"}],
    }


async def test_what_was_said_of_a_standard_event_before_stays(app: App, site: Site) -> None:
    await say(app, event="Order Completed")

    said = await standard(app, currency="CHF")

    assert [(one["event"], one["type"], one["currency"]) for one in said["events"]] == [
        ("Order Completed", "visit", "EUR"),
        ("Order Refunded", "refund", "CHF"),
    ]


async def test_an_event_that_cannot_be_what_it_should_is_rejected_with_the_reason(app: App, site: Site) -> None:
    await standard(app)
    good: dict[str, Any] = {"total": 5, "currency": "EUR", "order_id": 1}
    refused: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"total": None}, "REQUIRED", ["properties", "total"]),
        ({"order_id": ""}, "REQUIRED", ["properties", "order_id"]),
        ({"currency": None}, "INVALID", ["currency"]),
        ({"total": "much"}, "INVALID", ["properties", "total"]),
        ({"total": True}, "INVALID", ["properties", "total"]),
        ({"total": "Infinity"}, "INVALID", ["properties", "total"]),
        ({"total": "1e15"}, "OUT_OF_RANGE", ["properties", "total"]),
        ({"total": -5}, "OUT_OF_RANGE", ["amount"]),
        ({"currency": "euros"}, "UNKNOWN_VALUE", ["currency"]),
        ({"currency": ["EUR"]}, "INVALID", ["properties", "currency"]),
        ({"products": "two"}, "INVALID", ["properties", "products"]),
        ({"products": [{"price": 1}]}, "INVALID", ["payload", "lines", "0", "product"]),
        ({"products": [{"product_id": "a", "price": 1e13, "quantity": 1e13}]}, "OUT_OF_RANGE", ["properties", "price"]),
    ]

    results = await site.send(
        *(
            {"type": "track", "userId": "u", "event": "Order Completed", "properties": good | one}
            for one, _, _ in refused
        )
    )

    assert [(one["status"], one["code"], one["path"]) for one in results] == [
        ("rejected", code, path) for _, code, path in refused
    ]
    assert [one["canBeReplayed"] for one in await rejections(app)] == [True] * len(refused)
    assert await timeline(app) == []


async def test_a_rejected_event_is_taken_in_once_its_meaning_was_corrected(app: App, site: Site) -> None:
    await say(app, amountProperties=["price"])
    await tell(site, "Wine Tasted", {"bill": {"total": 31}, "bar": "Enoteca"})
    [rejected] = await rejections(app)
    app.clock.advance(timedelta(days=2))

    await say(app)
    payload = (await app.gql(REPLAY, {"ids": [rejected["id"]]}))["trackingReplay"]

    assert payload["results"] == [{"status": "accepted", "code": None}]
    [visit] = await timeline(app)
    assert (visit["type"], visit["amount"]["amount"]) == ("visit", "31.00")
    assert visit["occurredAt"] == "2026-03-02T12:00:00.000000Z"


async def test_the_name_of_something_else_in_the_same_source_is_refused(app: App, site: Site) -> None:
    await say(app, externalIdProperty="order_id")
    await standard(app)
    await tell(site, "Order Completed", COMPLETED)

    result = await tell(site, "Wine Tasted", {"bill": {"total": 1}, "order_id": 1001}, messageId="m-2")

    assert (result["status"], result["code"]) == ("rejected", "CONFLICT")
    assert [one["type"] for one in await timeline(app)] == ["order"]


async def test_only_a_source_with_a_write_key_sends_events(app: App, site: Site) -> None:
    payload = await say(app, source="sight")

    assert payload["event"] is None
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("NOT_FOUND", ["source"])]
    assert (await app.gql(KNOWN))["trackingEvents"]["nodes"] == []


async def test_a_meaning_that_was_changed_since_is_left(app: App, site: Site) -> None:
    await say(app)

    payload = await say(app, type="service", fields=[], expectedVersion=0)

    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("CONFLICT", ["expectedVersion"])]
    assert [(one["type"], one["version"]) for one in (await app.gql(KNOWN))["trackingEvents"]["nodes"]] == [
        ("visit", 1)
    ]


async def test_a_new_meaning_takes_the_place_of_the_old_one(app: App, site: Site) -> None:
    first = await say(app)
    same = await say(app, expectedVersion=1)

    changed = await say(app, type="service", fields=[{"field": "subject", "property": "bar"}], expectedVersion=1)

    assert (first["event"]["version"], same["event"]["version"]) == (1, 1)
    assert changed["event"] | {"id": ""} == {
        "id": "",
        "type": "service",
        "amountProperties": ["bill.total", "bill.estimate"],
        "fields": [{"field": "subject", "property": "bar", "times": None}],
        "version": 2,
    }
    assert changed["event"]["id"] == first["event"]["id"]


async def test_an_event_can_mean_only_itself_again(app: App, site: Site) -> None:
    said = await say(app)

    payload = await app.gql(UNMAP, {"id": said["event"]["id"]})
    again = await app.gql(UNMAP, {"id": said["event"]["id"]})

    assert (payload["trackingEventUnmap"]["errors"], again["trackingEventUnmap"]["errors"]) == (
        [],
        [{"code": "NOT_FOUND"}],
    )
    await tell(site, "Wine Tasted", {})
    assert [one["type"] for one in await timeline(app)] == ["track"]


async def test_whoever_says_what_an_event_means_stands_in_the_audit(app: App, site: Site) -> None:
    said = await say(app)
    await say(app, type="service", fields=[])
    await app.gql(UNMAP, {"id": said["event"]["id"]})

    async with app.database.reading() as session:
        entries = await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id)))
    told = [(one.action, one.fields) for one in entries if one.action.startswith("tracking.")]
    assert [action for action, _ in told] == [
        "tracking.event_mapped", "tracking.event_mapped", "tracking.event_unmapped",
    ]  # fmt: skip
    assert told[1][1] == ["type", "fields"]


async def test_an_event_of_any_shape_is_answered(app: App, site: Site) -> None:
    await say(app)

    results = await site.send(
        {"type": "track", "userId": "u", "event": ["Wine Tasted"]},
        {"type": "track", "userId": "u", "event": {"a": 1}},
        {"type": "track", "userId": "u", "event": 17, "properties": {"bill": {"total": []}}},
        {"type": "track", "userId": "u", "event": "Wine Tasted", "properties": {"bill": [1]}},
        {"type": "track", "userId": "u", "event": "Wine Tasted", "properties": {"bill": {"total": {}}}},
    )

    assert [one["status"] for one in results] == ["rejected", "rejected", "accepted", "rejected", "rejected"]
    async with app.database.reading() as session:
        assert len((await session.scalars(select(RejectedMessage))).all()) == 4
        assert len((await session.scalars(select(MappedEvent))).all()) == 1
