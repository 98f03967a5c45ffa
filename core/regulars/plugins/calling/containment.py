"""Run a plugin's code so that no error, hang or endless loop of it gets beyond this call."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from regulars.errors import RegularsError
from regulars.plugins.calling.watchdog import GuardedCall, Watchdog, interrupt

__all__ = ["Contained", "Overran", "contain", "contain_here", "in_thread", "is_async"]

T = TypeVar("T")

GRACE_S = 0.5
"""How long a cancelled call may tidy up, before its code is never entered again."""


class Contained(RegularsError):
    """A plugin's code raised something, be it ``SystemExit``."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(f"{type(error).__name__} was raised.")


class Overran(Contained):
    """A plugin's code did not end in time."""

    def __init__(self, budget_s: float) -> None:
        super().__init__(TimeoutError(f"It did not end within {budget_s:g} seconds."))


@dataclass(frozen=True)
class _Returned(Generic[T]):
    value: T


@dataclass(frozen=True)
class _Raised:
    error: BaseException


async def contain(function: Callable[[], Awaitable[T]], *, budget_s: float, watchdog: Watchdog) -> T:
    """Await ``function()`` in a task of its own for at most ``budget_s`` seconds and return its result.

    Raises ``Contained`` for whatever it raises, ``BaseException`` included, and ``Overran`` when it does not end in
    time; then it is cancelled, and when it goes on all the same, dropped.
    """
    call = watchdog.guard(function)
    task = asyncio.create_task(_outcome(call))
    try:
        await asyncio.wait({task}, timeout=budget_s)
        has_overrun = not task.done()
    finally:
        if not task.done():
            await _stop(task, call)
    if has_overrun:
        raise Overran(budget_s)
    outcome = task.result()
    if isinstance(outcome, _Raised):
        if call.was_interrupted:
            raise Overran(watchdog.limit_s) from outcome.error
        raise Contained(outcome.error) from outcome.error
    return outcome.value


async def _outcome(call: GuardedCall[T]) -> _Returned[T] | _Raised:
    # A SystemExit that leaves a task would take the whole event loop with it.
    try:
        return _Returned(await call)
    except BaseException as error:
        return _Raised(error)


async def _stop(task: asyncio.Task[_Returned[T] | _Raised], call: GuardedCall[T]) -> None:
    # The second time tells a database driver that is busy tidying up to be quick about it.
    for _ in range(2):
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE_S)
        if task.done():
            return
    call.abandon()
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE_S)


class _ThreadedCall(Generic[T]):
    """A plain function on a daemon thread, so that one that never ends does not hold up the exit."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._is_over = False
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), daemon=True)
        self.outcome: _Returned[T] | _Raised | None = None
        self.tell: Callable[[], object] = lambda: None

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def stop(self) -> None:
        with self._lock:
            if not self._is_over and self._thread.ident is not None:
                interrupt(self._thread.ident)

    def _run(self) -> None:
        try:
            self.outcome = _Returned(self._function())
        except BaseException as error:
            self.outcome = _Raised(error)
        with self._lock:
            self._is_over = True
        with suppress(RuntimeError):  # the loop that waited is closed
            self.tell()

    def result(self) -> T:
        assert self.outcome is not None
        if isinstance(self.outcome, _Raised):
            raise Contained(self.outcome.error) from self.outcome.error
        return self.outcome.value


async def in_thread(function: Callable[[], T]) -> T:
    """Return the result of a plain function that runs on a thread of its own.

    Raises what it raises. When the caller is cancelled the thread is interrupted, as far as it runs Python.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    call = _ThreadedCall(function)
    call.tell = lambda: loop.call_soon_threadsafe(ended.set)
    call.start()
    try:
        await ended.wait()
    finally:
        call.stop()
    try:
        return call.result()
    except Contained as contained:
        raise contained.error from None


def contain_here(function: Callable[[], T], *, budget_s: float) -> T:
    """Return the result of a plain function, like ``contain``, where no event loop runs."""
    call = _ThreadedCall(function)
    call.start()
    call.join(budget_s)
    if call.outcome is None:
        call.stop()
        raise Overran(budget_s)
    return call.result()


def is_async(function: object) -> bool:
    """Tell whether calling the function gives something to await."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
