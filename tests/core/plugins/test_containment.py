import asyncio
import threading
from contextvars import ContextVar

import pytest

from regulars.plugins.calling.containment import Contained, Overran, contain, contain_here, in_thread
from regulars.plugins.calling.watchdog import Watchdog

PATIENT = Watchdog(limit_s=2)
NAME: ContextVar[str] = ContextVar("NAME")


async def contained_thread(function: object, *, budget_s: float = 10) -> object:
    assert callable(function)
    return await contain(lambda: in_thread(function), budget_s=budget_s, watchdog=PATIENT)


async def test_a_result_comes_back() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert await contain(answer, budget_s=10, watchdog=PATIENT) == 42


async def test_an_exit_raised_inside_ends_nothing_but_the_call() -> None:
    async def leave() -> None:
        raise SystemExit(1)

    with pytest.raises(Contained) as contained:
        await contain(leave, budget_s=10, watchdog=PATIENT)

    assert isinstance(contained.value.error, SystemExit)


async def test_cancelling_the_caller_cancels_the_call_and_counts_as_no_failure() -> None:
    ended = asyncio.Event()
    begun = asyncio.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    caller = asyncio.create_task(contain(wait, budget_s=10, watchdog=PATIENT))
    await begun.wait()
    caller.cancel()

    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()


async def test_a_call_that_is_out_of_time_may_tidy_up() -> None:
    tidied = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.set()

    with pytest.raises(Overran, match="TimeoutError"):
        await contain(wait, budget_s=0.05, watchdog=PATIENT)

    assert tidied.is_set()


async def test_a_plain_function_runs_on_another_thread_in_the_same_context() -> None:
    NAME.set("Ada")

    name, thread = await in_thread(lambda: (NAME.get(), threading.get_ident()))

    assert name == "Ada"
    assert thread != threading.get_ident()


async def test_a_plain_function_that_loops_is_stopped() -> None:
    is_over = threading.Event()

    def loop() -> None:
        try:
            while True:
                pass
        finally:
            is_over.set()

    with pytest.raises(Overran):
        await contained_thread(loop, budget_s=0.05)

    assert await asyncio.to_thread(is_over.wait, 10)


async def test_what_a_thread_raises_is_contained() -> None:
    def leave() -> None:
        raise KeyboardInterrupt

    with pytest.raises(Contained) as contained:
        await contained_thread(leave)

    assert isinstance(contained.value.error, KeyboardInterrupt)


def test_without_a_loop_an_error_is_contained_too() -> None:
    def leave() -> None:
        raise SystemExit

    with pytest.raises(Contained):
        contain_here(leave, budget_s=10)


def test_without_a_loop_a_hang_ends_too() -> None:
    with pytest.raises(Overran):
        contain_here(lambda: threading.Event().wait(30), budget_s=0.05)
