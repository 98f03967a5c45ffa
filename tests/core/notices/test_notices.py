import hashlib
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from regulars.consents.models import ConsentEvent
from regulars.testing.app import App

PUBLISH = """mutation ($version: String!, $text: String!) {
  noticePublish(input: {version: $version, language: "en", text: $text}) {
    notices { version language textSha256 } errors { code path }
  }
}"""
RETIRE = """mutation ($version: String!) {
  noticeRetire(input: {version: $version, reason: "A partner joined"}) {
    notices { version } errors { code path }
  }
}"""
GRANT = """mutation ($id: ID!) { consentGrant(input: {
  customerId: $id, purpose: "marketing.own", channel: "email", reason: "Asked for it", noticeVersion: "2026-01",
  language: "en"}) { errors { code } } }"""
ASK = """query ($id: ID!) {
  consentAt(customerId: $id, purpose: "marketing.own", channel: "email") { status rule }
}"""
TEXT = "We write to you about books, at most once a week."


@pytest.fixture
async def anna(app: App) -> UUID:
    return await app.add_customer("Anna")


async def publish(app: App, version: str = "2026-01", text: str = TEXT) -> dict[str, Any]:
    return dict((await app.gql(PUBLISH, {"version": version, "text": text}, as_="privacy"))["noticePublish"])


async def test_a_grant_under_a_published_notice_carries_the_digest_of_its_text(app: App, anna: UUID) -> None:
    published = await publish(app)

    await app.gql(GRANT, {"id": str(anna)})

    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    async with app.database.reading() as session:
        assert list(await session.scalars(select(col(ConsentEvent.text_sha256)))) == [digest]
    assert published["notices"] == [{"version": "2026-01", "language": "en", "textSha256": digest}]


async def test_a_text_that_was_published_is_never_changed(app: App) -> None:
    first = await publish(app)

    again, other = await publish(app), await publish(app, text="We sell your address.")

    assert again == first
    assert other == {"notices": None, "errors": [{"code": "UNIQUE", "path": ["version"]}]}
    assert len(await app.events("notice.published")) == 1


async def test_under_a_retired_notice_nothing_counts_any_more(app: App, anna: UUID) -> None:
    await publish(app)
    await app.gql(GRANT, {"id": str(anna)})
    before = (await app.gql(ASK, {"id": str(anna)}))["consentAt"]

    retired = await app.gql(RETIRE, {"version": "2026-01"}, as_="privacy")
    await app.gql(RETIRE, {"version": "2026-01"}, as_="privacy")

    assert before == {"status": "granted", "rule": "allowed"}
    assert retired["noticeRetire"] == {"notices": [{"version": "2026-01"}], "errors": []}
    assert (await app.gql(ASK, {"id": str(anna)}))["consentAt"] == {"status": "none", "rule": "reconsent_required"}
    assert len(await app.events("notice.retired")) == 1


async def test_a_notice_that_was_never_published_is_not_retired(app: App) -> None:
    told = await app.gql(RETIRE, {"version": "2025-12"}, as_="privacy")

    assert told["noticeRetire"]["errors"] == [{"code": "NOT_FOUND", "path": ["version"]}]
    assert await app.events("contact_policy.changed") == []
