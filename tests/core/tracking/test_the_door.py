import gzip
from datetime import timedelta
from typing import Any

import orjson
import pytest
from tests.core.tracking.sites import Site, customers

from regulars.testing.app import App
from regulars.testing.databases import SqliteDatabases


@pytest.fixture
def databases(sqlite_databases: SqliteDatabases) -> SqliteDatabases:
    """One kind of database: what is tested here happens before anything is written."""
    return sqlite_databases


TRACK = {"userId": "u-1", "event": "Bought"}


async def test_without_strict_mode_a_client_hears_what_it_expects(app: App, site: Site) -> None:
    answer = await site.post("batch", {"batch": [{"type": "dance"}, {"type": "track", **TRACK}]}, strict=False)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(await customers(app)) == 1


async def test_strict_mode_tells_by_the_status_how_much_was_taken(site: Site) -> None:
    good = {"type": "track", **TRACK}

    batches: list[list[dict[str, Any]]] = [[good], [good, {}], [{}]]

    answers = [await site.post("batch", {"batch": batch}) for batch in batches]

    assert [answer.status_code for answer in answers] == [200, 207, 400]


async def test_json_is_read_whatever_it_is_called(app: App, site: Site) -> None:
    types = ("application/json", "text/plain", "application/x-www-form-urlencoded")
    bodies = (orjson.dumps(TRACK), gzip.compress(orjson.dumps(TRACK)))

    answers = [
        await app.client.post("/v1/track", content=body, headers={**site.headers, "content-type": type})
        for body in bodies
        for type in types
    ]

    assert [answer.status_code for answer in answers] == [200] * 6
    (customer,) = await customers(app)
    assert len(customer["touchpoints"]["nodes"]) == 6


BROKEN = {
    "no JSON": b"{",
    "not UTF-8": b'{"userId": "\xff"}',
    "half a pair": b'{"userId": "\\ud800", "event": "x"}',
    "a list": b"[]",
    "nothing": b"",
    "too deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "cut off": gzip.compress(orjson.dumps(TRACK))[:-4],
    "two in one": gzip.compress(orjson.dumps(TRACK)) * 2,
    "false gzip": b"\x1f\x8b nothing",
    "too long": b'{"userId": "' + b"u" * 600_000 + b'"}',
    "a bomb": gzip.compress(b" " * 50_000_000),
}


async def test_what_cannot_be_read_is_refused_and_nothing_is_kept(app: App, site: Site) -> None:
    statuses = {
        name: (await app.client.post("/v1/track", content=body, headers=site.headers)).status_code
        for name, body in BROKEN.items()
    }

    assert statuses == dict.fromkeys(BROKEN, 400)
    assert await customers(app) == []


async def test_a_message_over_32_kilobytes_is_refused_and_the_others_are_taken(app: App, site: Site) -> None:
    large = {"type": "track", **TRACK, "properties": {"text": "x" * 33_000}}

    answer = await site.post("batch", {"batch": [large, {"type": "track", **TRACK}]}, strict=False)

    assert (answer.status_code, answer.json()["code"]) == (400, "TOO_LARGE")
    (customer,) = await customers(app)
    assert len(customer["touchpoints"]["nodes"]) == 1


async def test_only_a_write_key_opens_the_door(app: App, site: Site) -> None:
    admin = await app.key("admin")
    wrong = {"authorization": "Basic " + "cmdsXzpx"}

    answers = [await app.client.post("/v1/track", json=TRACK, headers=headers) for headers in ({}, admin, wrong)]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert await customers(app) == []


async def test_a_write_key_opens_nothing_else(app: App, site: Site) -> None:
    bearer = {"authorization": f"Bearer {site.key}"}

    asked = await app.client.post("/graphql", json={"query": "{ viewer { kind } }"}, headers=bearer)
    basic = await app.client.post("/graphql", json={"query": "{ viewer { kind } }"}, headers=site.headers)
    sent = await app.client.put("/imports/x", content=b"", headers=bearer)

    assert [one.status_code for one in (asked, basic, sent)] == [401, 401, 401]
    assert "only sends events" in asked.text


async def test_a_client_in_a_browser_may_send_its_key_in_the_body(app: App, site: Site) -> None:
    answer = await app.client.post("/v1/t", content=orjson.dumps({**TRACK, "writeKey": site.key}))

    assert answer.status_code == 200
    assert len(await customers(app)) == 1


class TestAllowances:
    @pytest.fixture
    def server_settings(self) -> dict[str, Any]:
        return {"tracking_burst": 3, "tracking_per_second": 0.5}

    async def test_who_sends_too_much_hears_how_long_to_wait_and_nothing_is_kept(self, app: App, site: Site) -> None:
        track = {"type": "track", **TRACK}

        taken = await site.post("batch", {"batch": [track, track]})
        refused = await site.post("batch", {"batch": [track, track]})
        app.clock.advance(timedelta(seconds=2))
        after_a_while = await site.post("batch", {"batch": [track, track]})

        assert [one.status_code for one in (taken, refused, after_a_while)] == [200, 429, 200]
        assert refused.headers["retry-after"] == "2"
        (customer,) = await customers(app)
        assert len(customer["touchpoints"]["nodes"]) == 4


class TestBrowsers:
    @pytest.fixture
    def server_settings(self) -> dict[str, Any]:
        return {"cors_origins": ("https://shop.example",)}

    async def test_a_page_of_a_known_origin_may_send_events(self, app: App, site: Site) -> None:
        asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
        asked["access-control-request-headers"] = "authorization,anonymousid,content-type"

        preflight = await app.client.options("/v1/track", headers=asked)
        sent = await app.client.post("/v1/track", json=TRACK, headers={**site.headers, "origin": asked["origin"]})

        assert preflight.status_code == 200
        assert sent.headers["access-control-allow-origin"] == "https://shop.example"

    async def test_a_page_of_another_origin_hears_nothing(self, app: App) -> None:
        asked = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}

        preflight = await app.client.options("/v1/track", headers=asked)

        assert preflight.status_code == 400
