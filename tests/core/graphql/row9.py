"""Row 9 of the test plan: hostile documents against any ASGI application that answers GraphQL."""

import asyncio
import gc
import json
import logging
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import httpx
from starlette.types import ASGIApp

from regulars.testing.hostile import HostileRequest, Vocabulary, hostile_requests

__all__ = ["CountedLog", "HostileRun", "check_run", "run_hostile_documents"]

_RESULTS = Path(__file__).parents[3] / ".work" / "test-plan"
_WARM_UP = 20
_SLOW_MS = 100
_TELLTALE = re.compile(
    r'Traceback|File "|\.py\b|site-packages|sqlalchemy|asyncpg|aiosqlite|\bSELECT\b.*\bFROM\b|INSERT INTO|'
    rf"set_int_max_str_digits|{re.escape(sys.prefix)}|{re.escape(str(Path(__file__).parents[3]))}",
    re.IGNORECASE | re.DOTALL,
)


@dataclass
class HostileRun:
    """What happened: times are CPU milliseconds of the event loop's thread, sizes as their names say."""

    seed: int
    requests: int
    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    executed: int = 0
    slowest_refusal_ms: float = 0.0
    slowest_refusal: str = ""
    slowest_ms: float = 0.0
    slowest: str = ""
    ping_p99_ms: float = 0.0
    pings_refused: int = 0
    log_bytes_most: int = 0
    rss_growth_mib: float = 0.0
    faults: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)


class CountedLog(StringIO):
    """A stream for logs that counts what is written and forgets it."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def write(self, text: str) -> int:
        self.bytes += len(text.encode(errors="replace"))
        return len(text)


async def run_hostile_documents(
    app: ASGIApp,
    *,
    count: int,
    seed: int,
    path: str = "/graphql",
    headers: Mapping[str, str] | None = None,
    words: Vocabulary | None = None,
    log: CountedLog | None = None,
) -> HostileRun:
    """Send ``count`` hostile requests, each with a second client's ping waiting behind it, and return what happened.

    ``log`` is where the application was set up to log; without it, what it prints and logs by itself is counted.
    The result is also written as JSON under ``.work/test-plan``.
    """
    run = HostileRun(seed, count)
    pings: list[float] = []
    # A fault of the application becomes a 500 here, as it does behind a real server.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hostile.test", headers=headers) as client:
        with _undisturbed(), _logging_to(log) as counted:
            resting = _resident_mib()
            for request in hostile_requests(count, seed=seed, words=words):
                turn = await _quietest_turn(client, path, request, counted)
                _note(run, request, turn)
                pings.append(turn.ping_ms)
                if request.number == _WARM_UP:
                    resting = _resident_mib()
            run.rss_growth_mib = _resident_mib() - resting
    run.ping_p99_ms = sorted(pings)[int(len(pings) * 0.99)]
    _RESULTS.mkdir(parents=True, exist_ok=True)
    (_RESULTS / f"row9-{seed}.json").write_text(json.dumps(vars(run), indent=2))
    return run


def check_run(run: HostileRun) -> None:
    """Assert the bounds of row 9; each names the seed and the worst request."""
    assert not run.faults, (run.seed, run.faults[:3])
    assert not run.leaks, (run.seed, run.leaks[:3])
    assert run.pings_refused == 0, run.seed
    assert run.slowest_refusal_ms <= 250, (run.seed, run.slowest_refusal)
    assert run.slowest_ms <= 5_000, (run.seed, run.slowest)
    assert run.ping_p99_ms <= 200, run.seed
    assert run.log_bytes_most <= 2_048, run.seed
    assert run.rss_growth_mib <= 50, run.seed


@dataclass(frozen=True)
class _Turn:
    """One hostile request and the ping that waited behind it; times are CPU time of the event loop's thread."""

    answer: httpx.Response
    ping: httpx.Response
    spent_ms: float
    ping_ms: float
    log_bytes: int


async def _quietest_turn(client: httpx.AsyncClient, path: str, request: HostileRequest, log: CountedLog) -> _Turn:
    """Return the turn, or the quickest of three when it was slow: a busy machine adds to CPU time, never takes away."""
    turn = await _turn(client, path, request, log)
    for _ in range(2):
        if max(turn.spent_ms, turn.ping_ms) <= _SLOW_MS:
            break
        turn = min(turn, await _turn(client, path, request, log), key=lambda one: one.spent_ms)
    return turn


async def _turn(client: httpx.AsyncClient, path: str, request: HostileRequest, log: CountedLog) -> _Turn:
    async def ping() -> tuple[httpx.Response, float]:
        answer = await client.post(path, json={"query": "{__typename}"})
        return answer, time.thread_time()

    log.bytes = 0
    started = time.thread_time()
    answer, (pinged, ping_finished) = await asyncio.gather(
        client.post(path, content=request.body, headers=request.headers), ping()
    )
    finished = time.thread_time()
    return _Turn(answer, pinged, (finished - started) * 1000, (ping_finished - started) * 1000, log.bytes)


def _note(run: HostileRun, request: HostileRequest, turn: _Turn) -> None:
    answer, spent = turn.answer, turn.spent_ms
    name = f"#{request.number} {' + '.join(request.tricks)} ({len(request.body)} bytes): {spent:.0f} ms"
    run.statuses[answer.status_code] += 1
    run.pings_refused += turn.ping.status_code != 200
    run.log_bytes_most = max(run.log_bytes_most, turn.log_bytes)
    if answer.status_code >= 500:
        run.faults.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        return
    told = answer.json()
    if _TELLTALE.search(answer.text):
        run.leaks.append(f"{name}: {answer.text[:300]}")
    for error in told.get("errors", []):
        run.codes[error.get("extensions", {}).get("code", "none")] += 1
    if told.get("data") is not None:
        run.executed += 1
    elif spent > run.slowest_refusal_ms:
        run.slowest_refusal_ms, run.slowest_refusal = spent, name
    if spent > run.slowest_ms:
        run.slowest_ms, run.slowest = spent, name


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep what earlier tests left behind out of the garbage collector's rounds."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _logging_to(log: CountedLog | None) -> Iterator[CountedLog]:
    """Count all that is printed or logged, in ``log`` if the application was set up to log there."""
    counted = log or CountedLog()
    handler, root = logging.StreamHandler(counted), logging.getLogger()
    if log is None:
        root.addHandler(handler)
    try:
        with redirect_stdout(counted), redirect_stderr(counted):
            yield counted
    finally:
        root.removeHandler(handler)


def _resident_mib() -> float:
    """Return the most memory that this process has held so far."""
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / (1024 * 1024)
