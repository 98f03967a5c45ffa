from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from tests.core.messages.conftest import (
    WITHDRAW,
    Postman,
    enqueue,
    message_of,
    only_message,
    reachable,
    send,
)

from regulars.contact.models import ContactTouch
from regulars.errors import NotFound, UnknownValue
from regulars.messages.deliveries import Turned
from regulars.messages.models import Message
from regulars.messages.refusals import CustomerNeeded, MessageKeyTaken
from regulars.tables import new_id
from regulars.testing.app import App

BOUNCED = """mutation { suppressionAdd(input: {
  kind: "hard_bounce", channel: "email", identity: {kind: "email", value: "new@example.org"}, reason: "550"
}) { errors { message } } }"""


async def touches(app: App) -> list[tuple[str, bool]]:
    async with app.database.reading() as session:
        rows = await session.scalars(select(ContactTouch).order_by(ContactTouch.reserved_at))  # type: ignore[arg-type]
        return [(row.state, row.is_over_cap) for row in rows]


async def test_a_message_goes_to_the_customers_address_in_the_words_of_its_template(
    app: App, anna: UUID, postman: Postman
) -> None:
    taken = await enqueue(app, anna, payload={"words": "ten new wines"}, topic="wines")

    await send(app, postman)

    (sent,) = postman.taken
    assert (sent.id, sent.address, sent.content.subject) == (taken.id, "anna@example.org", "News about wines")
    assert sent.content.text == "In en: ten new wines"
    message = await only_message(app)
    assert (message.state, message.provider_id, message.delivery, message.next_at) == (
        "sent",
        "receipt 0",
        "postman",
        None,
    )
    assert await touches(app) == [("sent", False)]


async def test_the_same_draft_under_the_same_key_is_one_message(app: App, anna: UUID, postman: Postman) -> None:
    first, again = await enqueue(app, anna), await enqueue(app, anna)

    await send(app, postman)

    assert first.id == again.id
    assert len(postman.taken) == 1


async def test_another_draft_under_the_same_key_is_refused(app: App, anna: UUID) -> None:
    await enqueue(app, anna, payload={"words": "one"})

    with pytest.raises(MessageKeyTaken):
        await enqueue(app, anna, payload={"words": "two"})

    assert (await only_message(app)).payload == {"words": "one"}


async def test_without_consent_nothing_leaves_and_the_reason_stands_there(app: App, postman: Postman) -> None:
    stranger = await reachable(app, "Bea")
    await enqueue(app, stranger)

    await send(app, postman)

    message = await only_message(app)
    assert (message.state, message.rule, postman.taken) == ("suppressed", "no_consent", [])
    assert message.reason
    assert await touches(app) == []


async def test_a_withdrawal_after_the_reservation_stops_the_message(app: App, anna: UUID, postman: Postman) -> None:
    async def withdraw() -> None:
        await app.gql(WITHDRAW, {"customer": str(anna)})

    postman.before = withdraw
    await enqueue(app, anna)

    await send(app, postman)

    message = await only_message(app)
    assert (message.state, message.rule, postman.taken) == ("suppressed", "global_opt_out", [])
    assert await touches(app) == [("released", False)]


async def test_a_message_that_may_go_only_later_waits_until_then(app: App, anna: UUID, postman: Postman) -> None:
    later = app.clock.now() + timedelta(hours=3)
    await enqueue(app, anna, not_before=later)

    await send(app, postman)
    waiting = await only_message(app)
    app.clock.advance(timedelta(hours=3))
    await send(app, postman)

    assert (waiting.state, waiting.next_at) == ("pending", later)
    assert len(postman.taken) == 1


async def test_a_mail_proves_the_address_of_nobody_yet(app: App, postman: Postman) -> None:
    await enqueue(app, None, template="herald.proof", address="new@example.org")

    await send(app, postman)

    assert [sent.address for sent in postman.taken] == ["new@example.org"]
    assert await touches(app) == []


async def test_what_needs_a_consent_goes_to_nobody_in_particular(app: App) -> None:
    with pytest.raises(CustomerNeeded):
        await enqueue(app, None, address="new@example.org")


async def test_an_address_that_bounced_for_good_gets_no_mail(app: App, postman: Postman) -> None:
    await app.gql(BOUNCED)
    await enqueue(app, None, template="herald.proof", address="new@example.org")

    await send(app, postman)

    message = await only_message(app)
    assert (message.state, message.rule, postman.taken) == ("suppressed", "address_suppressed", [])


