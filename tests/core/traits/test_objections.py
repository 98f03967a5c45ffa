from typing import Any
from uuid import UUID

import pytest_asyncio

from regulars.testing.app import App

DEFINE = """mutation ($key: String!, $provenance: String!) {
  traitDefine(input: {key: $key, title: "A fact", type: "text", provenance: $provenance}) { errors { message } }
}"""
SET = """mutation ($id: ID!, $key: String!, $provenance: String!, $source: String!, $text: String) {
  traitSet(input: {
    customerId: $id, source: $source, traits: [{key: $key, provenance: $provenance, text: $text}]
  }) { written errors { code } }
}"""
DELETE = """mutation ($id: ID!, $key: String!) {
  traitDelete(input: {customerId: $id, key: $key}) { objections { id kind key method } errors { code path } }
}"""
DISPUTE = """mutation ($id: ID!, $key: String!, $reason: String) {
  traitDispute(input: {customerId: $id, key: $key, reason: $reason}) {
    objections { id kind reason } errors { code path }
  }
}"""
LIFT = "mutation ($id: ID!) { traitObjectionLift(input: {id: $id}) { objection { liftedAt } errors { code } } }"
KNOWN = (
    "query ($id: ID!) { customer(id: $id) { traits { key text disputedAt } traitObjections { key kind liftedAt } } }"
)


@pytest_asyncio.fixture
async def anna(app: App) -> UUID:
    """Return a customer of whom something is guessed, and something said."""
    customer_id = await app.add_customer("Anna")
    await app.gql(DEFINE, {"key": "party", "provenance": "inferred"})
    await app.gql(DEFINE, {"key": "colour", "provenance": "declared"})
    await tell(app, customer_id, "party", "inferred", "model 3", "maybe")
    await tell(app, customer_id, "colour", "declared", "shop", "blue")
    return customer_id


async def tell(app: App, id: UUID, key: str, provenance: str, source: str, text: str) -> list[str]:
    told = {"id": str(id), "key": key, "provenance": provenance, "source": source, "text": text}
    written: list[str] = (await app.gql(SET, told))["traitSet"]["written"]
    return written


async def known(app: App, id: UUID) -> dict[str, Any]:
    customer: dict[str, Any] = (await app.gql(KNOWN, {"id": str(id)}))["customer"]
    return customer


async def test_a_deleted_guess_is_not_made_again_by_the_same_method(app: App, anna: UUID) -> None:
    deleted = (await app.gql(DELETE, {"id": str(anna), "key": "party"}))["traitDelete"]

    assert [(one["kind"], one["method"]) for one in deleted["objections"]] == [("deleted", "model 3")]
    assert await tell(app, anna, "party", "inferred", "model 3", "surely") == []
    assert [one["key"] for one in (await known(app, anna))["traits"]] == ["colour"]


async def test_another_method_may_guess_what_was_deleted(app: App, anna: UUID) -> None:
    await app.gql(DELETE, {"id": str(anna), "key": "party"})

    assert await tell(app, anna, "party", "inferred", "model 4", "surely") == ["party"]


async def test_a_guess_is_made_again_once_that_is_lifted(app: App, anna: UUID) -> None:
    (objection,) = (await app.gql(DELETE, {"id": str(anna), "key": "party"}))["traitDelete"]["objections"]

    lifted = (await app.gql(LIFT, {"id": objection["id"]}))["traitObjectionLift"]

    assert lifted["objection"]["liftedAt"] is not None
    assert await tell(app, anna, "party", "inferred", "model 3", "surely") == ["party"]


async def test_what_the_customer_said_is_deleted_and_can_be_said_anew(app: App, anna: UUID) -> None:
    deleted = (await app.gql(DELETE, {"id": str(anna), "key": "colour"}))["traitDelete"]

    assert deleted == {"objections": [], "errors": []}
    assert [one["key"] for one in (await known(app, anna))["traits"]] == ["party"]
    assert await tell(app, anna, "colour", "declared", "shop", "red") == ["colour"]


async def test_deleting_twice_changes_nothing_more(app: App, anna: UUID) -> None:
    first = await app.gql(DELETE, {"id": str(anna), "key": "party"})

    assert await app.gql(DELETE, {"id": str(anna), "key": "party"}) == first
    assert [event.data for event in await app.events("trait.deleted")] == [{"key": "party"}]


async def test_a_disputed_fact_is_shown_as_such_until_another_value_is_set(app: App, anna: UUID) -> None:
    dispute = {"id": str(anna), "key": "colour", "reason": "It is green."}
    (noted,) = (await app.gql(DISPUTE, dispute))["traitDispute"]["objections"]
    (colour, party) = (await known(app, anna))["traits"]
    await tell(app, anna, "colour", "declared", "shop", "green")

    assert noted["reason"] == "It is green."
    assert (colour["disputedAt"] is not None, party["disputedAt"]) == (True, None)
    after = await known(app, anna)
    assert after["traits"][0] == {"key": "colour", "text": "green", "disputedAt": None}
    assert after["traitObjections"][0]["liftedAt"] is not None


async def test_saying_the_same_again_does_not_end_a_dispute(app: App, anna: UUID) -> None:
    await app.gql(DISPUTE, {"id": str(anna), "key": "colour"})

    await tell(app, anna, "colour", "declared", "shop", "blue")

    assert (await known(app, anna))["traits"][0]["disputedAt"] is not None


async def test_what_nobody_keeps_can_be_neither_deleted_nor_disputed(app: App, anna: UUID) -> None:
    nothing = {"id": str(anna), "key": "shoes"}

    deleted = (await app.gql(DELETE, nothing))["traitDelete"]
    disputed = (await app.gql(DISPUTE, nothing))["traitDispute"]

    expected = {"objections": None, "errors": [{"code": "NOT_FOUND", "path": ["key"]}]}
    assert (deleted, disputed) == (expected, expected)
    assert (await known(app, anna))["traitObjections"] == []


async def test_nothing_is_guessed_of_whoever_opted_out_of_scores(app: App, anna: UUID) -> None:
    opt_out = 'mutation ($id: ID!) { scoringOptOut(input: {customerId: $id, reason: "asked"}) { errors { code } } }'
    await app.gql(opt_out, {"id": str(anna)})

    assert await tell(app, anna, "party", "inferred", "model 4", "surely") == []
    assert await tell(app, anna, "colour", "declared", "shop", "red") == ["colour"]


async def test_a_merge_takes_objections_along_and_gives_them_back(app: App, anna: UUID) -> None:
    berta = await app.add_customer("Berta")
    await app.gql(DELETE, {"id": str(anna), "key": "party"})

    merge = await app.merge(survivor=berta, merged=anna)
    guessed = await tell(app, berta, "party", "inferred", "model 3", "surely")
    await app.unmerge(merge)

    assert guessed == []
    assert await tell(app, berta, "party", "inferred", "model 3", "surely") == ["party"]
    assert await tell(app, anna, "party", "inferred", "model 3", "surely") == []
