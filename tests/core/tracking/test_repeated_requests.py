"""Requests of sites and apps under an idempotency key, and what their browsers ask for in headers."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import select, update
from tests.core.tracking.sites import Site, customers, write_key

from regulars.consents.models import GpcSignal
from regulars.idempotency.models import KeptAnswer
from regulars.idempotency.service import keyed_request
from regulars.testing.app import App
from regulars.web.gpc import HEADER

BATCH = {"batch": [{"type": "track", "userId": "u-1", "event": "Bought"}, {"type": "dance", "userId": "u-2"}]}
ERASE = 'mutation ($id: ID!) { customerErase(input: {id: $id, reason: "By letter."}) { errors { code } } }'
BOUGHT_TWICE = {"batch": [{"type": "track", "userId": "u-1", "event": "Bought"}] * 2}


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    return {"uploads": str(tmp_path / "uploads"), "erasures": str(tmp_path / "erasures.jsonl")}


async def send(app: App, site: Site, key: str, body: Any = BATCH, **headers: str) -> httpx.Response:
    given = {**site.headers, "x-strict-mode": "1", "idempotency-key": key, **headers}
    return await app.client.post("/v1/batch", content=orjson.dumps(body), headers=given)


async def bought(app: App) -> int:
    """Return how many touchpoints there are."""
    return sum([len(one["touchpoints"]["nodes"]) for one in await customers(app)])


async def signals(app: App) -> list[GpcSignal]:
    async with app.database.reading() as session:
        return list(await session.scalars(select(GpcSignal)))


async def test_the_same_key_gets_the_same_answer_and_counts_once(app: App, site: Site) -> None:
    first = await send(app, site, "k1")
    again = await send(app, site, "k1")

    assert first.status_code == again.status_code == 207
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await bought(app) == 1
    assert len(await app.events("touchpoint.recorded")) == 1


async def test_without_a_key_or_message_ids_the_same_counts_twice(app: App, site: Site) -> None:
    await site.post("batch", BATCH)
    await site.post("batch", BATCH)

    assert await bought(app) == 2


async def test_a_key_that_was_used_for_something_else_is_refused(app: App, site: Site) -> None:
    await send(app, site, "k1")

    other = await send(app, site, "k1", BOUGHT_TWICE)
    not_strict = await send(app, site, "k1", **{"x-strict-mode": "0"})

    assert [(one.status_code, one.json()["code"]) for one in (other, not_strict)] == [(422, "IDEMPOTENCY_CONFLICT")] * 2
    assert await bought(app) == 1


async def test_a_key_that_is_no_key_is_refused(app: App, site: Site) -> None:
    answer = await send(app, site, "k" * 256)

    assert answer.status_code == 400
    assert await bought(app) == 0


async def test_a_request_whose_first_one_is_being_worked_on_is_told_to_come_again(app: App, site: Site) -> None:
    answers = await asyncio.gather(*(send(app, site, "k1") for _ in range(4)))
    afterwards = await send(app, site, "k1")

    assert {answer.status_code for answer in answers} <= {207, 409}
    assert 207 in {answer.status_code for answer in answers}
    assert afterwards.headers["idempotency-replayed"] == "true"
    assert await bought(app) == 1


async def test_a_key_that_this_process_is_working_on_answers_409(app: App, site: Site) -> None:
    sender = await app.server.sender(site.key)
    with app.server.keys_in_flight.held(keyed_request(sender, "k1")):
        answer = await send(app, site, "k1")

    assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_IN_FLIGHT")
    assert await bought(app) == 0


async def test_the_key_of_another_source_is_another_key(app: App, site: Site) -> None:
    other = Site(app, await write_key(app, "app"))

    answers = [await send(app, one, "k1") for one in (site, other)]

    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, None]
    assert await bought(app) == 2


async def test_a_key_counts_for_two_days(app: App, site: Site) -> None:
    await send(app, site, "k1")
    app.clock.advance(timedelta(hours=47))
    await app.run_job("core.retention")
    within = await send(app, site, "k1")
    app.clock.advance(timedelta(hours=2))
    await app.run_job("core.retention")

    after = await send(app, site, "k1")

    assert [one.headers.get("idempotency-replayed") for one in (within, after)] == ["true", None]
    assert await bought(app) == 2


async def test_an_answer_that_was_erased_is_not_given_and_nothing_counts_again(app: App, site: Site) -> None:
    await send(app, site, "k1")
    async with app.database.writing() as session:
        await session.execute(update(KeptAnswer).values(answer=None))

    again = await send(app, site, "k1")

    assert (again.status_code, again.json()["code"]) == (410, "IDEMPOTENCY_ANSWER_ERASED")
    assert await bought(app) == 1


async def test_an_answer_that_says_something_of_a_person_goes_with_them(app: App, site: Site) -> None:
    person = {
        "type": "identify",
        "userId": "u-1",
        "traits": {"email": "Ada@Example.org"},
        "messageId": "ada@example.org",
    }
    await send(app, site, "k1", {"batch": [person]})
    (customer,) = await customers(app)
    asked = await app.gql(ERASE, {"id": customer["id"]})

    await app.run_job("core.privacy")

    again = await send(app, site, "k1", {"batch": [person]})
    assert asked["customerErase"]["errors"] == []
    assert (again.status_code, again.json()["code"]) == (410, "IDEMPOTENCY_ANSWER_ERASED")


async def test_a_browser_that_asks_for_no_sharing_is_heeded_once_for_whom_it_tells_of(app: App, site: Site) -> None:
    await send(app, site, "k1", BOUGHT_TWICE, **{HEADER: "1"})
    await send(app, site, "k2", BOUGHT_TWICE, **{HEADER: "1"})

    (signal,) = await signals(app)
    (event,) = await app.events("consent.gpc_seen")
    assert event.subject == f"customer:{signal.customer_id}"
    assert await bought(app) == 4


async def test_a_visitor_who_asked_for_no_sharing_is_heeded_once_it_is_known_who_they_are(app: App, site: Site) -> None:
    page = {"batch": [{"type": "page", "anonymousId": "a-1", "name": "Shoes"}]}
    known = {"batch": [{"type": "identify", "anonymousId": "a-1", "userId": "u-1"}]}

    await send(app, site, "k1", page, **{HEADER: "1"})
    await send(app, site, "k2", known)

    (customer,) = await customers(app)
    (signal,) = await signals(app)
    assert customer["id"].endswith(signal.customer_id.hex)


async def test_what_is_rejected_or_sent_without_the_signal_stops_no_sharing(app: App, site: Site) -> None:
    await send(app, site, "k1", BOUGHT_TWICE)
    await send(app, site, "k2", {"batch": [{"type": "dance", "userId": "u-1"}]}, **{HEADER: "1"})

    assert await signals(app) == []
