from uuid import UUID

from tests.plugins.preference_centre.page import opened, somebody

from regulars.testing.app import App

SCORED = "query ($id: ID!) { customer(id: $id) { isScored } }"


async def is_scored(app: App, id: UUID) -> bool:
    scored: bool = (await app.gql(SCORED, {"id": str(id)}))["customer"]["isScored"]
    return scored


async def test_scoring_stops_and_starts_again_by_one_button(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        assert "Nothing is computed of you at the moment." in page.text

        await page.send("scores/stop")
        assert "Existing scores are gone within a minute." in page.text
        assert not await is_scored(app, anna)

        await page.send("scores/allow")
        assert "Scores may be computed again." in page.text
        assert await is_scored(app, anna)