async def test_a_customer_without_an_address_is_not_reached(app: App, postman: Postman) -> None:
    nobody = await app.add_customer("Cleo")
    await enqueue(app, nobody, template="herald.proof")

    await send(app, postman)

    assert ((await only_message(app)).rule, postman.taken) == ("no_address", [])


async def test_without_a_delivery_messages_wait_and_say_so(app: App, anna: UUID, postman: Postman) -> None:
    await enqueue(app, anna, channel="sms")

    await send(app, postman)

    message = await only_message(app)
    assert message.state == "pending"
    assert message.reason is not None
    assert "Set up a delivery" in message.reason


async def test_while_the_provider_is_away_the_slot_is_free(app: App, anna: UUID) -> None:
    postman = Postman(is_away=True)
    await enqueue(app, anna)

    await send(app, postman)
    waiting = await only_message(app)
    postman.is_away = False
    app.clock.advance(timedelta(minutes=1))
    await send(app, postman)

    assert (waiting.state, waiting.reason, waiting.reservation_id) == ("pending", "The postman is ill.", None)
    assert await touches(app) == [("released", False), ("sent", False)]


async def test_what_is_turned_away_for_now_is_tried_again_without_counting_twice(app: App, anna: UUID) -> None:
    postman = Postman(answers=[Turned("later", "451 try again")])
    await enqueue(app, anna)

    await send(app, postman)
    waiting = await only_message(app)
    app.clock.advance(timedelta(minutes=5))
    await send(app, postman)

    assert (waiting.state, waiting.reason) == ("pending", "451 try again")
    assert (await only_message(app)).state == "sent"
    assert await touches(app) == [("released", False), ("sent", False)]


async def test_a_bounce_is_written_down(app: App, anna: UUID) -> None:
    postman = Postman(answers=[Turned("bounced", "550 nobody here")])
    await enqueue(app, anna)

    await send(app, postman)

    message = await only_message(app)
    assert (message.state, message.reason) == ("bounced", "550 nobody here")
    assert await touches(app) == [("bounced", False)]


async def test_what_is_in_doubt_is_never_sent_again(app: App, anna: UUID) -> None:
    postman = Postman(answers=[ConnectionError("cut")])
    await enqueue(app, anna)

    await send(app, postman)
    app.clock.advance(timedelta(days=1))
    await send(app, postman)

    message = await only_message(app)
    assert (message.state, postman.taken) == ("unknown", [])
    assert await touches(app) == [("unknown", False)]


async def test_a_delivery_that_honours_keys_is_asked_again_under_the_same_key(app: App, anna: UUID) -> None:
    postman = Postman(honours_keys=True, answers=[ConnectionError("cut")])
    taken = await enqueue(app, anna)

    await send(app, postman)
    in_doubt = await only_message(app)
    app.clock.advance(timedelta(minutes=3))
    await send(app, postman)

    assert in_doubt.state == "sending"
    assert [sent.id for sent in postman.taken] == [taken.id]
    assert (await only_message(app)).state == "sent"
    assert await touches(app) == [("sent", False)]


async def test_a_template_that_fails_keeps_its_messages_waiting(app: App, anna: UUID, postman: Postman) -> None:
    broken = await enqueue(app, anna, key="broken", template="herald.broken")
    whole = await enqueue(app, anna, key="whole", template="herald.proof")

    await send(app, postman)

    assert [sent.id for sent in postman.taken] == [whole.id]
    waiting = await message_of(app, broken.id)
    assert waiting.state == "pending"
    assert "herald" in (waiting.reason or "")


async def test_its_source_can_withdraw_a_message_at_the_last_moment(app: App, anna: UUID, postman: Postman) -> None:
    await enqueue(app, anna, payload={"withdrawn": True})

    await send(app, postman)

    assert ((await only_message(app)).state, postman.taken) == ("cancelled", [])
    assert await touches(app) == [("released", False)]


@pytest.mark.parametrize(
    ("draft", "error"),
    [
        ({"template": "herald.unknown"}, UnknownValue),
        ({"channel": "pigeon"}, UnknownValue),
        ({"customer_id": new_id()}, NotFound),
    ],
    ids=["template", "channel", "customer"],
)
async def test_a_message_that_cannot_be_sent_is_not_taken(
    app: App, anna: UUID, draft: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await enqueue(app, **{"customer_id": anna, **draft})  # type: ignore[arg-type]

    async with app.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Message)) == 0
