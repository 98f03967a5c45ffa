"""Call plugins' code: one call at a time, within a budget, checked, recorded, and not again while it keeps failing."""

import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import structlog

from regulars.clock import Clock
from regulars.errors import ExpectedError
from regulars.plugins.calling.breaker import Breakers
from regulars.plugins.calling.containment import Contained, Overran, contain, in_thread, is_async
from regulars.plugins.calling.problems import Problems
from regulars.plugins.calling.reasons import describe, log_traceback
from regulars.plugins.calling.results import WrongResult
from regulars.plugins.calling.tracing import shown_arguments, shown_type
from regulars.plugins.calling.watchdog import Watchdog
from regulars.watch.watching import Watch

__all__ = ["Budgets", "HookCall", "Outcome", "PluginCallFailed", "PluginCaller", "PluginPaused", "PluginUnavailable"]

T = TypeVar("T")

log = structlog.get_logger("regulars.plugins")


@dataclass(frozen=True)
class Budgets:
    """How long plugins' code may take, in seconds.

    ``holding_s`` is how long it may compute without awaiting anything, in seconds of the processor.
    """

    importing_s: float = 60.0
    collecting_s: float = 5.0
    merge_s: float = 5.0
    events_s: float = 30.0
    words_s: float = 10.0
    slots_s: float = 2.0
    personal_data_s: float = 60.0
    holding_s: float = 2.0


class PluginCallFailed(ExpectedError):
    """A plugin's hook raised, hung or returned rubbish.

    ``reference`` leads to the traceback in the log.
    """

    code = "PLUGIN_FAILED"

    def __init__(self, plugin_id: str, hook: str, reason: str, *, reference: str | None = None) -> None:
        self.plugin_id, self.hook, self.reason, self.reference = plugin_id, hook, reason, reference
        where = f" The log has the traceback under {reference}." if reference else ""
        super().__init__(f"The plugin {plugin_id} failed in {hook}. {reason}{where}")


class PluginPaused(PluginCallFailed):
    """A plugin's hook failed so often that it is not called until ``until``."""

    code = "PLUGIN_PAUSED"

    def __init__(self, plugin_id: str, hook: str, until: datetime) -> None:
        self.until = until
        super().__init__(
            plugin_id, hook, f"It failed too often and is called again after {until.isoformat(timespec='seconds')}."
        )


class PluginUnavailable(PluginCallFailed):
    """A plugin that may hold something of a customer cannot be asked."""

    code = "PLUGIN_UNAVAILABLE"


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What one plugin answered: a value, or why there is none."""

    plugin_id: str
    value: T | None = None
    failure: PluginCallFailed | None = None


@dataclass(frozen=True)
class HookCall(Generic[T]):
    """One call of one plugin: the function with its arguments, and what may come of it.

    ``check`` turns the result into what is promised, or raises ``WrongResult``. ``finish`` is awaited after a good
    result, and when it fails, the call has failed: a commit, for instance.
    """

    plugin_id: str
    hook: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    budget_s: float
    check: Callable[[Any], T]
    finish: Callable[[], Awaitable[object]] | None = None


class PluginCaller:
    """Calls hooks, counts their failures, and remembers which may not be called for a while."""

    def __init__(
        self,
        *,
        clock: Clock,
        problems: Problems,
        budgets: Budgets,
        is_tracing: bool,
        watch: Watch | None = None,
    ) -> None:
        self.breakers = Breakers(clock)
        self.budgets = budgets
        self.watchdog = Watchdog(limit_s=budgets.holding_s)
        self._problems = problems
        self._watch = watch or Watch()
        self._is_tracing = is_tracing

    async def call(self, call: HookCall[T]) -> T:
        """Return the checked result of a hook.

        Raises ``PluginPaused`` without calling while its breaker is open, and ``PluginCallFailed`` for every way to
        fail: an exception of any kind, no end in time, a wrong result.
        """
        until = self.breakers.open_until(call.plugin_id, call.hook)
        if until is not None:
            raise PluginPaused(call.plugin_id, call.hook, until)
        try:
            value = await self.attempt(call)
        except PluginCallFailed as failure:
            self._count(failure)
            raise
        self.breakers.succeeded(call.plugin_id, call.hook)
        return value

    async def attempt(self, call: HookCall[T]) -> T:
        """Return the checked result of a hook, as ``call`` does, but neither ask nor tell its breaker."""
        began = time.perf_counter()
        try:
            with self._watch.plugin_call(call.plugin_id, call.hook):
                value = await contain(lambda: _run(call), budget_s=call.budget_s, watchdog=self.watchdog)
                if call.finish is not None:
                    await contain(call.finish, budget_s=call.budget_s, watchdog=self.watchdog)
        except Contained as contained:
            failure = self._failure(call, contained)
            self._trace(call, began, failed=failure.reason)
            raise failure from contained.error
        self._trace(call, began, returned=shown_type(value))
        return value

    def is_open(self, plugin_id: str, hook: str) -> bool:
        """Tell whether the hook rests after too many failures; for calls that are made elsewhere."""
        return self.breakers.open_until(plugin_id, hook) is not None

    def succeeded(self, plugin_id: str, hook: str) -> None:
        """Take note of a call that was made elsewhere and went well."""
        self.breakers.succeeded(plugin_id, hook)

    def failed(self, plugin_id: str, hook: str, error: BaseException) -> PluginCallFailed:
        """Take note of a call that was made elsewhere and failed; return the failure as it is recorded."""
        reference = log_traceback(log, plugin_id, hook, error)
        failure = PluginCallFailed(plugin_id, hook, f"It raised {describe(error)}", reference=reference)
        self._count(failure)
        return failure

    def _count(self, failure: PluginCallFailed) -> None:
        self._watch.figures.plugin_failed(failure.plugin_id, failure.hook)
        self._problems.report(failure.plugin_id, failure.hook, _with_reference(failure))
        opened = self.breakers.failed(failure.plugin_id, failure.hook)
        if opened is not None:
            until = opened.until.isoformat(timespec="seconds")
            log.warning("plugin.paused", plugin=opened.plugin_id, hook=opened.hook, until=until)
            self._problems.report(
                opened.plugin_id, f"paused:{opened.hook}", f"{opened.hook} is not called until {until}.", True
            )

    def _failure(self, call: HookCall[Any], contained: Contained) -> PluginCallFailed:
        error = contained.error
        if isinstance(contained, Overran):
            reason = str(error)
        elif isinstance(error, WrongResult):
            reason = f"Its result is refused: {error}."
        else:
            reason = f"It raised {describe(error)}"
        reference = log_traceback(log, call.plugin_id, call.hook, contained.__cause__ or error)
        return PluginCallFailed(call.plugin_id, call.hook, reason, reference=reference)

    def _trace(self, call: HookCall[Any], began: float, **end: str) -> None:
        if self._is_tracing:
            log.info(
                "plugin.call",
                plugin=call.plugin_id,
                hook=call.hook,
                arguments=shown_arguments(call.arguments),
                ms=round((time.perf_counter() - began) * 1000, 2),
                **end,
            )


async def _run(call: HookCall[T]) -> T:
    if is_async(call.function):
        result = await call.function(**call.arguments)
    else:
        result = await in_thread(lambda: call.function(**call.arguments))
    if inspect.iscoroutine(result):
        result.close()
        raise WrongResult("it returned a coroutine that nobody awaited; write `async def`, or `await` inside")
    return call.check(result)


def _with_reference(failure: PluginCallFailed) -> str:
    return failure.reason if failure.reference is None else f"{failure.reason} Log reference {failure.reference}."
