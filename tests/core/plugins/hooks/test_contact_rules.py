from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func
from sqlmodel import col
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import Gold, GoldCard, plugin

from regulars.contact.needs import need_rows, need_value
from regulars.contact.requests import ContactRequest, RuleRequest
from regulars.contact.rules import ContactRule, Decide, Defer, Deny, Needs, Verdict
from regulars.contact.service import decide_contacts
from regulars.customers.models import Customer
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.models import PluginProblem
from regulars.plugins.states import PluginWithheld
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp

POINTS = need_rows({"points": GoldCard.points}, where=col(GoldCard.customer_id) == Customer.id)

ASK = """query ($customer: ID!) {
  contactDecision(customerId: $customer, request: {channel: "email", class: "marketing"}) {
    outcome rule until wakeOn blockers { rule owner reason }
  }
}"""
GRANT = """mutation ($customer: ID!) {
  consentGrant(input: {customerId: $customer, purpose: "marketing.own", channel: "email", reason: "said so",
                       noticeVersion: "n1", language: "en"}) { errors { code } }
}"""


def rest_a_day(needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
    is_over = at >= request.now + timedelta(days=1)
    return None if is_over else Defer("Gold customers rest for a day.", until=request.now + timedelta(days=1))


RESTING = ContactRule("gold_rest", rest_a_day, {"cards": POINTS}, ("marketing",))


class GoldWithRules(Gold):
    def __init__(self, *rules: Any) -> None:
        self._rules = rules

    @hookimpl
    def contact_rules(self) -> Sequence[ContactRule]:
        return self._rules


def answering(verdict: Any) -> ContactRule:
    return replace(RESTING, decide=lambda needs, request, at: verdict)


def failing(needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
    raise RuntimeError("lost my mind")


def endless(needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
    while True:
        pass


class Counting:
    """A rule's decision that counts how often it was asked, and fails while it is told to."""

    def __init__(self, decide: Decide) -> None:
        self.decide, self.calls = decide, 0

    def __call__(self, needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
        self.calls += 1
        return self.decide(needs, request, at)


async def granted(app: App) -> str:
    anna = await app.add_customer("Anna")
    assert (await app.gql(GRANT, {"customer": str(anna)}))["consentGrant"]["errors"] == []
    return str(anna)


async def test_a_rule_of_a_plugin_stands_in_the_way_and_says_until_when(make_app: MakeApp) -> None:
    app = await make_app(plugin("gold", GoldWithRules(RESTING)))
    anna = await granted(app)

    decision = (await app.gql(ASK, {"customer": anna}))["contactDecision"]

    tomorrow = "2026-03-03T12:00:00Z"
    assert (decision["outcome"], decision["rule"], decision["until"][:19] + "Z") == ("DEFER", "gold_rest", tomorrow)
    assert decision["blockers"] == [{"rule": "gold_rest", "owner": "gold", "reason": "Gold customers rest for a day."}]


async def test_what_a_plugin_keeps_reaches_its_rule(make_app: MakeApp) -> None:
    def rich(needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
        return Deny("They have enough.") if [row["points"] for row in needs["cards"]] == [7] else None

    app = await make_app(plugin("gold", GoldWithRules(replace(RESTING, decide=rich))))
    anna = await granted(app)
    async with app.database.writing() as session:
        session.add(GoldCard(customer_id=UUID(anna), points=7))

    decision = (await app.gql(ASK, {"customer": anna}))["contactDecision"]

    assert (decision["outcome"], decision["rule"]) == ("DENY", "gold_rest")


@pytest.mark.parametrize(
    "rule",
    [
        replace(RESTING, decide=failing),
        answering("no"),
        answering(Defer("Backwards.", until=datetime.fromisoformat("2026-03-01T00:00:00+00:00"))),
        answering(Defer("Without a zone.", until=datetime(2027, 1, 1))),  # noqa: DTZ001
        answering(Deny("")),
        replace(RESTING, needs={"cards": need_value(func.no_such_function(Customer.id))}),
        replace(RESTING, decide=endless),
    ],
    ids=[
        "raises",
        "answers_rubbish",
        "ends_before_it_begins",
        "ends_nowhere",
        "gives_no_reason",
        "cannot_be_read",
        "never_ends",
    ],
)
async def test_a_rule_that_fails_defers_until_its_plugin_recovers(make_app: MakeApp, rule: ContactRule) -> None:
    app = await make_app(plugin("gold", GoldWithRules(rule)))
    anna = await granted(app)

    decision = (await app.gql(ASK, {"customer": anna}))["contactDecision"]

    assert (decision["outcome"], decision["rule"], decision["until"]) == ("DEFER", "rule_unavailable", None)
    assert decision["wakeOn"] == "plugin.recovered"
    assert [blocker["owner"] for blocker in decision["blockers"]] == ["gold"]
    await app.server.host.problems.settle()
    async with app.database.reading() as session:
        assert await session.get(PluginProblem, ("gold", "contact_rules")) is not None


async def test_a_rule_that_never_ends_is_asked_once_for_a_whole_audience(make_app: MakeApp) -> None:
    asked = Counting(endless)
    app = await make_app(plugin("gold", GoldWithRules(replace(RESTING, decide=asked))))
    ids = [await app.add_customer(name) for name in ("Anna", "Ben", "Cleo")]
    async with app.database.writing() as session:
        session.add_all([GoldCard(customer_id=id, points=points) for points, id in enumerate(ids)])

    async with app.database.reading() as session:
        decided = await decide_contacts(
            session,
            customer_ids=ids,
            request=ContactRequest(channel="email", contact_class="marketing"),
            rules=app.server.contact_rules,
            registry=app.server.consent_registry,
            now=app.clock.now(),
        )

    assert asked.calls == 1
    assert [[blocker.rule for blocker in one.decision.blockers] for one in decided] == [
        ["no_consent", "rule_unavailable"]
    ] * 3


async def test_a_rule_that_keeps_failing_rests_and_is_asked_again_after_its_pause(make_app: MakeApp) -> None:
    asked = Counting(failing)
    app = await make_app(plugin("gold", GoldWithRules(replace(RESTING, decide=asked))))
    anna = await granted(app)
    answers = [(await app.gql(ASK, {"customer": anna}))["contactDecision"]["rule"] for _ in range(7)]
    failures = asked.calls
    asked.decide = lambda needs, request, at: None

    resting = (await app.gql(ASK, {"customer": anna}))["contactDecision"]
    app.clock.advance(timedelta(minutes=1))
    recovered = (await app.gql(ASK, {"customer": anna}))["contactDecision"]

    assert (answers, failures) == (["rule_unavailable"] * 7, 5)
    assert (resting["outcome"], resting["rule"], resting["wakeOn"]) == ("DEFER", "rule_unavailable", "plugin.recovered")
    assert recovered["outcome"] == "ALLOW"


async def test_while_a_plugin_with_rules_does_not_work_marketing_waits_and_receipts_go(make_app: MakeApp) -> None:
    app = await make_app(plugin("gold", GoldWithRules(RESTING)))
    anna = await granted(app)

    app.server.host.fail("gold", "It broke.")

    decision = (await app.gql(ASK, {"customer": anna}))["contactDecision"]
    receipt = (await app.gql(ASK.replace('"marketing"', '"transactional"'), {"customer": anna}))["contactDecision"]
    assert (decision["outcome"], decision["rule"]) == ("DEFER", "rule_unavailable")
    assert receipt["outcome"] == "ALLOW"


async def test_a_plugin_that_was_disabled_stands_in_nobodys_way(make_app: MakeApp) -> None:
    app = await make_app(plugin("gold", GoldWithRules(RESTING)))
    anna = await granted(app)

    await app.server.host.disable("gold")

    assert (await app.gql(ASK, {"customer": anna}))["contactDecision"]["outcome"] == "ALLOW"


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (replace(RESTING, id="Gold rest"), "needs an id of small letters"),
        (replace(RESTING, number=0), "numbers count from 1"),
        (replace(RESTING, classes=("spam",)), "'spam', which is no class of contact"),
        (replace(RESTING, decide=None), "does not decide by a plain function"),  # type: ignore[arg-type]  # on purpose
        (replace(RESTING, needs={"cards": "points"}), "a value of type str where Need belongs"),  # type: ignore[dict-item]  # on purpose
        (replace(RESTING, needs={"points": need_value(GoldCard.points)}), "no value of one customer. Write a scalar"),
        (replace(RESTING, id="no_consent"), "is there already, as a rule of core"),
        ("gold_rest", "a value of type str where ContactRule belongs"),
    ],
)
async def test_a_rule_that_a_plugin_may_not_have_is_refused(make_host: MakeHost, rule: Any, fault: str) -> None:
    host = await make_host(plugin("gold", GoldWithRules(rule)))

    with pytest.raises(PluginWithheld, match=fault):
        await host.enable("gold")


async def test_a_rule_is_there_once(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", GoldWithRules(RESTING, RESTING)))

    with pytest.raises(PluginWithheld, match="the rule gold_rest is there twice"):
        await host.enable("gold")
