"""The races of the case file: reservations under caps, withdrawals, merges and cases, each by its id."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col
from tests.core.contact.senders import NEWSLETTER, WITHDRAW, answer, confirmed, reserved, states, willing

from regulars import PluginManifest
from regulars.consents.models import ConsentEvent
from regulars.contact.models import ContactDecision
from regulars.testing.app import App
from regulars_cases_and_holdouts.manifest import manifest as cases_and_holdouts
from regulars_cases_and_holdouts.models import Holdout, ServiceCase
from regulars_preference_centre.manifest import manifest as preference_centre
from regulars_preference_centre.models import Cap

pytestmark = pytest.mark.row(7)

REPORT = """mutation ($id: ID!, $outcome: String!) {
  contactReport(input: {reservationId: $id, outcome: $outcome}) { reservation { state isOverCap } errors { code } }
}"""
RELEASE = """mutation ($id: ID!) {
  contactRelease(input: {reservationId: $id}) { reservation { state } errors { code } }
}"""
DECIDE = """query ($customer: ID!, $request: ContactRequestInput!) {
  contactDecision(customerId: $customer, request: $request) { outcome rule until decisionId }
}"""
WEEK_H = 168
A_WAIT = timedelta(milliseconds=20)


@pytest.fixture
def plugins() -> Sequence[PluginManifest]:
    return [preference_centre, cases_and_holdouts]


async def capped(app: App, customer_id: UUID, limit: int) -> None:
    async with app.database.writing() as session:
        session.add(
            Cap(
                customer_id=customer_id,
                profile_id=customer_id,
                most=limit,
                window_h=WEEK_H,
                changed_at=app.clock.now(),
            )
        )


async def test_r01_of_two_campaigns_that_reserve_the_last_slot_at_once_one_gets_it(app: App) -> None:
    anna = await willing(app)
    await capped(app, anna, 1)

    both = await asyncio.gather(reserved(app, anna, campaign="a"), reserved(app, anna, campaign="b"))

    winner, loser = sorted(both, key=answer)
    assert (answer(winner), answer(loser)) == (("ALLOW", "allowed"), ("DEFER", "frequency_cap"))
    assert loser["decision"]["until"] == (app.clock.now() + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert await states(app) == ["reserved"]
    async with app.database.reading() as session:
        kept = await session.scalars(select(col(ContactDecision.outcome)))
        assert sorted(kept) == ["ALLOW", "DEFER"]


async def test_r02_the_same_key_twice_gives_the_same_reservation_and_takes_one_slot(app: App) -> None:
    anna = await willing(app)

    first, second = await reserved(app, anna, key="k"), await reserved(app, anna, key="k")

    assert first["reservation"]["id"] == second["reservation"]["id"]
    assert first["decision"] == second["decision"]
    assert await states(app) == ["reserved"]


async def test_r04_after_a_sender_crashed_the_slot_is_free_again_and_the_hold_stays_on_record(app: App) -> None:
    anna = await willing(app)
    await capped(app, anna, 1)
    await reserved(app, anna)

    app.clock.advance(timedelta(minutes=10))
    second = await reserved(app, anna, campaign="other")

    assert answer(second) == ("ALLOW", "allowed")
    told = await app.gql(
        "query ($id: ID!) { customer(id: $id) { contactReservations { nodes { state } } } }", {"id": str(anna)}
    )
    assert sorted(one["state"] for one in told["customer"]["contactReservations"]["nodes"]) == ["expired", "reserved"]


async def test_r05_a_cap_that_is_lowered_while_a_slot_is_held_stops_the_send(app: App) -> None:
    anna = await willing(app)
    await capped(app, anna, 3)
    sent = await reserved(app, anna, campaign="first")
    await confirmed(app, sent)
    held = await reserved(app, anna, campaign="second")

    async with app.database.writing() as session:
        cap = (await session.scalars(select(Cap))).one()
        cap.most = 1
    stopped = await confirmed(app, held)

    assert answer(stopped) == ("DEFER", "frequency_cap")
    assert await states(app) == ["confirmed", "released"]


async def test_r06_a_withdrawal_that_races_with_a_merge_lands_on_the_survivor(app: App) -> None:
    anna, ann = await willing(app), await willing(app, "Ann")

    await asyncio.gather(app.merge(survivor=anna, merged=ann), app.gql(WITHDRAW, {"customer": str(ann)}))

    async with app.database.reading() as session:
        withdrawals = select(ConsentEvent).where(col(ConsentEvent.action) == "withdraw")
        assert [row.customer_id for row in await session.scalars(withdrawals)] == [anna]
    assert answer(await reserved(app, anna)) == ("DENY", "global_opt_out")
    assert answer(await reserved(app, ann)) == ("DENY", "global_opt_out")


async def test_r07_a_case_that_opens_between_reserve_and_confirm_stops_the_send(app: App) -> None:
    anna = await willing(app)
    held = await reserved(app, anna)

    async with app.database.writing() as session:
        session.add(ServiceCase(customer_id=anna, profile_id=anna, case_id="k1", opened_at=app.clock.now()))
    stopped = await confirmed(app, held)

    assert answer(stopped) == ("DEFER", "open_case")
    assert await states(app) == ["released"]


async def test_r08_dry_runs_and_those_held_out_use_no_slot(app: App) -> None:
    anna = await willing(app)
    await capped(app, anna, 1)
    async with app.database.writing() as session:
        session.add(Holdout(customer_id=anna, profile_id=anna, experiment="exp7"))

    asked = {"customer": str(anna), "request": NEWSLETTER}
    dry = [(await app.gql(DECIDE, asked))["contactDecision"] for _ in range(50)]
    held_out = [await reserved(app, anna, experiment="exp7") for _ in range(50)]

    assert {(one["outcome"], one["decisionId"]) for one in dry} == {("ALLOW", None)}
    assert {answer(one) for one in held_out} == {("DENY", "holdout")}
    assert answer(await reserved(app, anna)) == ("ALLOW", "allowed")


async def test_a_withdrawal_between_reserve_and_confirm_stops_the_send(app: App) -> None:
    anna = await willing(app)
    held = await reserved(app, anna)

    await app.gql(WITHDRAW, {"customer": str(anna)})
    stopped = await confirmed(app, held)

    assert answer(stopped) == ("DENY", "global_opt_out")
    assert await states(app) == ["released"]


async def test_a_confirmation_that_waited_for_a_withdrawal_sees_it_though_it_was_asked_for_earlier(app: App) -> None:
    anna = await willing(app)
    held = await reserved(app, anna)

    app.clock.advance(A_WAIT)
    await app.gql(WITHDRAW, {"customer": str(anna)})
    app.clock.advance(-A_WAIT)
    stopped = await confirmed(app, held)

    assert answer(stopped) == ("DENY", "global_opt_out")
    assert await states(app) == ["released"]


async def test_a_reservation_that_waited_for_another_counts_it_though_it_was_asked_for_earlier(app: App) -> None:
    anna = await willing(app)
    await capped(app, anna, 1)

    app.clock.advance(A_WAIT)
    await reserved(app, anna, campaign="first")
    app.clock.advance(-A_WAIT)
    second = await reserved(app, anna, campaign="second")

    assert answer(second) == ("DEFER", "frequency_cap")
    assert await states(app) == ["reserved"]


async def test_a_hold_that_ran_out_is_not_confirmed_and_what_was_handed_over_counts_as_over_the_cap(app: App) -> None:
    anna = await willing(app)
    held = await reserved(app, anna)

    app.clock.advance(timedelta(minutes=10))
    late = await confirmed(app, held)
    told = (await app.gql(REPORT, {"id": held["reservation"]["id"], "outcome": "SENT"}))["contactReport"]

    assert answer(late) == ("DENY", "reservation_expired")
    assert late["reservation"]["state"] == "expired"
    assert told["reservation"] == {"state": "sent", "isOverCap": True}


async def test_what_was_confirmed_is_reported_and_neither_confirmed_again_nor_released(app: App) -> None:
    anna = await willing(app)
    held = await reserved(app, anna)
    first = await confirmed(app, held)

    again = await confirmed(app, held)
    released = (await app.gql(RELEASE, {"id": held["reservation"]["id"]}))["contactRelease"]
    told = [
        (await app.gql(REPORT, {"id": held["reservation"]["id"], "outcome": outcome}))["contactReport"]
        for outcome in ("SENT", "SENT", "BOUNCED")
    ]

    assert answer(first) == ("ALLOW", "allowed")
    assert (again["errors"], released["errors"]) == ([{"code": "FORBIDDEN_TRANSITION"}],) * 2
    assert [one["reservation"]["state"] for one in told] == ["sent", "sent", "bounced"]
    assert not any(one["reservation"]["isOverCap"] for one in told)


async def test_a_slot_that_was_given_back_is_free(app: App) -> None:
    anna = await willing(app)
    await capped(app, anna, 1)
    held = await reserved(app, anna)

    await app.gql(RELEASE, {"id": held["reservation"]["id"]})

    assert answer(await reserved(app, anna)) == ("ALLOW", "allowed")


async def test_a_transactional_message_goes_and_takes_no_slot_of_a_cap(app: App) -> None:
    anna = await willing(app)
    await capped(app, anna, 1)

    receipts = [answer(await reserved(app, anna, **{"class": "transactional"})) for _ in range(3)]

    assert receipts == [("ALLOW", "allowed")] * 3
    assert answer(await reserved(app, anna)) == ("ALLOW", "allowed")
