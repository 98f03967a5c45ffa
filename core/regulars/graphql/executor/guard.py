"""Stand before every field: check permissions, contain plugins, turn a mutation's failure into its payload."""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from graphql import GraphQLOutputType
from strawberry.types.field import StrawberryField

from regulars.errors import ExpectedError, Forbidden, InvalidInput
from regulars.fields.context import RequestContext
from regulars.fields.declarations import Batch
from regulars.fields.values import user_error
from regulars.graphql.executor.auditing import audited
from regulars.graphql.executor.plugin_calls import call_plugin, check_answer, note_failure
from regulars.graphql.schema.composition import CORE_OWNER, OwnedField
from regulars.plugins.calling.containment import in_thread, is_async

__all__ = ["guarded", "mutating", "mutating_alone"]

PLUGIN_FIELD_BUDGET_S = 2.0

FieldResolver = Callable[..., Any]


def guarded(
    owned: OwnedField, resolve: FieldResolver, permission: str | None, kind: GraphQLOutputType
) -> FieldResolver:
    """Return the resolver behind its permission, and contained when a plugin owns it; ``kind`` is what it promises."""
    inner = resolve if owned.owner == CORE_OWNER else _contained(owned, resolve, kind)
    if permission is None:
        return inner

    def permitted(source: Any, info: Any, **given: Any) -> Any:
        if permission not in info.context.actor.permissions:
            raise Forbidden(permission)
        return inner(source, info, **given)

    return permitted


def _contained(owned: OwnedField, resolve: FieldResolver, kind: GraphQLOutputType) -> FieldResolver:
    if owned.field.is_subscription or isinstance(owned.rules.declaration, Batch):
        return resolve  # a batch is contained as the one call that it is
    if owned.field.base_resolver is not None:
        return _called(owned, resolve, kind)
    return _read(owned, resolve, kind)


def _called(owned: OwnedField, resolve: FieldResolver, kind: GraphQLOutputType) -> FieldResolver:
    """Return a resolver that calls the plugin's function: alone, within its time, with a session of its own."""
    answer = _with_context if owned.type_name == "Mutation" else _with_own_session

    async def contained(source: Any, info: Any, **given: Any) -> Any:
        return await call_plugin(
            info.context,
            owned,
            lambda: answer(owned.field, resolve, source, info, given),
            budget_s=PLUGIN_FIELD_BUDGET_S,
            check=lambda result: check_answer(kind, result),
        )

    return contained


async def _with_own_session(
    field: StrawberryField, resolve: FieldResolver, source: Any, info: Any, given: Mapping[str, Any]
) -> Any:
    context: RequestContext = info.context
    async with context.services.database.reading_apart() as session:
        return await _with_context(field, resolve, source, info._replace(context=context.apart(session)), given)


async def _with_context(
    field: StrawberryField, resolve: FieldResolver, source: Any, info: Any, given: Mapping[str, Any]
) -> Any:
    if field.is_async or is_async(resolve):
        return await resolve(source, info, **given)
    return await in_thread(lambda: resolve(source, info, **given))


def _read(owned: OwnedField, resolve: FieldResolver, kind: GraphQLOutputType) -> FieldResolver:
    """Return a resolver of what the core reads for a plugin: a declared field, or an attribute of a plugin's value."""
    is_declared = owned.rules.declaration is not None

    def contained(source: Any, info: Any, **given: Any) -> Any:
        try:
            answer = resolve(source, info, **given)
            if isawaitable(answer):
                return _awaited(info.context, owned, answer)
            return answer if is_declared else check_answer(kind, answer)
        except ExpectedError:
            raise
        except Exception as error:
            raise note_failure(info.context, owned, error) from error

    return contained


async def _awaited(context: RequestContext, owned: OwnedField, answer: Awaitable[Any]) -> Any:
    try:
        return await answer
    except ExpectedError:
        raise
    except Exception as error:
        raise note_failure(context, owned, error) from error


class NotAlone(InvalidInput):
    """A mutation that commits by itself was sent after others in one request."""

    code = "SEND_ALONE"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} takes effect at once, so it cannot be part of a larger change. Send it alone.")


def mutating_alone(resolve: FieldResolver, payload: type[Any]) -> FieldResolver:
    """Return the resolver of a mutation that has its own transactions."""

    async def run(source: Any, info: Any, **given: Any) -> Any:
        context: RequestContext = info.context
        try:
            if context.has_written:
                raise NotAlone(info.field_name)
            answer = resolve(source, info, **given)
            answer = await answer if isawaitable(answer) else answer
            async with context.services.database.writing() as apart, audited(apart, context, info.field_name, given):
                context.has_effect = True
        except Forbidden:
            raise
        except ExpectedError as error:
            answer = payload(errors=[user_error(error)])
        return _with_client_word(answer, given)

    return run


def mutating(resolve: FieldResolver, payload: type[Any]) -> FieldResolver:
    """Return the resolver of a mutation, whose expected failures become the payload's errors.

    What the mutation wrote before the failure is rolled back; a fault rolls back the whole request.
    """

    async def run(source: Any, info: Any, **given: Any) -> Any:
        context: RequestContext = info.context
        context.has_written = True
        # What a mutation alone wrote is all that the transaction holds.
        part = None if context.is_lone else await context.session.begin_nested()
        try:
            async with audited(context.session, context, info.field_name, given):
                answer = resolve(source, info, **given)
                answer = await answer if isawaitable(answer) else answer
            await context.session.flush()
            if part is not None:
                await part.commit()
            context.has_effect = True
        except ExpectedError as error:
            told = user_error(error)  # while what it tells of is still there
            await (context.session if part is None else part).rollback()
            if isinstance(error, Forbidden):
                raise
            answer = payload(errors=[told])
        except BaseException:
            context.has_fault = True
            raise
        context.loaders.clear()
        return _with_client_word(answer, given)

    return run


def _with_client_word(answer: Any, given: Mapping[str, Any]) -> Any:
    word = (given.get("input") or {}).get("clientMutationId")
    if word is not None and hasattr(answer, "client_mutation_id"):
        answer.client_mutation_id = word
    return answer
