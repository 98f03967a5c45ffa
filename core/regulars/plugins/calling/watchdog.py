"""Stop plugin code that runs for too long, on a thread of its own or on the event loop itself."""

import ctypes
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

__all__ = ["GuardedCall", "GuardedSteps", "Interrupted", "Watchdog", "interrupt"]

T = TypeVar("T")


class Interrupted(SystemExit):
    """Raised in the middle of plugin code that has run for too long; a thread that ends by it stays quiet."""


def interrupt(thread_id: int) -> None:
    """Raise ``Interrupted`` in a thread as soon as it runs Python again; a call into C is not reached."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(Interrupted))


def _take_back_interrupt(thread_id: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), None)


class Watchdog:
    """Interrupts calls that compute for longer than ``limit_s`` without awaiting anything.

    asyncio cannot do that: its timeouts need the loop that such a call holds. What counts is the processor's time, so
    that a busy machine makes nobody look guilty.
    """

    def __init__(self, *, limit_s: float) -> None:
        self.limit_s = limit_s
        self.lock = threading.Lock()
        self._calls: set[_Guarded] = set()
        self._thread: threading.Thread | None = None

    def guard(self, function: Callable[[], Awaitable[T]]) -> "GuardedCall[T]":
        """Return a call of ``function`` that is watched while it is awaited."""
        return GuardedCall(self, function)

    def enter(self, call: "_Guarded") -> None:
        """Begin to watch a call."""
        with self.lock:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="regulars-watchdog", daemon=True)
                self._thread.start()

    def leave(self, call: "_Guarded") -> None:
        """Stop watching a call."""
        with self.lock:
            self._calls.discard(call)

    def _watch(self) -> None:
        while True:
            time.sleep(self.limit_s / 10)
            with self.lock:
                if not self._calls:
                    self._thread = None
                    return
                for call in self._calls:
                    call.interrupt_when_overdue()


class _Guarded:
    """Code that runs in stretches, each of which can be timed and ended."""

    def __init__(self, watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        self._thread_id = 0
        self._clock_id: int | None = None
        self._began: float | None = None
        self._is_interrupt_due = False
        self.was_interrupted = False

    def _enter(self) -> None:
        self._thread_id = threading.get_ident()
        if hasattr(time, "pthread_getcpuclockid"):
            self._clock_id = time.pthread_getcpuclockid(self._thread_id)
        self._watchdog.enter(self)

    def interrupt_when_overdue(self) -> None:
        """Interrupt the running stretch when it is too long; called by the watchdog, which holds its lock."""
        if self._began is not None and self._time() - self._began > self._watchdog.limit_s:
            self._began = self._time()  # what swallows one interrupt gets another
            self._is_interrupt_due = self.was_interrupted = True
            interrupt(self._thread_id)

    def _time(self) -> float:
        return time.monotonic() if self._clock_id is None else time.clock_gettime(self._clock_id)

    def _step(self, advance: Callable[[], Any]) -> Any:
        self._began = self._time()
        try:
            return advance()
        finally:
            with self._watchdog.lock:
                self._began = None
                if self._is_interrupt_due:
                    self._is_interrupt_due = False
                    _take_back_interrupt(self._thread_id)


class GuardedCall(_Guarded, Generic[T]):
    """One awaited call, driven step by step, so that each stretch between two awaits can be timed and ended."""

    def __init__(self, watchdog: Watchdog, function: Callable[[], Awaitable[T]]) -> None:
        super().__init__(watchdog)
        self._function = function
        self._is_abandoned = False

    def abandon(self) -> None:
        """Never return into the plugin's code again; takes effect when the task is cancelled the next time."""
        self._is_abandoned = True

    def __await__(self) -> Generator[Any, Any, T]:
        self._enter()
        try:
            return (yield from self._drive())
        finally:
            self._watchdog.leave(self)

    def _drive(self) -> Generator[Any, Any, T]:
        steps = self._step(lambda: self._function().__await__())
        advance: Callable[[], Any] = lambda: next(steps)  # noqa: E731
        while True:
            try:
                awaited = self._step(advance)
            except StopIteration as end:
                if self.was_interrupted:  # and swallowed it
                    raise Interrupted from None
                result: T = end.value
                return result
            try:
                sent = yield awaited
            except BaseException as error:
                if self._is_abandoned or isinstance(error, GeneratorExit):
                    self._step(steps.close)
                    raise
                advance = _throwing(steps, error)
            else:
                advance = _sending(steps, sent)


class GuardedSteps(_Guarded):
    """Many short calls of plain functions on one thread, each of which is timed and ended by itself."""

    def __enter__(self) -> "GuardedSteps":
        self._enter()
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.leave(self)

    def run(self, function: Callable[[], T]) -> T:
        """Return the function's result; raises ``Interrupted`` when it takes too long, calls inside it included."""
        if self._began is not None:
            return function()
        self.was_interrupted = False
        result: T = self._step(function)
        if self.was_interrupted:  # and swallowed it
            raise Interrupted
        return result


def _sending(steps: Generator[Any, Any, Any], value: object) -> Callable[[], Any]:
    return lambda: steps.send(value)


def _throwing(steps: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)
