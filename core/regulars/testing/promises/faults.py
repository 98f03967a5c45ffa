"""Whatever breaks in a plugin, the core's own answers stay as they are: each part is broken once to see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from types import SimpleNamespace
from typing import Any, NoReturn
from uuid import UUID

import orjson
from sqlalchemy import text
from strawberry.types.base import get_object_definition
from strawberry.types.fields.resolver import StrawberryResolver

from regulars.access.actors import SYSTEM
from regulars.errors import RegularsError
from regulars.events.service import record_event
from regulars.fields.declarations import Batch, FieldRules, RegularsField
from regulars.plugins.calling.hook_calls import erase_personal_data, export_personal_data
from regulars.plugins.contributions import GraphQLPart
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.plugins.joining.loading import hook_names
from regulars.tables import Table
from regulars.testing.app import MERGE, App
from regulars.testing.promises.customers import rows_about
from regulars.testing.promises.documents import field_text
from regulars.testing.promises.fields import AddedField, added_fields
from regulars.testing.promises.preparation import Candidate, enabled_in, fill_shop

__all__ = ["check_broken_fields", "check_broken_hooks", "check_missing_tables"]

CORE_QUERY = """{
  customers(first: 5, orderBy: [{field: DISPLAY_NAME}]) {
    nodes { id displayName identities { value } touchpoints(first: 2) { nodes { id type amount { amount } } } %s }
  }
  %s
}"""


class Sabotage(RegularsError):
    """Raised in place of a plugin's code, to see what comes of it."""

    def __init__(self) -> None:
        super().__init__("A test broke this on purpose.")


async def check_broken_fields(candidate: Candidate) -> None:
    """Check that a batch or resolver that raises is null with PLUGIN_FAILED, and the rest of the answer the same."""
    part = _graphql_of(candidate.plugin)
    if part is None:
        return
    given = _with(candidate.plugin, graphql=hookimpl(lambda: part))
    with _broken(part) as broken:
        app = await candidate.app(given)
        await fill_shop(app, 3)
        for added in await added_fields(app, candidate):
            if added.path in broken:
                failed = await _asked_beside(app, added)
                assert failed, f"{added.path} was broken and did not fail with PLUGIN_FAILED."
                assert app.problems(candidate.plugin.id), f"Nobody was told that {added.path} failed."


async def check_missing_tables(candidate: Candidate) -> None:
    """Check that nothing but the plugin's own fields suffers when its tables are gone."""
    app = await candidate.prepared_app()
    tables = enabled_in(app, candidate.plugin).contributions.models
    names = [table.name for table in reversed(Table.metadata.sorted_tables) if table in _sql_tables(tables)]
    async with app.database.writing() as session:
        for name in names:
            await session.execute(text(f'DROP TABLE "{name}"'))
    for added in await added_fields(app, candidate):
        await _asked_beside(app, added)


async def check_broken_hooks(candidate: Candidate) -> None:
    """Check for each hook of the plugin that runs later what its failure costs: nothing of the core."""
    checks = {
        "events": _check_broken_handlers,
        "personal_data_export": _check_broken_export,
        "personal_data_erase": _check_broken_erasure,
        "customer_merged": _check_broken_merge,
    }
    hooks = candidate.plugin.load()
    for hook, check in checks.items():
        if hasattr(hooks, hook):
            await check(candidate)


async def _check_broken_handlers(candidate: Candidate) -> None:
    types = tuple(candidate.plugin.load().events())  # type: ignore[attr-defined]  # a module or an object with hooks

    async def fail(_ctx: object, _events: object) -> NoReturn:
        raise Sabotage

    app = await candidate.app(_with(candidate.plugin, events=hookimpl(lambda: dict.fromkeys(types, fail))))
    customer, *_ = await fill_shop(app, 3)
    before = await _core(app)
    async with app.database.writing() as session:
        for type in types:
            subject = f"customer:{customer}"
            await record_event(session, type=type, subject=subject, actor=SYSTEM.label, data={}, now=app.clock.now())
    await app.deliver_events()
    assert await _core(app) == before, "A handler of events that failed changed the core's answers."
    assert app.problems(candidate.plugin.id), "Nobody was told that a handler of events failed."


async def _check_broken_export(candidate: Candidate) -> None:
    app = await candidate.app(_with(candidate.plugin, personal_data_export=hookimpl(_fail)))
    customer, *_ = await fill_shop(app, 3)
    outcomes = await export_personal_data(app.server.host, customer_id=customer, actor=SYSTEM.label)
    failed = {outcome.plugin_id for outcome in outcomes if outcome.failure is not None}
    assert failed == {candidate.plugin.id}, f"An export that failed was told of {failed or 'nobody'}."


