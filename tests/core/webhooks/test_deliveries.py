import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from tests.core.webhooks.conftest import Receiver, answer, change, deliveries, subscribe

from regulars.clock import SettableClock
from regulars.events.deliveries import DELAYS
from regulars.outgoing.limits import RequestLimits
from regulars.testing.app import App
from regulars.testing.background import deliver_webhooks
from regulars.webhooks.queue import claim_deliveries, webhooks_with_work
from regulars.webhooks.sender import SenderPace, running_webhooks

pytestmark = pytest.mark.row(17)

SECOND = timedelta(seconds=1)
ENOUGH = bytes(1_000_000)


async def test_what_changes_is_told_once_in_the_one_envelope(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "customer.created")

    customer = await app.add_customer("Ada Canary", email="ada@canary.example")
    await app.deliver_webhooks()

    (event,) = await app.events("customer.created")
    (delivery,) = await deliveries(app)
    assert receiver.bodies == [
        {
            "id": str(event.id),
            "type": "customer.created",
            "occurredAt": receiver.bodies[0]["occurredAt"],
            "subject": f"customer:{customer}",
            "actor": event.actor,
            "data": event.data,
        }
    ]
    assert receiver.headers[0]["webhook-id"] == str(event.id)
    assert (delivery["status"], delivery["attempts"], delivery["statusCode"]) == ("SUCCEEDED", 1, 200)


async def test_what_is_sent_holds_ids_and_no_person(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "*")

    await app.add_customer("Ada Canary", email="ada@canary.example", external_id="canary-7")
    await app.deliver_webhooks()

    assert receiver.bodies
    assert "canary" not in str(receiver.bodies).lower()


async def test_a_webhook_is_told_of_the_types_that_it_names(app: App, receivers: list[Receiver]) -> None:
    of_one_type, of_a_beginning = receivers
    await subscribe(app, of_one_type, "trait.defined")
    await subscribe(app, of_a_beginning, "customer.*", "touchpoint.*")

    await app.add_customer()
    await change(app, "traitDefine", key="size", title="Size", type="number", provenance="declared")
    await app.deliver_webhooks()

    assert [body["type"] for body in of_one_type.bodies] == ["trait.defined"]
    assert [body["type"] for body in of_a_beginning.bodies] == ["customer.created"]


async def test_who_does_not_know_the_secret_refuses_and_is_told_again(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "customer.*")
    known, receiver.secrets = receiver.secrets, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    await app.add_customer()
    await app.deliver_webhooks()
    (failed,) = await deliveries(app)

    receiver.secrets = known
    app.clock.advance(10 * SECOND)
    await app.deliver_webhooks()

    (delivery,) = await deliveries(app)
    assert (failed["status"], failed["statusCode"], failed["problem"]) == ("WAITING", 401, "It answered 401.")
    assert (delivery["status"], delivery["problem"]) == ("SUCCEEDED", None)
    assert [attempt["statusCode"] for attempt in delivery["attemptLog"]] == [401, 200]
    assert (receiver.refused, len(receiver.bodies)) == (1, 1)


async def test_each_attempt_has_a_time_of_its_own_and_the_same_id(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "customer.*")
    receiver.answers = [answer("503 Service Unavailable"), answer("200 OK")]

    await app.add_customer()
    await app.deliver_webhooks()
    app.clock.advance(10 * SECOND)
    await app.deliver_webhooks()

    first, second = receiver.headers
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 10
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_a_receiver_that_is_gone_is_sent_nothing_more(app: App, receiver: Receiver) -> None:
    webhook = await subscribe(app, receiver, "customer.*")
    receiver.answers = [answer("410 Gone")]
    await app.add_customer()
    await app.deliver_webhooks()
    asked = len(receiver.headers)

    await app.add_customer()
    app.clock.advance(timedelta(hours=1))
    await app.deliver_webhooks()

    shown = await app.gql("query ($id: ID!) { webhook(id: $id) { isEnabled disabledReason } }", {"id": webhook})
    assert shown["webhook"] == {
        "isEnabled": False,
        "disabledReason": "The receiver answered 410: it is gone for good.",
    }
    assert [delivery["status"] for delivery in await deliveries(app)] == ["DEAD"]
    assert len(await app.events("webhook.disabled")) == 1
    assert len(receiver.headers) == asked == 1


async def test_a_redirect_is_a_failure_and_is_not_followed(app: App, receivers: list[Receiver]) -> None:
    receiver, other = receivers
    await subscribe(app, receiver, "customer.*")
    receiver.answers = [answer("307 Temporary Redirect", head=f"location: {other.url}\r\n")]

    await app.add_customer()
    await app.deliver_webhooks()

    (delivery,) = await deliveries(app)
    assert delivery["status"] == "WAITING"
    assert "redirect" in delivery["problem"]
    assert other.headers == []


async def test_a_receiver_that_takes_it_may_say_too_much(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "customer.*")
    receiver.answers = [answer("200 OK", body=ENOUGH)]

    await app.add_customer()
    await app.deliver_webhooks()

    (delivery,) = await deliveries(app)
    assert (delivery["status"], delivery["attempts"]) == ("SUCCEEDED", 1)


async def test_a_long_refusal_is_a_refusal(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "customer.*")
    receiver.answers = [answer("500 Internal Server Error", body=ENOUGH)]

    await app.add_customer()
    await app.deliver_webhooks()

    (delivery,) = await deliveries(app)
    assert (delivery["status"], delivery["statusCode"]) == ("WAITING", 500)


