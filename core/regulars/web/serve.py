"""Run the server until it is told to end."""

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import structlog
import uvicorn

from regulars.garbage import keep_what_started
from regulars.settings import Settings
from regulars.web.application import create_app
from regulars.web.listening import address_of
from regulars.web.logging import set_up_logging
from regulars.web.server import Server
from regulars.web.whole_answers import WholeAnswers

__all__ = ["serve", "work"]

DRAIN_S = 4
STOP_S = 5
LARGEST_MESSAGE = 1024 * 1024
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)

log = structlog.get_logger("regulars.server")


def serve(
    settings: Settings,
    listener: socket.socket,
    *,
    before: Callable[[Server], Awaitable[None]] | None = None,
    log_to: TextIO | None = None,
) -> None:
    """Serve on a socket that listens already, until SIGTERM or SIGINT.

    ``before`` is awaited with the started server; requests wait until it has ended. Open requests get four seconds in
    the end, work in the background five. The log goes to standard output, or to ``log_to``. Raises a
    ``ConfigurationError`` for whatever keeps the server from starting.
    """
    set_up_logging(settings, to=log_to)
    with listener, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, listener, before))


def work(settings: Settings) -> None:
    """Do the work in the background, without serving anything, until SIGTERM or SIGINT."""
    set_up_logging(settings)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_work(settings.model_copy(update={"worker": True})))


async def _serve(
    settings: Settings, listener: socket.socket, before: Callable[[Server], Awaitable[None]] | None
) -> None:
    app = create_app(settings)
    server: Server = app.state.server
    web = uvicorn.Server(_uvicorn_config(app, settings))
    try:
        await server.start()
        keep_what_started()
        if before is not None:
            await before(server)
        log.info("serving", url=address_of(listener), database=server.database.dialect, mode=settings.mode)
        with _ended_by_signal():
            await web.serve(sockets=[listener])
        log.info("ending")
    finally:
        await _stop(server)


async def _work(settings: Settings) -> None:
    server = Server(settings)
    ended = asyncio.Event()
    for ending in ENDING_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(ending, ended.set)
    try:
        await server.start()
        keep_what_started()
        log.info("working", database=server.database.dialect)
        await ended.wait()
        log.info("ending")
    finally:
        await _stop(server)


async def _stop(server: Server) -> None:
    try:
        async with asyncio.timeout(STOP_S):
            await server.stop()
    except TimeoutError:
        log.warning("some work did not end in time and is left to be taken up again", seconds=STOP_S)


def _uvicorn_config(app: object, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        loop="none",
        http=WholeAnswers,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=DRAIN_S,
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # there is none for Windows

    return uvloop.new_event_loop


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    # uvicorn raises the signal that ended it once more, which would kill the process before the server has stopped.
    before = {ending: signal.signal(ending, lambda _number, _frame: None) for ending in ENDING_SIGNALS}
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
