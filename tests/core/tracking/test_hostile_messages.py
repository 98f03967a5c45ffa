"""What strangers can send with a key that lies open in a page: never a fault, never a stack."""

import asyncio
from random import Random
from typing import Any

import orjson
from tests.core.tracking.sites import Site, customers, names

from regulars.testing.app import App

VALUES: list[Any] = [
    None, True, 0, -1, 10**30, 1e308, "", " ", "null", "\x00", "a\x00b", "x" * 300, "🦶" * 200, "\u202e", "=1+1",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-02-30", [], {}, [[]], {"": ""}, {"a": {"b": {"c": {}}}},
    {"\x00": "\x00"}, ["x"] * 50, {"$ref": "#"}, "ada@example.org", "'; DROP TABLE core_customer; --",
]  # fmt: skip
FIELDS = (
    "type", "userId", "anonymousId", "previousId", "groupId", "event", "name", "category", "messageId", "timestamp",
    "sentAt", "originalTimestamp", "properties", "traits", "context", "channel", "integrations",
)  # fmt: skip


def hostile(random: Random) -> dict[str, Any]:
    """Return a message in which some fields are what nobody expects."""
    message: dict[str, Any] = {
        "type": random.choice(["track", "identify", "page", "screen", "group", "alias"]),
        "userId": random.choice(["u-1", "u-2", "u-3"]),
        "event": "Bought",
        "groupId": "g-1",
        "previousId": random.choice(["u-1", "a-1", "a-2"]),
        "traits": {"plan": "gold", "email": "ada@example.org"},
    }
    for field in random.sample(FIELDS, random.randint(0, 3)):
        message[field] = random.choice(VALUES)
    for part in ("properties", "traits", "context"):
        if random.random() < 0.3:
            message[part] = {str(random.choice(VALUES))[:40]: random.choice(VALUES) for _ in range(3)}
    if random.random() < 0.2:
        message["context"] = {"consent": {random.choice(["categoryPreferences", "changes"]): random.choice(VALUES)}}
    return message


async def test_no_message_makes_the_server_fail(app: App, site: Site) -> None:
    random = Random(20260302)
    batches: list[list[Any]] = [[hostile(random) for _ in range(40)] for _ in range(10)]
    deep = orjson.loads("[" * 200 + "]" * 200)
    batches.append([{"type": "track", "userId": "u-1", "event": "x", "properties": {"deep": deep}}, None, 7, []])

    answers = [await site.post("batch", {"batch": batch}) for batch in batches]

    assert {answer.status_code for answer in answers} <= {200, 207, 400}
    statuses = {result["status"] for answer in answers for result in answer.json()["results"]}
    assert statuses == {"accepted", "rejected"}
    shown = await app.gql("{ trackingRejections(first: 100) { nodes { message reason } } }")
    assert len(shown["trackingRejections"]["nodes"]) > 10
    assert "ada@example" not in orjson.dumps(shown).decode()


async def test_batches_that_name_the_same_strangers_at_once_create_each_of_them_once(app: App, site: Site) -> None:
    people = [{"type": "track", "anonymousId": f"a-{number}", "event": "Seen"} for number in range(30)]
    batches = [people, people[::-1], people[10:] + people[:10]] * 2

    answers = await asyncio.gather(*(site.post("batch", {"batch": batch}) for batch in batches))

    assert [answer.status_code for answer in answers] == [200] * 6
    found = await app.gql("{ customers(first: 100) { nodes { touchpoints { totalCount } } } }")
    assert [one["touchpoints"]["totalCount"] for one in found["customers"]["nodes"]] == [6] * 30


async def test_the_same_batch_sent_many_times_at_once_counts_once(app: App, site: Site) -> None:
    batch = [
        {"type": kind, "userId": "u-1", "event": "Seen", "messageId": f"m-{number}", "traits": {"plan": "gold"}}
        for number, kind in enumerate(["track", "identify"] * 10)
    ]

    answers = await asyncio.gather(*(site.post("batch", {"batch": batch}) for _ in range(4)))

    assert [answer.status_code for answer in answers] == [200] * 4
    (customer,) = await customers(app)
    assert names(customer) == [("external", "u-1")]
    assert len(customer["touchpoints"]["nodes"]) == 10