async def _check_broken_erasure(candidate: Candidate) -> None:
    app = await candidate.prepared_app(_with(candidate.plugin, personal_data_erase=hookimpl(_fail)))
    customer = UUID(
        (await app.gql("{ customers(first: 1) { nodes { databaseId } } }"))["customers"]["nodes"][0]["databaseId"]
    )
    before = await rows_about(app, candidate, [customer])
    async with app.database.writing() as session:
        outcomes = await erase_personal_data(app.server.host, session, customer_id=customer, actor=SYSTEM.label)
    failed = {outcome.plugin_id for outcome in outcomes if outcome.failure is not None}
    assert failed == {candidate.plugin.id}, f"An erasure that failed was told of {failed or 'nobody'}."
    assert await rows_about(app, candidate, [customer]) == before, "An erasure that failed erased half."


async def _check_broken_merge(candidate: Candidate) -> None:
    app = await candidate.app(_with(candidate.plugin, customer_merged=hookimpl(_fail)))
    survivor, merged, *_ = await fill_shop(app, 3)
    before = await _core(app)
    payload = (await app.gql(MERGE, {"survivor": str(survivor), "merged": str(merged)}))["customerMerge"]
    assert payload["errors"], "A merge went through although the plugin could not follow it."
    assert await _core(app) == before, "A merge that the plugin could not follow changed something."


async def _fail() -> NoReturn:
    raise Sabotage


async def _core(app: App, on_customer: str = "", on_query: str = "") -> bytes:
    return orjson.dumps((await app.gql(CORE_QUERY % (on_customer, on_query)))["customers"])


async def _asked_beside(app: App, added: AddedField) -> bool:
    """Ask for a field beside the core's own and return whether it failed; the rest must be what it is without it."""
    if added.type_name not in ("Customer", "Query"):
        return False
    without = await _core(app)
    selection = field_text(added.name, added.field)
    on_customer, on_query = (selection, "") if added.type_name == "Customer" else ("", selection)
    answer = await app.ask(CORE_QUERY % (on_customer, on_query))
    errors = answer.get("errors", [])
    codes = {error["extensions"]["code"] for error in errors}
    assert codes <= {"PLUGIN_FAILED"}, f"{added.path} failed in another way than PLUGIN_FAILED: {errors}"
    for node in answer["data"]["customers"]["nodes"]:
        value = node.pop(added.name, None)
        assert not errors or added.type_name != "Customer" or value is None, f"{added.path} failed and is not null."
    rest = orjson.dumps(answer["data"]["customers"])
    assert rest == without, f"{added.path} changed what the core answers beside it."
    return bool(errors)


def _graphql_of(plugin: FoundPlugin) -> GraphQLPart | None:
    hook = getattr(plugin.load(), "graphql", None)
    return None if hook is None else hook()


def _with(plugin: FoundPlugin, **hooks: Any) -> FoundPlugin:
    """Return the plugin with other functions in the place of some of its hooks."""
    own = plugin.load()
    kept = {name: getattr(own, name) for name in hook_names() if hasattr(own, name)}
    assert plugin.manifest is not None
    return found_plugin(plugin.manifest, hooks=SimpleNamespace(**{**kept, **hooks}))


@contextmanager
def _broken(part: GraphQLPart) -> Iterator[set[str]]:
    """Let every function behind a field of the part raise while the block lasts; give the paths of those fields."""
    kept: list[tuple[RegularsField, FieldRules, Any]] = []
    broken = set()
    for type_name, cls in part.fields.items():
        for field in get_object_definition(cls, strict=True).fields:
            if not isinstance(field, RegularsField) or type_name in ("Mutation", "Subscription"):
                continue
            rules, function = field.rules, field.base_resolver
            if isinstance(rules.declaration, Batch):
                field.rules = replace(rules, declaration=replace(rules.declaration, load=_fail_anyway))
            elif function is not None:
                field.base_resolver = StrawberryResolver(_failing(function.wrapped_func))
            else:
                continue
            kept.append((field, rules, function))
            broken.add(f"{type_name}.{field.graphql_name or _camel(field.python_name)}")
    try:
        yield broken
    finally:
        for field, rules, function in kept:
            field.rules = rules
            if function is not None:
                field.base_resolver = function


async def _fail_anyway(*_arguments: object) -> NoReturn:
    raise Sabotage


def _failing(function: Any) -> Any:
    @wraps(function)
    async def fail(*_arguments: object, **_options: object) -> NoReturn:
        raise Sabotage

    return fail


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _sql_tables(models: Any) -> set[Any]:
    return {model.__table__ for model in models}
