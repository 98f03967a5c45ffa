"""Answer batch fields: one call of the author's function for all parents."""

from collections.abc import Callable, Mapping, Sequence
from inspect import isawaitable
from typing import Any

from graphql import GraphQLOutputType
from strawberry.dataloader import DataLoader

from regulars.errors import RegularsError
from regulars.fields.context import FieldContext, RequestContext
from regulars.fields.declarations import Batch
from regulars.graphql.executor.plugin_calls import call_plugin, check_answers
from regulars.graphql.schema.composition import CORE_OWNER, OwnedField
from regulars.plugins.calling.containment import in_thread, is_async

__all__ = ["WrongBatch", "ask_batch", "batched"]


Parents = Sequence[Mapping[str, Any]]


class WrongBatch(RegularsError):
    """A batch function returned more or fewer answers than it had parents."""

    code = "WRONG_BATCH"

    def __init__(self, path: str, parents: int, answers: object) -> None:
        super().__init__(f"The batch function of {path} got {parents} parents and returned {answers} answers.")


def batched(declared: Batch, owned: OwnedField, kind: GraphQLOutputType) -> Callable[..., Any]:
    """Return the resolver of a batch field, each of whose answers is of ``kind``."""
    names = [column.key for column in declared.requires]

    def resolve(source: Any, info: Any) -> Any:
        context: RequestContext = info.context
        name = (owned.path, "batch")
        if name not in context.loaders:

            async def load(sources: list[Any]) -> Sequence[Any]:
                parents = [{name: getattr(source, name) for name in names if name} for source in sources]
                return await ask_batch(declared, owned, kind, parents, context)

            context.loaders[name] = DataLoader(load_fn=load, cache_key_fn=id)
        return context.loaders[name].load(source)

    return resolve


async def ask_batch(
    declared: Batch, owned: OwnedField, kind: GraphQLOutputType, parents: Parents, context: RequestContext
) -> Sequence[Any]:
    """Return the answers of a batch field for these parents, one for each.

    Raises what the author raises on purpose, and ``PluginFieldFailed`` for whatever else a plugin does.
    """
    if owned.owner == CORE_OWNER:
        return await _ask_core(declared, owned, parents, context)
    return await _ask_plugin(declared, owned, kind, parents, context)


async def _ask_core(declared: Batch, owned: OwnedField, parents: Parents, context: RequestContext) -> Sequence[Any]:
    async with context.alone() as session:
        answers = await declared.load(parents, FieldContext(session, context.actor, context.now, context.company))
    return _one_each(owned, parents, answers)


async def _ask_plugin(
    declared: Batch, owned: OwnedField, kind: GraphQLOutputType, parents: Parents, context: RequestContext
) -> Sequence[Any]:
    # A plugin gets a session of its own: what it breaks there does not touch the rest of the answer.
    async def load() -> Any:
        async with context.services.database.reading_apart() as session:
            settings = context.services.plugin_settings(owned.owner)
            own = FieldContext(session, context.actor, context.now, context.company, settings)
            if is_async(declared.load):
                return await declared.load(parents, own)
            answers: Any = await in_thread(lambda: declared.load(parents, own))
            return await answers if isawaitable(answers) else answers

    def check(answers: Any) -> Any:
        return check_answers(kind, _one_each(owned, parents, answers))

    budget_s = declared.timeout.total_seconds()
    found: Sequence[Any] = await call_plugin(context, owned, load, budget_s=budget_s, check=check)
    return found


def _one_each(owned: OwnedField, parents: Parents, answers: object) -> Sequence[Any]:
    if isinstance(answers, str | bytes) or not isinstance(answers, Sequence):
        raise WrongBatch(owned.path, len(parents), type(answers))
    found = list(answers)  # a plugin's own kind of sequence may answer differently each time
    if len(found) != len(parents):
        raise WrongBatch(owned.path, len(parents), len(found))
    return found
