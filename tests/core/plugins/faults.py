"""What a faulty plugin does when it is called, in two forms: plain functions, and such that are awaited."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

__all__ = ["AWAITED_FAULTS", "HANGS", "PLAIN_FAULTS", "WRONG_RESULTS", "AwaitedFault", "PlainFault"]

PlainFault = Callable[[], Any]
AwaitedFault = Callable[[], Awaitable[Any]]


class Untold(BaseException):
    """An error that no `except Exception` sees."""


class Wordless(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise ValueError("no words")


def raises(error: BaseException) -> PlainFault:
    def fail() -> NoReturn:
        raise error

    return fail


def recurses() -> int:
    return 1 + recurses()


def sleeps() -> None:
    threading.Event().wait(timeout=30)


def loops() -> NoReturn:
    while True:
        pass


def loops_whatever_happens() -> None:
    for _ in range(3):
        try:
            loops()
        except BaseException:
            continue


async def never_awaited() -> None:
    """Be called and not awaited."""


async def sleeps_awaited() -> None:
    await asyncio.Event().wait()


async def sleeps_whatever_happens() -> None:
    while True:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            continue


async def cancels_itself() -> NoReturn:
    raise asyncio.CancelledError


def awaited(fault: PlainFault) -> AwaitedFault:
    async def fail() -> Any:
        return fault()

    return fail


RAISING = {
    "ValueError": raises(ValueError("sour")),
    "SystemExit": raises(SystemExit(3)),
    "KeyboardInterrupt": raises(KeyboardInterrupt()),
    "GeneratorExit": raises(GeneratorExit()),
    "StopIteration": raises(StopIteration("stop")),
    "Untold": raises(Untold("psst")),
    "Wordless": raises(Wordless()),
    "RecursionError": recurses,
}

WRONG_RESULTS = {
    "a number": lambda: 7,
    "NaN": lambda: float("nan"),
    "100 MB": lambda: "x" * 100_000_000,
    "coroutine": never_awaited,
}

PLAIN_FAULTS: dict[str, PlainFault] = {
    **RAISING,
    **WRONG_RESULTS,
    "None": lambda: None,
    "sleeps": sleeps,
    "loops": loops,
}

AWAITED_FAULTS: dict[str, AwaitedFault] = {
    **{name: awaited(fault) for name, fault in {**RAISING, **WRONG_RESULTS}.items()},
    "CancelledError": cancels_itself,
}

HANGS: dict[str, AwaitedFault] = {
    "sleeps": sleeps_awaited,
    "sleeps whatever happens": sleeps_whatever_happens,
    "loops": awaited(loops),
    "loops whatever happens": awaited(loops_whatever_happens),
}
