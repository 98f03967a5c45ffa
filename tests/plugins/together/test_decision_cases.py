"""Every decision case of the case file, through the real service and the real tables, alone and among others."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from tests.core.contact.case_file import DECISION_CASES, load_case, registry_of_the_file
from tests.core.contact.together import kept_of
from tests.plugins.together.states import rows_of_plugins

from regulars.clock import SettableClock
from regulars.contact.audiences import Audience
from regulars.contact.memory import Decided
from regulars.contact.policies import policy_of, read_policy
from regulars.contact.requests import as_rules_see_it
from regulars.contact.service import address_values, decide_contact
from regulars.plugins.joining.discovery import discover
from regulars.tables import new_id
from regulars.testing.app import App
from regulars.testing.making import running_app
from regulars_cases_and_holdouts.manifest import manifest as cases_and_holdouts

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.row(14)]

REGISTRY = registry_of_the_file()
CASES = [pytest.param(case, id=case["id"]) for case in DECISION_CASES]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def shared_app(request: pytest.FixtureRequest) -> AsyncIterator[App]:
    """Give one server with every plugin for all cases: each case has customers of its own."""
    maker = request.getfixturevalue(f"{'sqlite' if request.param == 'sqlite' else 'postgres'}_databases")
    clock = SettableClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    async with running_app(maker, [*discover(), cases_and_holdouts], clock) as app:
        yield app


@pytest.fixture(scope="module")
def earlier(shared_app: App) -> list[UUID]:
    """Give the customers of the cases before, who are asked about along with each."""
    return []


def answer_of(decided: Decided) -> tuple[str, str, datetime | None]:
    return decided.decision.outcome, decided.decision.rule, decided.decision.until


@pytest.mark.parametrize("case", CASES)
async def test_a_case_is_decided_as_written(shared_app: App, case: Mapping[str, Any], earlier: list[UUID]) -> None:
    loaded = await load_case(shared_app, case, REGISTRY, of_plugins=rows_of_plugins)

    async with shared_app.database.writing() as session:
        alone = await decide_contact(
            session,
            customer_id=loaded.customer_id,
            request=loaded.request,
            rules=shared_app.server.contact_rules,
            registry=REGISTRY,
            now=loaded.now,
        )
        rules, policy = shared_app.server.contact_rules, policy_of(await read_policy(session))
        audience = Audience(
            new_id(),
            as_rules_see_it(loaded.request, policy=policy, now=loaded.now),
            only=[loaded.customer_id, *earlier],
            values=await address_values(session, loaded.request),
        )
        kept = await kept_of(session, audience, rules)
    earlier.append(loaded.customer_id)

    in_a_batch = kept.get(loaded.customer_id, ("DENY", "unknown_customer", None))
    assert (answer_of(alone), in_a_batch) == (loaded.expected, loaded.expected)
