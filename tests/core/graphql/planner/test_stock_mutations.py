"""What the mutations of the core return reads the same, planned or executed."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from graphql import GraphQLList, GraphQLObjectType, get_named_type, get_nullable_type
from tests.core.graphql.planner.stock_steps import STEPS, Step, things_besides

from regulars.access.actors import Actor
from regulars.testing.app import App
from regulars.testing.promises.documents import field_text

IDS = re.compile(rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|[0-9a-f]{64}")
NUMBERS = re.compile(rb'"number":\d+|"(version|policyVersion)":"p\d+"')  # the policy's, which grow from run to run
EMPTY = [
    "segmentDelete.segment",
    "webhookDelete.webhook",
    "trackingEventUnmap.event",
    "customerBulkUpdateWhere.job",
    "customerBulkDeleteWhere.job",
    "customerUpdate.customer",
]
"""What stays null: what is gone, jobs that few rows do not need, and the answer about nobody."""

UNSEEN = [
    *("touchpointRecord.touchpoint", "suppressionAdd.suppression", "suppressionLift.suppression"),
    *("scoringOptOut.suppression", "traitDefine.definition", "traitDefine.definition"),
    *("traitObjectionLift.objection", "touchpointExport.job"),
]
"""What whoever sees little does not see: an id that cannot be null takes its whole row with it."""

WITHHELD = 2  # of those it is known before anything is read: they were just inserted, and no document is selected
LISTED = 1  # the objection in a list, which whoever sees little does not see either
GONE = 1  # the document that was removed is read from what the function returned


def lacking(app: App) -> Actor:
    """Return an admin who may change everything and see little of it."""
    admin = app.actor("admin")
    return replace(admin, permissions=admin.permissions - {"touchpoints:read", "suppressions:read", "traits:read"})


@pytest.mark.parametrize("sees", ["everything", "little"])
async def test_payloads_read_the_same_either_way(core: App, sees: str) -> None:
    actor = replace(core.actor("admin") if sees == "everything" else lacking(core), kind="service")
    executor = await core.server.executor()

    planned = [answer async for answer in answers(core, actor, "planned0")]
    with executor.without_planner():
        executed = [answer async for answer in answers(core, actor, "executed")]

    empty = [place for answer in planned for place in nulls(answer)]
    assert planned == executed
    assert sorted(empty) == sorted(EMPTY if sees == "everything" else [*EMPTY, *UNSEEN])
    counts, besides = executor.planner.counts, LISTED if sees == "everything" else WITHHELD
    assert counts.rows + counts.whole - besides == sum(len(step.shown) for step in STEPS) - len(empty) - GONE


async def test_every_mutation_that_shows_a_row_is_among_the_steps(core: App) -> None:
    built = (await core.server.executor()).schema
    mutations = built.graphql.mutation_type
    assert mutations is not None

    showing = {
        name: {
            key
            for key, part in payload.fields.items()
            if get_named_type(part.type).name in built.tables
            and not isinstance(get_nullable_type(part.type), GraphQLList)
        }
        for name, field in mutations.fields.items()
        if isinstance(payload := get_named_type(field.type), GraphQLObjectType)
    }

    taken: dict[str, set[str]] = {}
    for step in STEPS:
        taken.setdefault(step.name, set()).update(step.shown)
    assert {name: rows for name, rows in taken.items() if rows} == {
        name: rows for name, rows in showing.items() if rows
    }


def nulls(answer: bytes) -> list[str]:
    """Return which rows a payload shows as null, by their places."""
    [(name, payload)] = orjson.loads(answer)["data"].items()
    shown = {row for step in STEPS if step.name == name for row in step.shown}
    return [f"{name}.{row}" for row in shown if (payload or {}).get(row) is None]


async def answers(app: App, actor: Actor, run: str) -> AsyncIterator[bytes]:
    """Yield the answer to each step, without what differs between two runs."""
    known = dict(await things_besides(app, run))
    for step, document in documents(await schema_of(app)):
        answer = await app.ask(filled(document, known), as_=actor)
        if step.keeps:
            name, _, field = step.keeps.partition(":")
            known[name] = kept(answer["data"][step.name][field or step.shown[0]])
        yield without_names(answer, run)


def kept(told: Any) -> str:
    """Return an id out of what a payload told: its own, its row's, or that of the first of its rows."""
    found: Any = told[0] if isinstance(told, list) and told else told
    return str(found["id"] if isinstance(found, dict) else found or "unseen")


async def schema_of(app: App) -> Any:
    return (await app.server.executor()).schema.graphql


def documents(schema: Any) -> Iterator[tuple[Step, str]]:
    for step in STEPS:
        payload = get_named_type(schema.mutation_type.fields[step.name].type)
        assert isinstance(payload, GraphQLObjectType)
        shown = " ".join(field_text(name, payload.fields[name], first=2) for name in step.shown)
        besides = " ".join(field_text(name, payload.fields[name], first=2) for name in step.told.split())
        told = f"errors {{ code message path }} {besides} {shown}"
        yield step, f"mutation {{ {step.name}(input: {{{step.given}}}) {{ {told} }} }}"


def filled(document: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        document = document.replace(f"[{name}]", value)
    return document


def without_names(answer: Mapping[str, Any], run: str) -> bytes:
    told = {**answer, "errors": sorted(answer.get("errors", ()), key=lambda error: str(error["path"]))}
    plain = IDS.sub(b"id", orjson.dumps(told, option=orjson.OPT_SORT_KEYS).replace(run.encode(), b"run"))
    return NUMBERS.sub(b'"number":0', plain)
