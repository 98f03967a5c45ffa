"""What the mutations of the core return reads the same, planned or executed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from graphql import GraphQLObjectType, get_named_type

from regulars.access.actors import Actor
from regulars.testing.app import App
from regulars.testing.promises.documents import field_text

IDS = re.compile(rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|[0-9a-f]{64}")
SCOPE = 'purpose: "marketing.own", channel: "email", topic: "*"'
PROOF = 'noticeVersion: "n1", language: "en", evidence: {form: 1}'


@dataclass(frozen=True)
class Step:
    """A mutation with its input, in which earlier ids are named in brackets, and what it returns."""

    name: str
    entity: str
    given: str
    keeps: str = ""


STEPS = (
    Step("customerCreate", "customer", 'displayName: "Ada", language: "en"', keeps="ada"),
    Step("customerCreate", "customer", 'displayName: "Bo"', keeps="bo"),
    Step("customerUpdate", "customer", 'id: "[ada]", displayName: "Ada L.", jurisdiction: "DE"'),
    Step(
        "customerUpsert",
        "customer",
        'displayName: "Cy", identities: [{kind: "external", source: "crm", value: "[run]"}]',
    ),
    Step(
        "customerIdentityAdd",
        "identity",
        'customerId: "[ada]", identity: {kind: "email", value: "[run]@example.com"}, isVerified: false',
        keeps="email",
    ),
    Step("customerIdentityVerify", "identity", 'id: "[email]"'),
    Step(
        "touchpointRecord",
        "touchpoint",
        'customerId: "[ada]", type: "visit", occurredAt: "2026-03-01T10:00:00Z", source: "[run]", externalId: "1"',
    ),
    Step("consentGrant", "consent", f'customerId: "[ada]", {SCOPE}, reason: "Asked for it.", {PROOF}'),
    Step("consentWithdraw", "consent", f'customerId: "[ada]", {SCOPE}, reason: "Had enough."'),
    Step(
        "suppressionAdd", "suppression", 'customerId: "[ada]", reason: "complaint", kind: "complaint", channel: "sms"'
    ),
    Step("scoringOptOut", "suppression", 'customerId: "[bo]", reason: "Said so."'),
    Step("privacyRequestCreate", "privacyRequest", 'customerId: "[bo]", kind: "restriction", reason: "Asked."'),
    Step("customerMerge", "customer", 'survivorId: "[ada]", mergedId: "[bo]", reason: "The same.", explicit: true'),
    Step("traitDefine", "definition", 'key: "shoe_[run]", title: "Shoe", type: "number", provenance: "declared"'),
    Step("segmentCreate", "segment", 'name: "All [run]", where: {status: {eq: "active"}}', keeps="segment"),
    Step("segmentUpdate", "segment", 'id: "[segment]", description: "Everybody."'),
    Step("segmentDelete", "segment", 'id: "[segment]"'),
    Step("webhookCreate", "webhook", 'url: "https://example.com/[run]", eventTypes: ["customer.*"]', keeps="webhook"),
    Step("webhookUpdate", "webhook", 'id: "[webhook]", isEnabled: false'),
    Step("webhookDelete", "webhook", 'id: "[webhook]"'),
    Step("customerExport", "job", "where: {}", keeps="job"),
    Step("jobCancel", "job", 'id: "[job]"'),
    Step("customerIdentityRemove", "customer", 'id: "[email]"'),
    Step("customerDelete", "customer", 'id: "[ada]"'),
    Step("customerRestore", "customer", 'id: "[ada]"'),
    Step("customerUpdate", "customer", 'id: "Customer_00000000000000000000000000000000", displayName: "Nobody"'),
)


RETURNING_NOTHING = ("segmentDelete", "webhookDelete", "customerUpdate of nobody")


def lacking(app: App) -> Actor:
    """Return an admin who may change everything and see little of it."""
    admin = app.actor("admin")
    return replace(admin, permissions=admin.permissions - {"touchpoints:read", "suppressions:read", "traits:read"})


# Whoever may not see an id that cannot be null gets null for the whole row, which is the executor's to tell.
@pytest.mark.parametrize(("sees", "executed_rows"), [("everything", 0), ("little", 4)], ids=["everything", "little"])
async def test_payloads_read_the_same_either_way(core: App, sees: str, executed_rows: int) -> None:
    actor = core.actor("admin") if sees == "everything" else lacking(core)
    executor = await core.server.executor()

    planned = [answer async for answer in answers(core, actor, "planned0")]
    with executor.without_planner():
        executed = [answer async for answer in answers(core, actor, "executed")]

    assert planned == executed
    assert executor.planner.counts.rows == len(STEPS) - len(RETURNING_NOTHING) - executed_rows


async def answers(app: App, actor: Actor, run: str) -> Any:
    """Yield the answer to each step, without what differs between two runs."""
    known = {"run": run}
    for step, document in documents(await schema_of(app)):
        answer = await app.ask(filled(document, known), as_=actor)
        if step.keeps:
            known[step.keeps] = answer["data"][step.name][step.entity]["id"]
        yield without_names(answer, run)


async def schema_of(app: App) -> Any:
    return (await app.server.executor()).schema.graphql


def documents(schema: Any) -> Iterator[tuple[Step, str]]:
    for step in STEPS:
        payload = get_named_type(schema.mutation_type.fields[step.name].type)
        assert isinstance(payload, GraphQLObjectType)
        shown = field_text(step.entity, payload.fields[step.entity], first=2)
        yield step, f"mutation {{ {step.name}(input: {{{step.given}}}) {{ errors {{ code message path }} {shown} }} }}"


def filled(document: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        document = document.replace(f"[{name}]", value)
    return document


def without_names(answer: Mapping[str, Any], run: str) -> bytes:
    told = {**answer, "errors": sorted(answer.get("errors", ()), key=lambda error: str(error["path"]))}
    return IDS.sub(b"id", orjson.dumps(told, option=orjson.OPT_SORT_KEYS).replace(run.encode(), b"run"))
