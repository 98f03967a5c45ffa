"""Stand before every field: check permissions, contain plugins, turn a mutation's failure into its payload."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from inspect import isawaitable
from typing import Any, Protocol

from regulars.errors import ExpectedError, Forbidden, InvalidInput
from regulars.fields.context import RequestContext
from regulars.fields.values import UserError
from regulars.graphql.composition import CORE_OWNER, OwnedField

__all__ = ["PluginFieldFailed", "PluginFields", "guarded", "mutating", "mutating_alone"]

PLUGIN_FIELD_TIMEOUT = timedelta(seconds=2)

FieldResolver = Callable[..., Any]


class PluginFieldFailed(ExpectedError):
    """A plugin's field raised, hung or is resting after many failures; only that field is null."""

    code = "PLUGIN_FAILED"

    def __init__(self, owner: str, field: str, problem: str) -> None:
        self.owner, self.field = owner, field
        super().__init__(f"The plugin {owner} could not answer {field}: {problem}. The rest of the answer is complete.")


class PluginFields(Protocol):
    """Whoever counts the failures of plugins: the plugin host."""

    def is_open(self, plugin_id: str, hook: str) -> bool:
        """Tell whether the plugin rests after too many failures."""
        ...

    def succeeded(self, plugin_id: str, hook: str) -> None:
        """Note a call that went well."""
        ...

    def failed(self, plugin_id: str, hook: str, error: BaseException) -> None:
        """Note a call that went wrong."""
        ...


def guarded(owned: OwnedField, resolve: FieldResolver, permission: str | None) -> FieldResolver:
    """Return the resolver behind its permission, and contained when a plugin owns it."""
    inner = resolve if owned.owner == CORE_OWNER else _contained(owned, resolve)
    if permission is None:
        return inner

    def permitted(source: Any, info: Any, **given: Any) -> Any:
        if permission not in info.context.actor.permissions:
            raise Forbidden(permission)
        return inner(source, info, **given)

    return permitted


def _contained(owned: OwnedField, resolve: FieldResolver) -> FieldResolver:
    declared = owned.rules.declaration
    timeout = getattr(declared, "timeout", PLUGIN_FIELD_TIMEOUT).total_seconds()

    def contained(source: Any, info: Any, **given: Any) -> Any:
        plugins: PluginFields = info.context.services.plugin_fields
        if plugins.is_open(owned.owner, "graphql"):
            raise PluginFieldFailed(owned.owner, owned.path, "it failed too often and rests for a while")
        try:
            answer = resolve(source, info, **given)
        except ExpectedError:
            raise
        except Exception as error:
            raise _noted(plugins, owned, error) from error
        if isawaitable(answer):
            return _awaited(plugins, owned, answer, timeout)
        return answer

    return contained


async def _awaited(plugins: PluginFields, owned: OwnedField, answer: Awaitable[Any], timeout: float) -> Any:  # noqa: ASYNC109
    try:
        value = await asyncio.wait_for(answer, timeout)
    except ExpectedError:
        raise
    except Exception as error:
        raise _noted(plugins, owned, error) from error
    plugins.succeeded(owned.owner, "graphql")
    return value


def _noted(plugins: PluginFields, owned: OwnedField, error: Exception) -> PluginFieldFailed:
    plugins.failed(owned.owner, "graphql", error)
    problem = "it took too long" if isinstance(error, TimeoutError) else "it failed"
    return PluginFieldFailed(owned.owner, owned.path, problem)


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
        savepoint = await context.session.begin_nested()
        try:
            answer = resolve(source, info, **given)
            answer = await answer if isawaitable(answer) else answer
            await context.session.flush()
            await savepoint.commit()
        except ExpectedError as error:
            await savepoint.rollback()
            if isinstance(error, Forbidden):
                raise
            answer = payload(errors=[user_error(error)])
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


def user_error(error: ExpectedError) -> UserError:
    """Return an expected error as the API shows it."""
    return UserError(
        path=list(error.path),
        message=str(error),
        code=error.code,
        conflicting_id=error.conflicting_id,  # type: ignore[arg-type]
    )