async def test_a_receiver_that_never_answers_is_tried_again(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "customer.*")
    receiver.is_silent = True
    await app.add_customer()
    await app.deliver_events()

    impatient = SenderPace(poll=timedelta(milliseconds=10), limits=RequestLimits(seconds=0.2))
    server = app.server
    async with running_webhooks(
        app.database, server.outgoing, server_secret=server.secret, clock=app.clock, pace=impatient
    ):
        while (await deliveries(app))[0]["problem"] is None:  # noqa: ASYNC110  # the sender writes the row
            await asyncio.sleep(0.02)

    (delivery,) = await deliveries(app)
    assert delivery["status"] == "WAITING"
    assert delivery["problem"].startswith("127.0.0.1 did not answer within 0.2 seconds.")


async def test_a_failing_delivery_is_tried_for_75_hours_then_kept_as_a_dead_letter(
    app: App, receiver: Receiver, clock: SettableClock
) -> None:
    webhook = await subscribe(app, receiver, "customer.*")
    receiver.answers, receiver.is_timeless = [answer("500 Internal Server Error")], True
    await app.add_customer()
    await app.deliver_webhooks()

    for _ in DELAYS:
        await _next_attempt(app, clock)

    (dead,) = await deliveries(app)
    starts = [_moment(attempt["startedAt"]) for attempt in dead["attemptLog"]]
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    shown = await app.gql("query ($id: ID!) { webhook(id: $id) { isEnabled disabledReason } }", {"id": webhook})
    sent = [(each["webhook-id"], each["webhook-timestamp"], each["webhook-signature"]) for each in receiver.headers]
    assert (dead["status"], dead["attempts"], dead["nextAt"]) == ("DEAD", len(DELAYS) + 1, None)
    assert all(0.8 * wanted <= pause <= 1.2 * wanted for wanted, pause in zip(DELAYS, pauses, strict=True))
    assert pauses != list(DELAYS)
    assert timedelta(hours=60) <= starts[-1] - starts[0] <= timedelta(hours=90)
    assert {id for id, _, _ in sent} == {dead["eventId"]}
    assert len({signature for _, _, signature in sent}) == len(sent) == len(DELAYS) + 1
    assert receiver.refused == 0
    assert shown["webhook"]["isEnabled"] is False
    assert shown["webhook"]["disabledReason"].startswith("Nothing has got through for ")


async def test_a_webhook_that_takes_something_in_between_stays_enabled(
    app: App, receiver: Receiver, clock: SettableClock
) -> None:
    webhook = await subscribe(app, receiver, "customer.*", "trait.*")
    receiver.answers, receiver.is_timeless = [answer("500 Internal Server Error")], True
    await app.add_customer()
    await app.deliver_webhooks()
    for _ in DELAYS[:-1]:
        await _next_attempt(app, clock)
    receiver.answers = [answer("200 OK"), answer("500 Internal Server Error")]
    await change(app, "traitDefine", key="size", title="Size", type="number", provenance="declared")
    await app.deliver_webhooks()

    await _next_attempt(app, clock)

    shown = await app.gql("query ($id: ID!) { webhook(id: $id) { isEnabled failingSince } }", {"id": webhook})
    assert [delivery["status"] for delivery in await deliveries(app)] == ["DEAD", "SUCCEEDED"]
    assert shown["webhook"]["isEnabled"] is True
    assert shown["webhook"]["failingSince"] is not None


async def test_a_receiver_that_hangs_holds_up_no_other(app: App, receivers: list[Receiver]) -> None:
    hanging, working = receivers
    await subscribe(app, hanging, "customer.*")
    await subscribe(app, working, "customer.*")
    hanging.is_silent = True
    for _ in range(30):
        await app.add_customer()
    await app.deliver_events()

    server = app.server
    pace = SenderPace(poll=timedelta(milliseconds=10), grace=timedelta())
    async with running_webhooks(app.database, server.outgoing, server_secret=server.secret, clock=app.clock, pace=pace):
        while len(working.bodies) < 30:  # noqa: ASYNC110  # the receiver keeps them
            await asyncio.sleep(0.02)

    assert len(set(working.ids)) == 30
    assert 0 < len(hanging.headers) <= 20
    assert len(await deliveries(app, "SUCCEEDED")) >= 20


async def test_processes_share_the_work_without_sending_twice(app: App, receiver: Receiver) -> None:
    await subscribe(app, receiver, "customer.*")
    for _ in range(60):
        await app.add_customer()
    await app.deliver_events()

    await asyncio.gather(*(deliver_webhooks(app.server) for _ in range(3)))

    assert len(receiver.ids) == len(set(receiver.ids)) == 60


async def test_what_a_killed_process_was_sending_is_sent_again_under_the_same_id(
    app: App, receiver: Receiver, clock: SettableClock
) -> None:
    await subscribe(app, receiver, "customer.*")
    await app.add_customer()
    await app.deliver_events()
    async with app.database.writing() as session:
        (webhook_id,) = await webhooks_with_work(session, now=clock.now())
        killed = await claim_deliveries(session, webhook_id, lease=timedelta(minutes=1), now=clock.now())
    assert killed is not None
    await app.deliver_webhooks()
    before = list(receiver.ids)

    clock.advance(timedelta(seconds=61))
    await app.deliver_webhooks()

    (delivery,) = await deliveries(app)
    assert before == []
    assert receiver.ids == [str(killed.deliveries[0].event.id)]
    assert [attempt["endedAt"] is None for attempt in delivery["attemptLog"]] == [True, False]


async def _next_attempt(app: App, clock: SettableClock) -> None:
    (waiting,) = await deliveries(app, "WAITING")
    clock.advance(_moment(waiting["nextAt"]) - clock.now())
    await app.deliver_webhooks()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
