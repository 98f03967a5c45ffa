"""Row 23 of the test plan: clocks that are set, days on which clocks are changed, and the 29th of February."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from regulars import PluginManifest
from regulars.audit.sealing import seal_rows
from regulars.clock import SettableClock
from regulars.contact.hours import quiet_until
from regulars.contact.requests import WallClockWindow
from regulars.customers.models import Customer, CustomerIdentity
from regulars.jobs.scheduler import enqueue_due
from regulars.privacy.deadlines import one_month_after
from regulars.testing.app import App
from regulars_preference_centre.manifest import manifest

pytestmark = pytest.mark.row(23)

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
WINDOW = timedelta(hours=168)
NIGHT = WallClockWindow("21:00", "08:00")
GRANT = """mutation ($id: ID!, $until: DateTime) {
  consentGrant(input: {customerId: $id, purpose: "marketing.own", channel: "email", reason: "said so",
                       noticeVersion: "n1", language: "en", expiresAt: $until}) { errors { code } }
}"""
WITHDRAW = """mutation ($id: ID!) {
  consentWithdraw(input: {customerId: $id, purpose: "*", channel: "*", reason: "enough"}) { errors { code } }
}"""
RESERVE = """mutation ($id: ID!) {
  contactReserve(input: {customerId: $id, request: {channel: "email", class: "marketing"}}) {
    decision { outcome rule until } reservation { id }
  }
}"""
CONFIRM = "mutation ($id: ID!) { contactConfirm(input: {reservationId: $id}) { decision { outcome rule until } } }"
CREATE = "mutation ($name: String!) { customerCreate(input: {displayName: $name}) { customer { id } } }"
ALLOWED = ("ALLOW", "allowed")


@pytest.fixture
def plugins() -> Sequence[PluginManifest]:
    return [manifest]


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    return {"audit_heads": str(tmp_path / "heads")}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shifted(clock: SettableClock, by: timedelta) -> None:
    """Move the clock as somebody does who sets it, forward or back."""
    clock.advance(by)


async def willing(app: App, *, until: datetime | None = None) -> UUID:
    """Return a customer who wants the newsletter, for good or until then."""
    id = await app.add_customer("Anna", email="anna@example.org")
    async with app.database.writing() as session:
        await session.execute(update(CustomerIdentity).values(verified_at=app.clock.now()))
    granted = await app.gql(GRANT, {"id": str(id), "until": None if until is None else until.isoformat()})
    assert granted["consentGrant"]["errors"] == []
    return id


async def reserved(app: App, id: UUID) -> dict[str, Any]:
    step: dict[str, Any] = (await app.gql(RESERVE, {"id": str(id)}))["contactReserve"]
    return step


async def sent(app: App, id: UUID) -> tuple[str, str]:
    """Send the customer something, and return how that was decided."""
    step = await reserved(app, id)
    if step["reservation"] is not None:
        step = (await app.gql(CONFIRM, {"id": step["reservation"]["id"]}))["contactConfirm"]
    return step["decision"]["outcome"], step["decision"]["rule"]


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["an hour back", "an hour forward"])
async def test_a_cap_holds_when_the_clock_is_set(app: App, clock: SettableClock, by: timedelta) -> None:
    anna = await willing(app)
    first = [await sent(app, anna) for _ in range(3)]

    shifted(clock, by)

    assert first == [ALLOWED] * 3
    assert await sent(app, anna) == ("DEFER", "frequency_cap")


@pytest.mark.parametrize("day", ["2026-03-26T12:00:00", "2026-10-22T12:00:00", "2028-02-27T12:00:00"])
async def test_a_window_of_a_week_is_as_long_as_ever_when_clocks_are_changed_or_a_leap_day_comes(
    app: App, clock: SettableClock, day: str
) -> None:
    shifted(clock, utc(day) - clock.now())
    anna = await willing(app)
    first = [await sent(app, anna) for _ in range(3)]

    shifted(clock, WINDOW - INSTANT)
    just_before = await sent(app, anna)
    shifted(clock, INSTANT)

    assert first == [ALLOWED] * 3
    assert just_before == ("DEFER", "frequency_cap")
    assert await sent(app, anna) == ALLOWED


async def test_a_withdrawal_counts_when_the_clock_is_set_back_behind_it(app: App, clock: SettableClock) -> None:
    anna = await willing(app)
    held = await reserved(app, anna)
    await app.gql(WITHDRAW, {"id": str(anna)})

    shifted(clock, -HOUR)

    confirmed = (await app.gql(CONFIRM, {"id": held["reservation"]["id"]}))["contactConfirm"]["decision"]
    assert (confirmed["outcome"], confirmed["rule"]) == ("DENY", "global_opt_out")
    assert await sent(app, anna) == ("DENY", "global_opt_out")


async def test_a_grant_ends_at_its_moment_on_the_leap_day_too(app: App, clock: SettableClock) -> None:
    shifted(clock, utc("2028-02-28T12:00:00") - clock.now())
    anna = await willing(app, until=utc("2028-02-29T12:00:00"))

    shifted(clock, timedelta(days=1) - INSTANT)
    just_before = await sent(app, anna)
    shifted(clock, INSTANT)

    assert just_before == ALLOWED
    assert await sent(app, anna) == ("DENY", "consent_expired")


@pytest.mark.parametrize(
    ("zone", "at", "end"),
    [
        pytest.param("Europe/Berlin", "2026-03-28T22:00:00", "2026-03-29T06:00:00", id="a night that is shorter"),
        pytest.param("Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25T07:00:00", id="a night that is longer"),
        pytest.param("America/New_York", "2026-03-08T04:00:00", "2026-03-08T12:00:00", id="shorter in New York"),
        pytest.param("America/New_York", "2026-11-01T04:00:00", "2026-11-01T13:00:00", id="longer in New York"),
        pytest.param("Europe/Berlin", "2028-02-28T22:00:00", "2028-02-29T07:00:00", id="into the leap day"),
        pytest.param("Europe/Berlin", "2028-02-29T22:00:00", "2028-03-01T07:00:00", id="out of the leap day"),
        pytest.param("Europe/Berlin", "2027-02-28T22:00:00", "2027-03-01T07:00:00", id="no leap day"),
    ],
)
def test_quiet_hours_end_at_their_time_by_the_clock_on_the_wall(zone: str, at: str, end: str) -> None:
    assert quiet_until([NIGHT], [zone], utc(at)) == utc(end)
    assert quiet_until([NIGHT], [zone], utc(end) - INSTANT) == utc(end)
    assert quiet_until([NIGHT], [zone], utc(end)) is None


def test_of_quiet_hours_that_come_twice_both_are_quiet_and_those_that_are_skipped_are_none() -> None:
    small_hours = [WallClockWindow("02:15", "02:45")]

    first, between, second = (
        quiet_until(small_hours, ["Europe/Berlin"], utc(f"2026-10-25T{time}")) for time in ("00:20", "01:00", "01:44")
    )

    assert first == between == second == utc("2026-10-25T01:45")
    assert quiet_until(small_hours, ["Europe/Berlin"], utc("2026-03-29T01:00")) is None


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2028-01-31T12:00:00", "2028-02-29T12:00:00"),
        ("2027-01-31T12:00:00", "2027-02-28T12:00:00"),
        ("2028-02-29T12:00:00", "2028-03-29T12:00:00"),
        ("2027-12-31T12:00:00", "2028-01-31T12:00:00"),
    ],
)
def test_a_month_to_answer_ends_on_the_same_day_or_the_last_one(received: str, due: str) -> None:
    assert one_month_after(utc(received)) == utc(due)


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["an hour back", "an hour forward"])
async def test_a_signed_head_is_written_within_an_hour_of_the_clock_that_was_set(
    app: App, clock: SettableClock, by: timedelta
) -> None:
    await app.add_customer("Anna")
    await seal_rows(app.database, now=clock.now())
    before = await app.server.audit_heads.keep_up(app.database, now=clock.now())

    shifted(clock, by)
    await app.add_customer("Berta")
    await seal_rows(app.database, now=clock.now())
    after = await app.server.audit_heads.keep_up(app.database, now=clock.now())

    assert before is not None
    assert after is not None
    assert (after.seq > before.seq, after.at) == (True, clock.now())


async def test_a_clock_that_is_set_back_repeats_no_tick(app: App, clock: SettableClock) -> None:
    kinds = app.server.job_kinds
    first = await enqueue_due(app.database, kinds, zone=BERLIN, now=clock.now())
    shifted(clock, -HOUR)
    await enqueue_due(app.database, kinds, zone=BERLIN, now=clock.now())
    shifted(clock, HOUR)

    again = await enqueue_due(app.database, kinds, zone=BERLIN, now=clock.now())

    assert len(first) > 0
    assert again == []


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["an hour back", "an hour forward"])
async def test_a_repeated_request_has_one_effect_when_the_clock_is_set(
    app: App, clock: SettableClock, by: timedelta
) -> None:
    headers = {**await app.key("frontline"), "idempotency-key": "k1"}
    body = {"query": CREATE, "variables": {"name": "Anna"}}
    first = await app.client.post("/graphql", json=body, headers=headers)

    shifted(clock, by)
    await app.run_job("core.retention")
    again = await app.client.post("/graphql", json=body, headers=headers)

    assert again.content == first.content
    async with app.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Customer)) == 1


async def test_an_answer_is_kept_for_two_days_over_the_leap_day(app: App, clock: SettableClock) -> None:
    shifted(clock, utc("2028-02-28T12:00:00") - clock.now())
    headers = {**await app.key("frontline"), "idempotency-key": "k1"}
    body = {"query": CREATE, "variables": {"name": "Anna"}}
    await app.client.post("/graphql", json=body, headers=headers)

    shifted(clock, utc("2028-03-01T11:59:59") - clock.now())
    await app.run_job("core.retention")
    again = await app.client.post("/graphql", json=body, headers=headers)

    assert again.headers["idempotency-replayed"] == "true"


async def test_a_browser_stays_signed_in_when_the_clock_is_set_back_and_not_when_it_was_idle_for_an_hour(
    app: App, clock: SettableClock
) -> None:
    key = (await app.key("admin"))["authorization"].removeprefix("Bearer ")
    token = await app.server.browsers.open_with_key(key, instead_of=None)

    shifted(clock, -HOUR)
    set_back = await app.server.browsers.find(token)
    shifted(clock, 2 * HOUR)

    assert set_back is not None
    assert await app.server.browsers.find(token) is None


async def test_a_clock_that_is_set_back_takes_nobodys_allowance(app: App, clock: SettableClock) -> None:
    headers = await app.key("frontline")
    body = {"query": "{ viewer { kind } }"}
    await app.client.post("/graphql", json=body, headers=headers)

    shifted(clock, -HOUR)

    assert (await app.client.post("/graphql", json=body, headers=headers)).status_code == 200
