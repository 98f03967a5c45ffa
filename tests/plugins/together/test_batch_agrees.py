"""Alone or in an audience, with filters or without: the answer is the same, whatever is known of the customers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import col
from tests.core.contact.case_file import load_case, registry_of_the_file
from tests.core.contact.together import kept_of
from tests.plugins.together.states import rows_of_plugins

from regulars.clock import SettableClock
from regulars.contact.audiences import Audience
from regulars.contact.policies import policy_of, read_policy
from regulars.contact.requests import as_rules_see_it
from regulars.contact.service import decide_contacts
from regulars.customers.models import Customer
from regulars.plugins.joining.discovery import discover
from regulars.tables import new_id
from regulars.testing.app import App
from regulars.testing.making import running_app
from regulars_cases_and_holdouts.manifest import manifest as cases_and_holdouts

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGISTRY = registry_of_the_file()
MOMENTS = [f"2026-03-{day:02}T{hour:02}:00:00Z" for day in (1, 2, 3, 4) for hour in (0, 9, 21)]
NOWS = ["2026-03-03T02:30:00Z", "2026-03-03T12:00:00Z", "2026-03-03T21:00:00Z"]
KINDS = st.sampled_from(["hard_bounce", "complaint", "dnc_registry", "reassigned"])
LIMITS = st.sampled_from([None, 0, 1, 3])
CHANNELS = st.sampled_from(["email", "sms", "voice"])
PURPOSES = st.sampled_from(["marketing.own", "marketing", "*", "research", "sharing.partner"])
TOPICS = st.sampled_from(["*", "books", "books.tartt"])
AT = st.sampled_from(MOMENTS)


def sometimes(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


CONSENTS = st.builds(
    lambda event, more: event | (more if event["action"] == "grant" else {}),
    st.fixed_dictionaries(
        {
            "action": st.sampled_from(["grant", "grant", "withdraw"]),
            "at": AT,
            "purpose": PURPOSES,
            "channel": st.one_of(CHANNELS, st.just("*")),
            "topic": TOPICS,
        }
    ),
    sometimes(
        evidence=st.booleans(),
        needs_confirmation=st.booleans(),
        confirmed_at=AT,
        origin=st.sampled_from(["customer", "staff", "import"]),
        basis=st.sampled_from(["express", "express_written", "soft_opt_in"]),
        expires_at=AT,
        session=st.just("up"),
        notice_version=st.sampled_from(["n1", "n2"]),
        recipient=st.just("partner:acme"),
        profile=st.just("merged"),
    ),
)
CUSTOMERS = st.fixed_dictionaries(
    {},
    optional={
        "tz": st.sampled_from(["Europe/London", "America/New_York", "Asia/Kathmandu"]),
        "status": st.sampled_from(["active", "active", "restricted", "deceased", "erased"]),
        "age": st.sampled_from(["adult", "minor", "unknown"]),
        "guardian_consent": st.booleans(),
        "jurisdiction": st.sampled_from(["US", "US-FL", "FR", "DE"]),
    },
)
STATES = st.fixed_dictionaries(
    {"customer": CUSTOMERS, "consent": st.lists(CONSENTS, max_size=4), "merged_at": AT},
    optional={
        "snoozes": st.lists(
            st.fixed_dictionaries({"from": AT, "to": st.one_of(st.none(), AT)}, optional={"channel": CHANNELS}),
            max_size=2,
        ),
        "quiet": st.lists(st.just({"start": "18:00", "end": "10:00"}), max_size=1),
        "channels": st.dictionaries(CHANNELS, st.sampled_from(["on", "off"]), max_size=1),
        "cases": st.lists(
            st.fixed_dictionaries({"id": st.just("k1"), "opened_at": AT}, optional={"solved_at": AT}), max_size=1
        ),
        "touches": st.lists(st.fixed_dictionaries({"at": AT, "channel": CHANNELS}), max_size=4),
        "customer_caps": st.lists(
            st.fixed_dictionaries({"limit": LIMITS, "window_h": st.just(48), "channel": CHANNELS}),
            max_size=1,
        ),
        "holdouts": st.just(["exp7"]),
        "gpc": st.one_of(st.just(True), AT),
        "profiling_opt_out": st.booleans(),
        "suppressions": st.lists(
            st.fixed_dictionaries(
                {
                    "kind": st.sampled_from(["hard_bounce", "complaint", "dnc_registry", "reassigned"]),
                    "channel": CHANNELS,
                }
            ),
            max_size=1,
        ),
    },
)
REQUESTS = st.fixed_dictionaries(
    {
        "now": st.sampled_from(NOWS),
        "channel": CHANNELS,
        "class": st.sampled_from(["marketing", "marketing", "research", "transactional", "service", "legal"]),
    },
    optional={
        "topic": TOPICS,
        "experiment": st.just("exp7"),
        "profiling": st.booleans(),
        "sender": st.just("partner:acme"),
        "expires_at": st.sampled_from(["2026-03-04T08:00:00Z", "2026-04-01T00:00:00Z"]),
    },
)
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "retired_notices": st.just(["n1"]),
        "allowed_bases": st.just(["express_written", "soft_opt_in"]),
        "child_directed": st.just(True),
    },
)
EXPECT = {"outcome": "", "rule": "", "until": None}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def shared_app(request: pytest.FixtureRequest) -> AsyncIterator[App]:
    maker = request.getfixturevalue(f"{'sqlite' if request.param == 'sqlite' else 'postgres'}_databases")
    async with running_app(
        maker, [*discover(), cases_and_holdouts], SettableClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    ) as app:
        yield app


async def check_agreement(
    app: App, states: list[dict[str, Any]], asked: dict[str, Any], policy: dict[str, Any]
) -> None:
    loaded = [
        await load_case(
            app,
            {"state": state | {"policy": policy}, "request": asked, "expect": EXPECT},
            REGISTRY,
            of_plugins=rows_of_plugins,
            is_first=number == 0,
        )
        for number, state in enumerate(states)
    ]
    request, now, ids = loaded[0].request, loaded[0].now, [one.customer_id for one in loaded]
    rules = app.server.contact_rules
    async with app.database.writing() as session:
        earlier = col(Customer.id).not_in(ids)
        await session.execute(update(Customer).where(earlier).values(deleted_at=now))
        seen = as_rules_see_it(request, policy=policy_of(await read_policy(session)), now=now)
        some = await kept_of(session, Audience(new_id(), seen, only=ids), rules)
        members = await kept_of(session, Audience(new_id(), seen, within=col(Customer.id).in_(ids)), rules)
        of_all = await kept_of(session, Audience(new_id(), seen), rules)
        asking = partial(decide_contacts, session, request=request, rules=rules, registry=REGISTRY, now=now)
        unsifted = {one.asked_id: one.decision for one in await asking(customer_ids=ids)}
        alone = {id: (await asking(customer_ids=[id]))[0].decision for id in ids}
    told = {id: (one.outcome, one.rule, one.until) for id, one in alone.items()}
    assert unsifted == alone
    assert some == told
    assert members == told
    assert of_all == told


@given(states=st.lists(STATES, min_size=3, max_size=6), asked=REQUESTS, policy=POLICIES)
@settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
async def test_an_audience_is_told_what_each_is_told_alone(
    shared_app: App, states: list[dict[str, Any]], asked: dict[str, Any], policy: dict[str, Any]
) -> None:
    await check_agreement(shared_app, states, asked, policy)


@pytest.mark.full
@pytest.mark.timeout(600)
@given(states=st.lists(STATES, min_size=10, max_size=30), asked=REQUESTS, policy=POLICIES)
@settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
async def test_many_audiences_are_told_what_each_is_told_alone(
    shared_app: App, states: list[dict[str, Any]], asked: dict[str, Any], policy: dict[str, Any]
) -> None:
    await check_agreement(shared_app, states, asked, policy)
