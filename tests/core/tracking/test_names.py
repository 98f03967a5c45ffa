from typing import Any

from tests.core.tracking.sites import Site, customers, names

from regulars.testing.app import App


async def test_a_visitor_keeps_their_history_when_they_give_their_user_id(app: App, site: Site) -> None:
    await site.send({"type": "page", "anonymousId": "a-1", "name": "Shoes"})

    await site.send({"type": "identify", "anonymousId": "a-1", "userId": "u-1"})

    (customer,) = await customers(app)
    assert names(customer) == [("external", "u-1"), ("visitor", "a-1")]
    assert len(customer["touchpoints"]["nodes"]) == 1


async def test_a_visitor_who_turns_out_to_be_a_known_customer_becomes_one_with_them(app: App, site: Site) -> None:
    await site.send({"type": "track", "userId": "u-1", "event": "Bought"})
    await site.send({"type": "page", "anonymousId": "a-1"})

    await site.send({"type": "identify", "anonymousId": "a-1", "userId": "u-1"})

    (customer,) = await customers(app)
    assert {one["type"] for one in customer["touchpoints"]["nodes"]} == {"track", "page"}


async def test_two_users_of_one_device_stay_two_customers(app: App, site: Site) -> None:
    await site.send({"type": "identify", "anonymousId": "a-1", "userId": "u-1"})

    await site.send({"type": "identify", "anonymousId": "a-1", "userId": "u-2"})
    await site.send({"type": "page", "anonymousId": "a-1"})

    first, second = await customers(app)
    assert (names(first), names(second)) == ([("external", "u-1"), ("visitor", "a-1")], [("external", "u-2")])
    assert [len(one["touchpoints"]["nodes"]) for one in (first, second)] == [1, 0]


async def test_an_address_that_somebody_typed_joins_nobody(app: App, site: Site) -> None:
    await app.add_customer("Ada", email="ada@example.org")

    await site.send({"type": "identify", "userId": "u-1", "traits": {"email": "ada@example.org"}})

    ada, other = await customers(app)
    assert (names(ada), names(other)) == (
        [("email", "ada@example.org")],
        [("email", "ada@example.org"), ("external", "u-1")],
    )


async def test_an_alias_gives_a_visitor_their_user_id(app: App, site: Site) -> None:
    await site.send({"type": "page", "anonymousId": "a-1"})

    await site.send({"type": "alias", "previousId": "a-1", "userId": "u-1"})

    (customer,) = await customers(app)
    assert names(customer) == [("external", "u-1"), ("visitor", "a-1")]


async def test_an_alias_of_two_identified_customers_never_merges_them(app: App, site: Site) -> None:
    await site.send({"type": "identify", "userId": "u-1"}, {"type": "identify", "userId": "u-2"})

    (result,) = await site.send({"type": "alias", "previousId": "u-1", "userId": "u-2"})

    assert result["status"] == "accepted"
    assert [names(one) for one in await customers(app)] == [[("external", "u-1")], [("external", "u-2")]]


SUGGESTIONS = """{ customerMergeSuggestions { nodes { id reason suggestedBy first { id } second { id } } } }"""
DISMISS = """mutation ($id: ID!) { customerMergeSuggestionDismiss(input: {id: $id}) {
  suggestionId errors { code } } }"""


async def suggested(app: App, site: Site) -> dict[str, Any]:
    await site.send({"type": "identify", "userId": "u-1"}, {"type": "identify", "userId": "u-2"})
    alias = {"type": "alias", "previousId": "u-1", "userId": "u-2"}
    await site.send(alias, alias)
    (suggestion,) = (await app.gql(SUGGESTIONS))["customerMergeSuggestions"]["nodes"]
    found: dict[str, Any] = suggestion
    return found


async def test_an_alias_of_two_identified_customers_suggests_their_merge_once(app: App, site: Site) -> None:
    suggestion = await suggested(app, site)

    assert {suggestion["first"]["id"], suggestion["second"]["id"]} == {one["id"] for one in await customers(app)}
    assert suggestion["suggestedBy"].startswith("source:")


async def test_a_suggestion_is_gone_once_the_two_are_merged(app: App, site: Site) -> None:
    suggestion = await suggested(app, site)

    await app.merge(survivor=suggestion["first"]["id"], merged=suggestion["second"]["id"])

    assert (await app.gql(SUGGESTIONS))["customerMergeSuggestions"]["nodes"] == []


async def test_a_suggestion_that_was_dismissed_does_not_come_again(app: App, site: Site) -> None:
    suggestion = await suggested(app, site)

    payload = (await app.gql(DISMISS, {"id": suggestion["id"]}))["customerMergeSuggestionDismiss"]
    await site.send({"type": "alias", "previousId": "u-1", "userId": "u-2"})

    assert payload == {"suggestionId": suggestion["id"], "errors": []}
    assert (await app.gql(SUGGESTIONS))["customerMergeSuggestions"]["nodes"] == []
