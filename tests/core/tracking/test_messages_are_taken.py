from datetime import timedelta

from tests.core.tracking.sites import Site, customers, names, traits, write_key

from regulars.testing.app import App


async def test_a_track_stands_in_the_timeline_of_whoever_the_site_knows(app: App, site: Site) -> None:
    sent = {"userId": "u-1", "event": "Shoes Tried On", "properties": {"size": 42}, "messageId": "m-1"}

    answer = await site.post("track", sent)

    assert (answer.status_code, answer.json()["results"][0]["status"]) == (200, "accepted")
    (customer,) = await customers(app)
    assert names(customer) == [("external", "u-1")]
    (touchpoint,) = customer["touchpoints"]["nodes"]
    assert touchpoint == {
        "type": "track",
        "channel": None,
        "source": "site",
        "externalId": "m-1",
        "payload": {"event": "Shoes Tried On", "properties": {"size": 42}},
        "occurredAt": "2026-03-02T12:00:00.000000Z",
    }


async def test_pages_screens_and_groups_are_touchpoints_of_their_own_types(app: App, site: Site) -> None:
    answers = await site.send(
        {"type": "page", "userId": "u-1", "name": "Shoes", "properties": {"url": "https://shop.example/shoes"}},
        {"type": "screen", "userId": "u-1", "name": "Basket"},
        {"type": "group", "userId": "u-1", "groupId": "g-7", "traits": {"industry": "Toys"}},
    )

    assert [answer["status"] for answer in answers] == ["accepted"] * 3
    (customer,) = await customers(app)
    told = {one["type"]: (one["channel"], one["payload"]) for one in customer["touchpoints"]["nodes"]}
    assert told == {
        "page": ("web", {"name": "Shoes", "properties": {"url": "https://shop.example/shoes"}}),
        "screen": ("app", {"name": "Basket"}),
        "group": (None, {"group_id": "g-7", "traits": {"industry": "Toys"}}),
    }
    assert traits(customer) == {"group_id": "g-7"}


async def test_an_identify_claims_names_and_tells_imported_traits(app: App, site: Site) -> None:
    told = {
        "email": "Ada@Example.org",
        "name": "Ada Lovelace",
        "plan": "gold",
        "logins": 3,
        "address": {"city": "Bath"},
    }

    await site.post("identify", {"userId": "u-1", "traits": told})

    (customer,) = await customers(app)
    verified = {one["kind"]: one["verifiedAt"] is not None for one in customer["identities"]}
    assert (customer["displayName"], verified) == ("Ada Lovelace", {"email": False, "external": True})
    assert traits(customer) == {"plan": "gold", "logins": "3.00", "address.city": "Bath"}
    assert {trait["provenance"] for trait in customer["traits"]} == {"imported"}


async def test_a_name_that_is_there_is_not_overwritten_by_a_site(app: App, site: Site) -> None:
    await site.post("identify", {"userId": "u-1", "traits": {"name": "Ada"}})

    await site.post("identify", {"userId": "u-1", "traits": {"name": "Somebody Else"}})

    assert [customer["displayName"] for customer in await customers(app)] == ["Ada"]


async def test_the_newest_value_of_a_trait_wins_whatever_the_order_in_which_it_comes(app: App, site: Site) -> None:
    late, early = "2026-03-01T12:00:00Z", "2026-02-01T12:00:00Z"

    await site.post("identify", {"userId": "u-1", "traits": {"plan": "gold"}, "timestamp": late})
    await site.post("identify", {"userId": "u-1", "traits": {"plan": "free"}, "timestamp": early})

    assert [traits(customer) for customer in await customers(app)] == [{"plan": "gold"}]


async def test_null_clears_a_trait(app: App, site: Site) -> None:
    await site.post("identify", {"userId": "u-1", "traits": {"plan": "gold", "size": 4}})
    app.clock.advance(timedelta(minutes=1))

    await site.post("identify", {"userId": "u-1", "traits": {"plan": None}})

    assert [traits(customer) for customer in await customers(app)] == [{"size": "4.00"}]


