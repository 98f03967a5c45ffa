from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from tests.plugins.preference_centre.page import Page, down_link, opened, somebody

from regulars.testing.app import App

DEFINE = """mutation ($key: String!, $title: String!, $provenance: String!, $type: String!) {
  traitDefine(input: {key: $key, title: $title, type: $type, provenance: $provenance, usedFor: "keeping your table"}) {
    errors { message }
  }
}"""
SET = """mutation ($id: ID!, $traits: [TraitValueInput!]!) {
  traitSet(input: {customerId: $id, source: "method 3", traits: $traits}) { written errors { message } }
}"""
WAS = {"wine": "dry <white>", "size": "41.5", "area": "750"}
"""What the page showed of these facts when it was opened."""

KNOWN = "query ($id: ID!) { customer(id: $id) { traits { key text number disputedAt } } }"


@pytest_asyncio.fixture
async def anna(app: App) -> UUID:
    """Return a customer of whom something is known of each kind."""
    id = await somebody(app)
    for key, title, provenance, type in (
        ("wine", "Favourite wine", "declared", "text"),
        ("size", "Size of shoes", "declared", "number"),
        ("thursday", "Comes on Thursdays", "observed", "boolean"),
        ("party", "Plans a party", "inferred", "text"),
        ("area", "Postcode area", "imported", "text"),
    ):
        await app.gql(DEFINE, {"key": key, "title": title, "provenance": provenance, "type": type})
    traits = [
        {"key": "wine", "provenance": "declared", "text": "dry <white>"},
        {"key": "size", "provenance": "declared", "number": "41.5"},
        {"key": "thursday", "provenance": "observed", "boolean": True},
        {"key": "party", "provenance": "inferred", "text": "maybe"},
        {"key": "area", "provenance": "imported", "text": "750"},
    ]
    told = (await app.gql(SET, {"id": str(id), "traits": traits}))["traitSet"]
    assert told["errors"] == []
    return id


async def known(app: App, id: UUID) -> dict[str, Any]:
    """Return the values that the shop sees, by key."""
    traits = (await app.gql(KNOWN, {"id": str(id)}))["customer"]["traits"]
    return {one["key"]: one["text"] or one["number"] or "there" for one in traits}


async def guess_again(app: App, id: UUID) -> list[str]:
    traits = [{"key": "party", "provenance": "inferred", "text": "surely"}]
    written: list[str] = (await app.gql(SET, {"id": str(id), "traits": traits}))["traitSet"]["written"]
    return written


async def test_every_fact_is_shown_with_its_kind_source_day_and_use(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        assert "Favourite wine: dry <white> You told us" in page.text
        assert "Comes on Thursdays: yes We saw it" in page.text
        assert "Plans a party: maybe We guessed From: method 3 , 2 March 2026 Used for: keeping your table" in (
            page.text.replace("method 3,", "method 3 ,")
        )
        assert "Postcode area: 750 Came from elsewhere" in page.text
        assert "anna@example.org E-mail address, confirmed, known since 2 March 2026" in page.text
        assert "dry <white>" not in page.shown.text


@pytest.mark.parametrize(("language", "figures"), [("en", "41.5"), ("de", "41,5"), ("ar", "41.5")])
async def test_a_number_is_written_as_the_language_writes_it(app: App, anna: UUID, language: str, figures: str) -> None:
    async with opened(app, anna) as page:
        await page.get(f"/preferences?lang={language}")

        assert f"Size of shoes: {figures}" in page.text


async def test_what_happened_is_summed_up_by_type(app: App, anna: UUID) -> None:
    await app.add_touchpoint(anna, "order", amount="10")
    await app.add_touchpoint(anna, "order", amount="20")

    async with opened(app, anna) as page:
        assert "Orders: 2 between 2 March 2026 and 2 March 2026" in page.text


async def test_a_deleted_guess_goes_and_is_not_made_again_until_it_is_allowed(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("known/delete", fact="party")
        assert "Deleted. It is not guessed again by the same method." in page.text
        assert "Guesses that stay away Plans a party" in page.text
        assert await guess_again(app, anna) == []

        await page.send("known/lift")

        assert "It may be guessed again." in page.text
        assert await guess_again(app, anna) == ["party"]


async def test_all_guesses_are_deleted_at_once_and_nothing_else(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("known/delete_guesses")

        assert "All guesses are deleted." in page.text
        assert set(await known(app, anna)) == {"wine", "size", "thursday", "area"}


async def test_what_the_customer_said_can_be_edited_and_stays_their_word(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("known/edit", fact="wine", value="red", was=WAS["wine"])
        await page.send("known/edit", fact="size", value="42,5", was=WAS["size"])

        assert "Favourite wine: red You told us On this page" in page.text
    found = await known(app, anna)
    assert found["wine"] == "red"
    assert Decimal(found["size"]) == Decimal("42.5")


@pytest.mark.parametrize(
    ("fact", "value", "said"),
    [("wine", " ", "Write what is right, or delete it."), ("size", "big", "Write a number, such as 41.5.")],
)
async def test_what_cannot_be_kept_is_said_beside_its_field_with_the_input(
    app: App, anna: UUID, fact: str, value: str, said: str
) -> None:
    before = await known(app, anna)

    async with opened(app, anna) as page:
        answer = await page.send("known/edit", fact=fact, value=value, was=WAS[fact])

        assert answer.status_code == 422
        assert f'<a href="#known-value-{fact}">{said}</a>' in answer.text
        assert f'id="known-value-{fact}" name="value" value="{value}"' in answer.text
    assert await known(app, anna) == before


async def test_an_old_tab_does_not_undo_a_newer_word(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        target, hidden = page.form("known/edit")
        await page.send("known/edit", fact="wine", value="red", was="dry <white>")
        answer = await page.client.post(target, data={**hidden, "fact": "wine", "value": "rosé", "was": "dry <white>"})

    assert answer.status_code == 409
    assert "The newer choice stays: Favourite wine." in answer.text
    assert (await known(app, anna))["wine"] == "red"


async def test_what_others_said_cannot_be_edited_into_the_customers_word(app: App, anna: UUID) -> None:
    before = await known(app, anna)

    async with opened(app, anna) as page:
        answer = await page.send("known/edit", fact="area", value="751", was=WAS["area"])

    assert answer.status_code == 422
    assert await known(app, anna) == before


async def test_a_disputed_fact_is_marked_for_the_customer_and_for_the_shop(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("known/dispute", fact="area", reason="I moved.")

        assert "You say this is wrong, 2 March 2026" in page.text
        traits = (await app.gql(KNOWN, {"id": str(anna)}))["customer"]["traits"]
        assert [one["key"] for one in traits if one["disputedAt"]] == ["area"]


async def test_nothing_that_is_known_opens_with_the_link_of_a_message(app: App, anna: UUID) -> None:
    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna))
        shown = page.shown.text
        deleted = await client.post(f"{down_link(app, anna)}/known/delete", data={"fact": "party"})

    assert "white" not in shown
    assert "Plans a party" not in shown
    assert deleted.status_code == 404
    assert "party" in await known(app, anna)


async def test_without_the_forms_own_token_nothing_is_deleted(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        answer = await page.client.post("/preferences/known/delete", data={"fact": "party", "visit": "guessed"})

    assert answer.status_code == 403
    assert "party" in await known(app, anna)


async def test_looking_changes_nothing(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        before = len(await app.events())
        await page.get()
        await page.get("/preferences/known/delete_guesses")

    assert len(await app.events()) == before
    assert "party" in await known(app, anna)
