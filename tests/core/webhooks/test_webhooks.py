from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.core.webhooks.conftest import CREATE, Receiver, answer, change, deliveries, subscribe

from regulars.clock import SettableClock
from regulars.errors import InvalidInput
from regulars.events.wanted import check_event_types, is_wanted
from regulars.testing.app import App

HOUR = timedelta(hours=1)
NOT_ENABLED = "FORBIDDEN_TRANSITION"


async def webhooks(app: App) -> list[dict[str, Any]]:
    fields = "id url description eventTypes isEnabled version secrets { createdAt expiresAt }"
    nodes: list[dict[str, Any]] = (await app.gql(f"{{ webhooks {{ nodes {{ {fields} }} }} }}"))["webhooks"]["nodes"]
    return nodes


def period(clock: SettableClock) -> dict[str, str]:
    return {"since": (clock.now() - HOUR).isoformat(), "until": (clock.now() + HOUR).isoformat()}


async def test_the_secret_is_shown_once_and_kept_nowhere(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "*")

    (webhook,) = await webhooks(app)
    async with app.database.reading() as session:
        rows = [
            str(row)
            for table in ("core_webhook", "core_webhook_secret")
            for row in await session.execute(text(f"SELECT * FROM {table}"))
        ]

    assert receiver.secrets[0].startswith("whsec_")
    assert list(webhook["secrets"][0]) == ["createdAt", "expiresAt"]
    assert receiver.secrets[0].removeprefix("whsec_") not in str(rows)


async def test_an_address_that_is_never_reached_is_refused(app: App) -> None:
    payload = (await app.gql(CREATE, {"url": "https://127.0.0.1/", "types": ["*"]}))["webhookCreate"]

    assert payload["errors"][0]["path"] == ["url"]
    assert payload["secret"] is None
    assert await webhooks(app) == []


async def test_what_names_no_type_of_event_is_refused(app: App, receiver: Receiver) -> None:
    payload = (await app.gql(CREATE, {"url": receiver.url, "types": ["customer created"]}))["webhookCreate"]

    assert payload["errors"][0]["path"] == ["eventTypes"]
    assert await webhooks(app) == []


@pytest.mark.parametrize("types", [[], ["*.created"], ["customer.**"], ["Customer.created"], [""], ["a" * 101]])
def test_types_of_a_wrong_form_are_refused(types: list[str]) -> None:
    with pytest.raises(InvalidInput):
        check_event_types(types, path="eventTypes")


@pytest.mark.parametrize(
    ("type", "wanted", "is_told"),
    [
        ("customer.created", ["customer.created"], True),
        ("customer.created", ["customer.*"], True),
        ("customer.created", ["*"], True),
        ("customer.identity.added", ["customer.*"], True),
        ("customer.identity.added", ["customer.identity.*"], True),
        ("customer.created", ["customer"], False),
        ("customer.created", ["custom.*"], False),
        ("customer", ["customer.*"], False),
        ("webhook.test", ["*", "webhook.test"], False),
    ],
)
def test_a_type_is_told_to_who_names_it_or_its_beginning(type: str, wanted: list[str], is_told: bool) -> None:
    assert is_wanted(type, wanted) is is_told


async def test_a_webhook_is_changed(app: App, receivers: list[Receiver]) -> None:
    first, second = receivers
    id = await subscribe(app, first, "customer.*")

    payload = await change(app, "webhookUpdate", id=id, url=second.url, eventTypes=["trait.*"], expectedVersion=1)

    (webhook,) = await webhooks(app)
    assert payload["errors"] == []
    assert (webhook["url"], webhook["eventTypes"], webhook["version"]) == (second.url, ["trait.*"], 2)


async def test_a_change_of_another_version_is_refused(app: App, receiver: Receiver) -> None:
    id = await subscribe(app, receiver, "customer.*")

    payload = await change(app, "webhookUpdate", id=id, eventTypes=["*"], expectedVersion=7)

    assert payload["errors"][0]["code"] == "CONFLICT"
    assert (await webhooks(app))[0]["eventTypes"] == ["customer.*"]


async def test_a_webhook_is_deleted_with_all_that_belongs_to_it(app: App, receiver: Receiver) -> None:
    id = await subscribe(app, receiver, "customer.*")
    await app.add_customer()
    await app.deliver_webhooks()

    payload = await change(app, "webhookDelete", id=id)
    await app.add_customer()
    await app.deliver_webhooks()

    async with app.database.reading() as session:
        tables = ("core_webhook", "core_webhook_secret", "core_webhook_delivery", "core_webhook_attempt")
        counts = [await session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables]
    assert payload["errors"] == []
    assert counts == [0, 0, 0, 0]
    assert len(receiver.bodies) == 1


async def test_a_webhook_that_does_not_exist_is_told_as_that(app: App) -> None:
    payload = await change(app, "webhookTest", id="Webhook_" + "0" * 32)

    assert payload["errors"][0]["code"] == "NOT_FOUND"


async def test_two_secrets_sign_while_they_are_exchanged(app: App, receiver: Receiver, clock: SettableClock) -> None:
    id = await subscribe(app, receiver, "customer.*")
    (old,) = receiver.secrets
    new = (await change(app, "webhookSecretRotate", "secret", id=id, overlapHours=1))["secret"]

    await app.add_customer()
    await app.deliver_webhooks()
    receiver.secrets = [new]
    await app.add_customer()
    await app.deliver_webhooks()
    clock.advance(2 * HOUR)
    receiver.secrets, receiver.is_timeless = [old], True
    await app.add_customer()
    await app.deliver_webhooks()

    signatures = [len(headers["webhook-signature"].split(" ")) for headers in receiver.headers]
    assert old != new
    assert signatures == [2, 2, 1]
    assert (len(receiver.bodies), receiver.refused) == (2, 1)