async def test_a_site_never_writes_what_the_customer_declared(app: App, site: Site) -> None:
    define = """mutation { traitDefine(input: {key: "diet", title: "Diet", type: "text", provenance: "declared"}) {
      errors { code } } }"""
    await app.gql(define)

    answer = await site.post("identify", {"userId": "u-1", "traits": {"diet": "vegan", "plan": "gold"}})

    (result,) = answer.json()["results"]
    assert (result["status"], [part["name"] for part in result["ignored"]]) == ("accepted", ["diet"])
    assert [traits(customer) for customer in await customers(app)] == [{"plan": "gold"}]


async def test_what_cannot_be_kept_of_an_identify_is_told_and_holds_up_nothing_else(app: App, site: Site) -> None:
    told = {"email": "undefined", "phone": "12", "tags": ["a"], "odd key!": 1, "plan": "gold"}

    answer = await site.post("identify", {"userId": "u-1", "traits": told})

    ignored = {part["name"] for part in answer.json()["results"][0]["ignored"]}
    assert ignored == {"email", "phone", "tags", "odd key!"}
    assert [traits(customer) for customer in await customers(app)] == [{"plan": "gold"}]


async def test_a_message_counts_once_however_often_it_comes(app: App, site: Site) -> None:
    track = {"type": "track", "userId": "u-1", "event": "Bought", "messageId": "m-1"}
    identify = {"type": "identify", "userId": "u-1", "traits": {"plan": "gold"}, "messageId": "m-2"}
    first = await site.send(track, identify, track)
    app.clock.advance(timedelta(hours=1))

    again = await site.send(track, identify)

    assert [one["status"] for one in first] == ["accepted", "accepted", "duplicate"]
    assert [one.get("duplicate") for one in again] == [True, True]
    (customer,) = await customers(app)
    assert len(customer["touchpoints"]["nodes"]) == 1


async def test_the_same_message_id_of_another_source_is_another_message(app: App, site: Site) -> None:
    other = Site(app, await write_key(app, "app"))
    track = {"userId": "u-1", "event": "Bought", "messageId": "m-1"}

    await site.post("track", track)
    answer = await other.post("track", track)

    assert answer.json()["results"][0]["status"] == "accepted"
    assert len(await customers(app)) == 2


async def test_a_wrong_clock_of_the_client_does_no_harm(app: App, site: Site) -> None:
    in_the_future = {"timestamp": "2031-01-01T00:00:00Z", "sentAt": "2031-01-01T00:10:00Z"}

    await site.post("track", {"userId": "u-1", "event": "Bought", **in_the_future})

    (customer,) = await customers(app)
    assert [one["occurredAt"] for one in customer["touchpoints"]["nodes"]] == ["2026-03-02T11:50:00.000000Z"]


async def test_a_message_that_is_wrong_holds_up_no_other(app: App, site: Site) -> None:
    results = await site.send(
        {"type": "track", "userId": "u-1", "event": "Bought"},
        {"type": "track", "userId": "u-1"},
        {"type": "track", "event": "Bought"},
        {"type": "dance", "userId": "u-1"},
        {"type": "track", "userId": "undefined", "event": "Bought"},
        {"type": "track", "userId": "u-1", "event": "Bought", "timestamp": "yesterday"},
        "nothing",  # type: ignore[arg-type]  # clients send anything
    )

    assert [one["status"] for one in results] == ["accepted", *["rejected"] * 6]
    assert [one.get("code") for one in results[1:]] == [
        "INVALID", "REQUIRED", "UNKNOWN_VALUE", "PLACEHOLDER", "INVALID", "INVALID",
    ]  # fmt: skip
    (customer,) = await customers(app)
    assert len(customer["touchpoints"]["nodes"]) == 1
