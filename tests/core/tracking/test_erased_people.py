"""What sites and apps still tell of people who were erased on request."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from tests.core.privacy.canaries import dump_of
from tests.core.tracking.sites import Site, customers, names

from regulars.testing.app import App
from regulars.tracking.models import RejectedMessage

ERASE = 'mutation ($id: ID!) { customerErase(input: {id: $id, reason: "By letter."}) { errors { code } } }'
GRANT = """mutation ($id: ID!) {
  consentGrant(input: {customerId: $id, purpose: "marketing.own", channel: "email", reason: "So said Ada Lovelace.",
                       noticeVersion: "n1", language: "en"}) { errors { code } }
}"""
TELL = """mutation ($id: ID!) {
  traitSet(input: {customerId: $id, traits: [{key: "plan", provenance: "imported", text: "gold of Ada Lovelace"}]}) {
    errors { code }
  }
}"""
ADA: dict[str, Any] = {
    "type": "identify",
    "userId": "user-of-ada",
    "anonymousId": "browser-of-ada",
    "traits": {"email": "ada@example.org", "name": "Ada Lovelace", "plan": "gold"},
}


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    return {"uploads": str(tmp_path / "uploads"), "erasures": str(tmp_path / "erasures.jsonl")}


@pytest.fixture
async def erased_ada(app: App, site: Site) -> str:
    """The id of somebody whom a site told of, and who was erased since."""
    await site.send(ADA)
    (ada,) = await customers(app)
    await app.gql(ERASE, {"id": ada["id"]})
    await app.run_job("core.privacy")
    return str(ada["id"])


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(ADA, id="all again"),
        pytest.param({"type": "track", "userId": "user-of-ada", "event": "Bought"}, id="by user id"),
        pytest.param({"type": "page", "anonymousId": "browser-of-ada"}, id="by browser"),
        pytest.param(
            {"type": "identify", "userId": "another", "traits": {"email": "Ada@Example.org"}}, id="by an address"
        ),
        pytest.param({"type": "alias", "userId": "another", "previousId": "user-of-ada"}, id="under another name"),
    ],
)
@pytest.mark.usefixtures("erased_ada")
async def test_whoever_was_erased_does_not_come_back_by_a_site(app: App, site: Site, message: dict[str, Any]) -> None:
    (result,) = await site.send(message)

    assert (result["status"], result["code"]) == ("rejected", "ADDRESS_ERASED")
    assert [customer["identities"] for customer in await customers(app)] == [[]]
    async with app.database.reading() as session:
        (kept,) = await session.scalars(select(RejectedMessage))
    assert kept.body is None
    assert "ada" not in orjson.dumps(kept.masked).decode().casefold()


@pytest.mark.usefixtures("erased_ada")
async def test_others_in_the_same_request_are_taken_in(app: App, site: Site) -> None:
    results = await site.send(ADA, {"type": "identify", "userId": "u-2", "traits": {"email": "berta@example.org"}})

    assert [result["status"] for result in results] == ["rejected", "accepted"]
    assert ("external", "u-2") in [name for customer in await customers(app) for name in names(customer)]


@pytest.mark.parametrize("change", [GRANT, TELL], ids=["a consent", "a fact"])
async def test_nothing_is_written_about_somebody_who_was_erased(app: App, erased_ada: str, change: str) -> None:
    told = await app.gql(change, {"id": erased_ada})

    ((error,),) = [payload["errors"] for payload in told.values()]
    assert error["code"] in ("NOT_FOUND", "FORBIDDEN_TRANSITION")
    assert "ada lovelace" not in (await dump_of(app.database)).casefold()