async def test_never_more_than_two_secrets_sign(app: App, receiver: Receiver, clock: SettableClock) -> None:
    id = await subscribe(app, receiver, "customer.*")
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        await change(app, "webhookSecretRotate", id=id)

    await app.add_customer()
    await app.deliver_webhooks()

    (webhook,) = await webhooks(app)
    assert [secret["expiresAt"] is None for secret in webhook["secrets"]] == [True, False]
    assert len(receiver.headers[0]["webhook-signature"].split(" ")) == 2


async def test_a_test_goes_to_one_webhook_alone(app: App, receivers: list[Receiver]) -> None:
    tested, other = receivers
    id = await subscribe(app, tested, "trait.*")
    await subscribe(app, other, "*")
    await app.deliver_webhooks()
    before = len(other.bodies)

    payload = await change(app, "webhookTest", "delivery { eventType status }", id=id)
    await app.deliver_webhooks()

    assert payload["delivery"] == {"eventType": "webhook.test", "status": "WAITING"}
    assert [body["type"] for body in tested.bodies] == ["webhook.test"]
    assert len(other.bodies) == before


async def test_a_dead_letter_is_sent_again_when_asked_for(app: App, receiver: Receiver, clock: SettableClock) -> None:
    webhook = await subscribe(app, receiver, "customer.*")
    receiver.answers = [answer("410 Gone"), answer("200 OK")]
    await app.add_customer()
    await app.deliver_webhooks()
    (dead,) = await deliveries(app, "DEAD")

    refused = await change(app, "webhookDeliveryRetry", id=dead["id"])
    await change(app, "webhookUpdate", id=webhook, isEnabled=True)
    accepted = await change(app, "webhookDeliveryRetry", "delivery { status }", id=dead["id"])
    await app.deliver_webhooks()
    again = await change(app, "webhookDeliveryRetry", id=dead["id"])

    (delivery,) = await deliveries(app)
    assert refused["errors"][0]["code"] == NOT_ENABLED
    assert accepted == {"delivery": {"status": "WAITING"}, "errors": []}
    assert (delivery["status"], delivery["attempts"]) == ("SUCCEEDED", 2)
    assert receiver.ids == [dead["eventId"]]
    assert again["errors"][0]["code"] == NOT_ENABLED


async def test_what_happened_before_the_webhook_was_made_is_replayed(
    app: App, receiver: Receiver, clock: SettableClock
) -> None:
    await app.add_customer()
    await app.deliver_events()
    webhook = await subscribe(app, receiver, "customer.*")

    payload = await change(app, "webhookReplay", "queued", id=webhook, **period(clock))
    await app.deliver_webhooks()

    (event,) = await app.events("customer.created")
    assert payload == {"queued": 1, "errors": []}
    assert receiver.ids == [str(event.id)]


async def test_a_period_is_replayed_under_the_same_ids(app: App, receiver: Receiver, clock: SettableClock) -> None:
    webhook = await subscribe(app, receiver, "customer.*")
    await app.add_customer()
    await app.deliver_webhooks()
    clock.advance(timedelta(minutes=2))

    await change(app, "webhookReplay", id=webhook, **period(clock))
    await app.deliver_webhooks()

    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    assert len(await deliveries(app)) == 1


async def test_only_what_was_given_up_is_replayed_when_that_is_wanted(
    app: App, receiver: Receiver, clock: SettableClock
) -> None:
    webhook = await subscribe(app, receiver, "customer.*")
    await app.add_customer()
    await app.deliver_webhooks()
    receiver.answers = [answer("410 Gone"), answer("200 OK")]
    await app.add_customer()
    await app.deliver_webhooks()
    await change(app, "webhookUpdate", id=webhook, isEnabled=True)

    payload = await change(app, "webhookReplay", "queued", id=webhook, onlyDead=True, **period(clock))
    await app.deliver_webhooks()

    assert payload["queued"] == 1
    assert len(receiver.ids) == len(set(receiver.ids)) == 2


async def test_a_replay_before_events_are_told_sends_nothing_twice(
    app: App, receiver: Receiver, clock: SettableClock
) -> None:
    webhook = await subscribe(app, receiver, "customer.*")
    await app.add_customer()

    await change(app, "webhookReplay", id=webhook, **period(clock))
    await app.deliver_webhooks()

    assert len(receiver.ids) == 1


async def test_a_period_that_ends_before_it_begins_is_refused(
    app: App, receiver: Receiver, clock: SettableClock
) -> None:
    webhook = await subscribe(app, receiver, "customer.*")
    now = clock.now().isoformat()

    payload = await change(app, "webhookReplay", id=webhook, since=now, until=now)

    assert payload["errors"][0]["code"] == "OUT_OF_RANGE"


async def test_a_webhook_that_is_disabled_by_hand_is_sent_nothing(app: App, receiver: Receiver) -> None:
    webhook = await subscribe(app, receiver, "customer.*")
    await app.add_customer()
    await app.deliver_events()

    await change(app, "webhookUpdate", id=webhook, isEnabled=False)
    await app.add_customer()
    await app.deliver_webhooks()

    assert [delivery["status"] for delivery in await deliveries(app)] == ["DEAD"]
    assert receiver.headers == []


async def test_deliveries_are_forgotten_with_their_events(app: App, receiver: Receiver, clock: SettableClock) -> None:
    await subscribe(app, receiver, "customer.*")
    await app.add_customer()
    await app.deliver_webhooks()
    clock.advance(timedelta(days=31))

    await app.run_job("core.retention")

    assert await deliveries(app) == []
