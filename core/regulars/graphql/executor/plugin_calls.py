"""Answer plugins' fields so that whatever goes wrong in one of them costs that field alone."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from inspect import iscoroutine
from typing import Any

from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    get_nullable_type,
    is_leaf_type,
)
from sqlalchemy import Executable, Result

from regulars.errors import ExpectedError
from regulars.fields.context import RequestContext
from regulars.fields.types import rules_of
from regulars.graphql.schema.composition import CORE_OWNER, OwnedField
from regulars.plugins.calling.calls import HookCall, PluginCaller, PluginCallFailed, PluginPaused
from regulars.plugins.calling.results import WrongResult, sequence_of, size_checked

__all__ = [
    "RESTING",
    "Execute",
    "PluginFieldFailed",
    "are_texts",
    "call_plugin",
    "check_answer",
    "check_answers",
    "execution_for",
    "hook_of",
    "note_failure",
]

SHORT_TEXT = 10_000

RESTING = "it failed too often and rests for a while"

Execute = Callable[[RequestContext, Executable], Awaitable[Result[*tuple[Any, ...]]]]


class PluginFieldFailed(ExpectedError):
    """A plugin's field raised, hung, returned rubbish or rests after many failures; only that field is null."""

    code = "PLUGIN_FAILED"

    def __init__(self, owner: str, field: str, problem: str) -> None:
        self.owner, self.field = owner, field
        super().__init__(f"The plugin {owner} could not answer {field}: {problem}. The rest of the answer is complete.")


@dataclass(frozen=True)
class _Refusal:
    """An error that the plugin raised on purpose, for whoever asked."""

    error: ExpectedError


async def call_plugin(
    context: RequestContext,
    owned: OwnedField,
    function: Callable[[], Awaitable[Any]],
    *,
    budget_s: float,
    check: Callable[[Any], Any],
) -> Any:
    """Return the checked result of a plugin's Python for one of its fields.

    Raises the ``ExpectedError`` that the plugin raised, and ``PluginFieldFailed`` for every way to fail.
    """

    async def answer() -> Any:
        try:
            return await function()
        except ExpectedError as error:
            return _Refusal(error)

    def checked(result: Any) -> Any:
        return result if isinstance(result, _Refusal) else check(result)

    caller: PluginCaller = context.services.plugin_fields
    call = HookCall(owned.owner, hook_of(owned), answer, {}, budget_s, checked)
    try:
        result = await caller.call(call)
    except PluginPaused as paused:
        raise PluginFieldFailed(owned.owner, owned.path, RESTING) from paused
    except PluginCallFailed as failure:
        raise _told(owned, failure) from failure
    if isinstance(result, _Refusal):
        raise result.error
    return result


def execution_for(owned: OwnedField) -> Execute:
    """Return how the statements behind a field are run: a plugin's may fail or hang without harm to the rest.

    For a plugin's field it raises ``PluginFieldFailed``.
    """
    if owned.owner == CORE_OWNER:
        return RequestContext.execute

    async def execute(context: RequestContext, statement: Executable) -> Result[*tuple[Any, ...]]:
        caller: PluginCaller = context.services.plugin_fields
        if caller.is_open(owned.owner, hook_of(owned)):
            raise PluginFieldFailed(owned.owner, owned.path, RESTING)
        try:
            result = await context.execute_apart(statement)
        except Exception as error:
            raise note_failure(context, owned, error) from error
        caller.succeeded(owned.owner, hook_of(owned))
        return result

    return execute


def note_failure(context: RequestContext, owned: OwnedField, error: Exception) -> PluginFieldFailed:
    """Return a failure of a plugin's field outside its own Python, told to the operators once for each error.

    Fifty customers whose field came from one statement have one error.
    """
    if error not in context.plugin_failures:
        caller: PluginCaller = context.services.plugin_fields
        context.plugin_failures[error] = _told(owned, caller.failed(owned.owner, hook_of(owned), error))
    failure = context.plugin_failures[error]
    assert isinstance(failure, PluginFieldFailed)
    return failure


def check_answer(kind: GraphQLOutputType, answer: Any) -> Any:
    """Return what a plugin answered where its field promises ``kind``; raises ``WrongResult``."""
    _check(kind, answer)
    return size_checked(answer)


def check_answers(kind: GraphQLOutputType, answers: Sequence[Any]) -> Sequence[Any]:
    """Return a plugin's answers for many parents, each of which is to be ``kind``; raises ``WrongResult``."""
    if are_texts(kind, answers):
        return answers
    _check(GraphQLList(kind), answers)
    return [size_checked(answer) for answer in answers]


def are_texts(kind: GraphQLOutputType, answers: Sequence[Any]) -> bool:
    """Tell whether answers are short texts, or nothing, where ``kind`` is shown: then there is nothing to check."""
    if get_nullable_type(kind) is not GraphQLString:
        return False
    expected = {str, type(None)} if kind is GraphQLString else {str}
    return expected.issuperset(map(type, answers)) and max(map(len, filter(None, answers)), default=0) <= SHORT_TEXT


def _check(kind: GraphQLOutputType, answer: Any) -> None:
    if isinstance(kind, GraphQLNonNull):
        if answer is None:
            raise WrongResult(f"it returned nothing where {kind} belongs")
        kind = kind.of_type
    if answer is None:
        return
    if isinstance(kind, GraphQLList):
        items = sequence_of(object, answer)
        for forgotten in filter(iscoroutine, items):
            forgotten.close()
        takes_texts = get_nullable_type(kind.of_type) is GraphQLString
        for item in items:
            if not (takes_texts and type(item) is str):
                _check(kind.of_type, item)
    elif iscoroutine(answer):
        answer.close()
        raise WrongResult("it returned a coroutine that nobody awaited")
    elif is_leaf_type(kind):
        try:
            kind.serialize(answer)
        except Exception as error:  # a scalar may be a plugin's own
            raise WrongResult(f"it returned a value of type {type(answer).__name__} that is no {kind}") from error
    elif isinstance(kind, GraphQLObjectType):
        _check_object(kind, answer)


def _check_object(kind: GraphQLObjectType, answer: Any) -> None:
    origin: type[Any] = kind.extensions["strawberry-definition"].origin
    rules = rules_of(origin)
    if rules is None:
        return  # a page of a connection is whatever has its attributes
    belongs = origin if rules.table is None else rules.table
    if not isinstance(answer, belongs):
        raise WrongResult(f"it returned a value of type {type(answer).__name__} where {belongs.__name__} belongs")


def hook_of(owned: OwnedField) -> str:
    """Return the name under which failures of a field are counted: one that is broken does not take others with it."""
    return f"graphql:{owned.path}"


def _told(owned: OwnedField, failure: PluginCallFailed) -> PluginFieldFailed:
    where = "" if failure.reference is None else f"; the log has the reason under {failure.reference}"
    return PluginFieldFailed(owned.owner, owned.path, f"it failed{where}")
