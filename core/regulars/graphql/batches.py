"""Answer batch fields: one call of the author's function for all parents."""

from collections.abc import Callable, Sequence
from typing import Any

from strawberry.dataloader import DataLoader

from regulars.errors import RegularsError
from regulars.fields.context import FieldContext, RequestContext
from regulars.fields.declarations import Batch
from regulars.graphql.composition import CORE_OWNER, OwnedField

__all__ = ["WrongBatch", "batched"]


class WrongBatch(RegularsError):
    """A batch function returned more or fewer answers than it had parents."""

    code = "WRONG_BATCH"

    def __init__(self, path: str, parents: int, answers: object) -> None:
        super().__init__(f"The batch function of {path} got {parents} parents and returned {answers} answers.")


def batched(declared: Batch, owned: OwnedField) -> Callable[..., Any]:
    """Return the resolver of a batch field."""
    names = [column.key for column in declared.requires]

    def resolve(source: Any, info: Any) -> Any:
        context: RequestContext = info.context
        name = (owned.path, "batch")
        if name not in context.loaders:

            async def load(sources: list[Any]) -> Sequence[Any]:
                return await _call(declared, owned, names, sources, context)

            context.loaders[name] = DataLoader(load_fn=load, cache_key_fn=id)
        return context.loaders[name].load(source)

    return resolve


async def _call(
    declared: Batch, owned: OwnedField, names: Sequence[str | None], sources: Sequence[Any], context: RequestContext
) -> Sequence[Any]:
    parents = [{name: getattr(source, name) for name in names if name} for source in sources]
    if owned.owner == CORE_OWNER:
        async with context.alone() as session:
            answers = await declared.load(parents, FieldContext(session, context.actor, context.now, context.company))
    else:
        # A plugin gets a session of its own: what it breaks there does not touch the rest of the answer.
        async with context.services.database.reading() as session:
            settings = context.services.plugin_settings(owned.owner)
            answers = await declared.load(
                parents, FieldContext(session, context.actor, context.now, context.company, settings)
            )
    if not isinstance(answers, Sequence) or len(answers) != len(parents):
        raise WrongBatch(owned.path, len(parents), len(answers) if isinstance(answers, Sequence) else type(answers))
    return answers
