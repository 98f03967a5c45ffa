"""A batch is written as a whole: in as many statements for hundreds of messages as for a few."""

import asyncio
from typing import Any

from tests.core.tracking.sites import Site, customers

from regulars.testing.app import App
from regulars.testing.promises.fields import counted_statements


def messages(prefix: str, *, of_each: int) -> list[dict[str, Any]]:
    """Return as many messages of each type: some of known people, some of new ones, some with facts."""
    told: list[dict[str, Any]] = []
    for number in range(of_each):
        name = f"{prefix}-{number}"
        told += [
            {"type": "track", "userId": f"u-{name}", "event": "Shoes Tried On", "messageId": f"t-{name}"},
            {"type": "page", "anonymousId": f"a-{name}", "name": "Shoes", "messageId": f"p-{name}"},
            {"type": "group", "userId": "u-known", "groupId": f"g-{name}", "messageId": f"g-{name}"},
            {
                "type": "identify",
                "userId": "u-known",
                "traits": {"plan": name, "email": f"{name}@example.org"},
                "messageId": f"i-{name}",
            },
        ]
    return told


async def test_two_hundred_messages_need_no_more_statements_than_eight(app: App, site: Site) -> None:
    await site.send(*messages("first", of_each=1))
    with counted_statements(app) as for_eight:
        few = await site.send(*messages("few", of_each=2))

    with counted_statements(app) as for_many:
        many = await site.send(*messages("many", of_each=50))

    assert {one["status"] for one in few + many} == {"accepted"}
    assert (len(many), bool(for_many)) == (200, True)
    assert len(for_many) == len(for_eight)


async def test_messages_that_come_again_need_no_more_statements_however_many(app: App, site: Site) -> None:
    few, many = messages("few", of_each=2), messages("many", of_each=50)
    await site.send(*few, *many)
    with counted_statements(app) as for_eight:
        await site.send(*few)

    with counted_statements(app) as for_many:
        again = await site.send(*many)

    assert {one["status"] for one in again} == {"duplicate"}
    assert len(for_many) == len(for_eight)
    assert len(await app.events("touchpoint.recorded")) == 3 * 52


async def test_messages_that_two_requests_bring_at_once_count_once(app: App, site: Site) -> None:
    told = [
        {"type": "track", "userId": f"u-{number}", "event": "Seen", "messageId": f"m-{number}"} for number in range(20)
    ]

    first, second = await asyncio.gather(site.send(*told), site.send(*told))

    became = [{one["status"], other["status"]} for one, other in zip(first, second, strict=True)]
    assert became == [{"accepted", "duplicate"}] * 20
    assert [len(customer["touchpoints"]["nodes"]) for customer in await customers(app)] == [1] * 20
    assert len(await app.events("touchpoint.recorded")) == 20
