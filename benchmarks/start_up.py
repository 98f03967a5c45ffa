"""How long a server takes to be ready and what it holds, beside the bare import of its libraries.

Every figure is the median of processes of their own, which take turns with their yardsticks. Times are CPU time of a
process from its beginning, since the clock on the wall depends on whoever else uses the machine; memory is what is
resident. All plugins of ours are enabled. Everything was imported once before, so that Python has compiled it, as it
has what was installed. The goals are about a server without work in the background and without its web server; what
`regulars serve` takes as a whole, and the libraries alone that the server loads, is told as well.

    ROUNDS=7 REQUESTS=100000 python benchmarks/start_up.py
"""

import asyncio
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", "5"))
REQUESTS = int(os.environ.get("REQUESTS", "5000"))
LAZY = ("scipy", "altair", "vl_convert", "opentelemetry.sdk")
QUERY = "{ customers(first: 5) { totalCount nodes { id displayName } } }"
PATIENCE_S = 60
ADDRESS = "127.0.0.1:8971"
LIBRARIES = "import strawberry, sqlalchemy, sqlalchemy.ext.asyncio, starlette.applications"


@dataclass(frozen=True)
class Goal:
    """A figure with its yardstick, and how many times the yardstick it may be."""

    name: str
    figure: float
    yardstick: str
    measured: float
    unit: str
    at_most: float

    def line(self) -> str:
        ratio = self.figure / self.measured
        verdict = "met" if ratio <= self.at_most else "MISSED"
        beside = f"{self.yardstick} {self.measured:.2f} {self.unit}"
        return (
            f"{self.name}: {self.figure:.2f} {self.unit}; {beside}; ratio {ratio:.2f}, goal {self.at_most}: {verdict}"
        )


def resident_mib(process: int | str = "self") -> float:
    """Return the memory that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1024 * 1024)


async def bare_process() -> None:
    """Answer one query with strawberry and SQLAlchemy alone, and tell what is held then."""
    import strawberry
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine("sqlite+aiosqlite://")

    async def number() -> int:
        async with engine.connect() as connection:
            return int((await connection.execute(text("SELECT 1"))).scalar_one())

    query = type("Query", (), {"number": strawberry.field(resolver=number)})
    schema = strawberry.Schema(strawberry.type(query))
    answer = await schema.execute("{ number }")
    assert answer.data == {"number": 1}
    print(json.dumps({"cpu": time.process_time(), "idle": resident_mib()}))
    await engine.dispose()


async def server_process(requests: int) -> None:
    """Be ready, answer ``requests`` queries, and tell how long the one took and what is held before and after."""
    from regulars.garbage import keep_what_started, start_without_searching

    start_without_searching()  # as `regulars serve` does
    from regulars.access.actors import Actor
    from regulars.graphql.holder import SchemaHolder
    from regulars.graphql.protocol.transport import GraphQLOperation
    from regulars.settings import Settings
    from regulars.web.application import create_app

    server = create_app(Settings(worker=False)).state.server
    async with server.running():
        keep_what_started()
        assert not await server.hindrances()
        ready, idle = time.process_time(), resident_mib()
        lazy = [name for name in LAZY if name in sys.modules]
        others = [name for name in sys.modules if not name.startswith(("regulars", "__"))]
        plugins = len(server.plugins.ids)
        executor = await server.executor()
        actor = Actor("staff", permissions=frozenset(each.name for each in server.permissions))
        for _ in range(requests):
            await executor.answer(GraphQLOperation(QUERY, None, {}, {}), actor=actor)
        after = resident_mib()
        began = time.process_time()
        await SchemaHolder(server, server).refresh()
        schema = time.process_time() - began
    told = {"ready": ready, "idle": idle, "after": after, "schema": schema, "lazy": lazy, "plugins": plugins}
    print(json.dumps({**told, "others": " ".join(others)}))


def import_all(names: str) -> None:
    """Import what is named, one word each."""
    for name in names.split():
        try:
            importlib.import_module(name)
        except ImportError:  # a part that its library makes by itself
            continue


def libraries_process(names: str) -> None:
    """Import the libraries that a server has loaded, and tell what that takes."""
    from regulars.garbage import start_without_searching

    start_without_searching()
    import_all(names)
    print(json.dumps({"cpu": time.process_time(), "idle": resident_mib()}))


def serve_process(environment: Mapping[str, str], address: str) -> dict[str, float]:
    """Start `regulars serve`, wait until it is ready, and return what it took until then."""
    host, port = address.split(":")
    words = ["-m", "regulars.cli.main", "serve", "--host", host, "--port", port]
    given = {**environment, "REGULARS_WORKER": "0"}
    silent = subprocess.DEVNULL
    started = subprocess.Popen([sys.executable, *words], env=given, stdout=silent, stderr=silent)
    try:
        _wait_until_ready(f"http://{address}/ready")
        user, system = Path(f"/proc/{started.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return {"cpu": (int(user) + int(system)) / os.sysconf("SC_CLK_TCK"), "idle": resident_mib(started.pid)}
    finally:
        started.terminate()
        started.wait()


def _wait_until_ready(url: str) -> None:
    given_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < given_up_at:
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise TimeoutError(f"Nobody is ready at {url}.")


def told_by(words: Sequence[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Return what a process printed, and its CPU time as ``whole``."""
    began = os.times()
    done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)
    ended = os.times()
    assert done.returncode == 0, done.stderr
    whole = ended.children_user + ended.children_system - began.children_user - began.children_system
    last = done.stdout.strip().rpartition("\n")[2]
    told: dict[str, float] = json.loads(last) if last.startswith("{") else {}
    return {**told, "whole": whole}


def prepared(folder: Path) -> dict[str, str]:
    """Return the environment of a database in which every plugin of ours is enabled."""
    environment = {
        **os.environ,
        "REGULARS_DATABASE_URL": f"sqlite:///{folder}/shop.db",
        "REGULARS_UPLOADS": str(folder),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    plugins = sorted(entry.name for entry in entry_points(group="regulars"))
    for words in (["db", "upgrade"], *(["plugin", "enable", plugin, "--yes"] for plugin in plugins)):
        command = [sys.executable, "-m", "regulars.cli.main", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"left out: {' '.join(words)}: {done.stderr.strip()}")
    return environment


def measured_once(environment: Mapping[str, str], requests: int) -> dict[str, dict[str, float]]:
    """Return what each process told, by what it stands for."""
    me = str(Path(__file__).resolve())
    server = told_by([me, "server", str(requests)], environment)
    return {
        "libraries": told_by(["-c", LIBRARIES], environment),
        "bare": told_by([me, "bare"], environment),
        "server": server,
        "others": told_by([me, "libraries", str(server["others"])], environment),
        "serve": serve_process(environment, ADDRESS),
        "typer": told_by(["-c", "import typer"], environment),
        "help": told_by(["-m", "regulars.cli.main", "--help"], environment),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = prepared(Path(folder))
        measured_once(environment, 1)
        rounds = [measured_once(environment, REQUESTS) for _ in range(ROUNDS)]

    def median(what: str, figure: str) -> float:
        return statistics.median(each[what][figure] for each in rounds)

    def spread(what: str, figure: str) -> str:
        found = [each[what][figure] for each in rounds]
        return f"{min(found):.2f} to {max(found):.2f}"

    libraries, ready = median("libraries", "whole"), median("server", "ready")
    idle, bare = median("server", "idle"), median("bare", "idle")
    goals = [
        Goal("ready", ready, "import of strawberry, SQLAlchemy and starlette", libraries, "s", 2.5),
        Goal("schema and declarations, built anew", median("server", "schema"), "ready", ready, "s", 0.25),
        Goal("idle memory", idle, "bare strawberry + SQLAlchemy process", bare, "MiB", 1.5),
        Goal(f"memory after {REQUESTS} requests", median("server", "after"), "idle", idle, "MiB", 1.2),
        Goal("regulars --help", median("help", "whole"), "python -c 'import typer'", median("typer", "whole"), "s", 3),
    ]
    names = ("strawberry-graphql", "sqlalchemy", "starlette", "regulars")
    print(f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in names)}")
    print(f"{ROUNDS} rounds, {rounds[0]['server']['plugins']} plugins; CPU seconds and resident MiB, medians")
    for goal in goals:
        print(goal.line())
    for what, name in (("others", "its libraries alone"), ("serve", "`regulars serve` as a whole")):
        cpu, held = median(what, "cpu"), median(what, "idle")
        print(f"{name}: {cpu:.2f} s, {held:.2f} MiB; ratios {cpu / libraries:.2f}, {held / bare:.2f}")
    print(f"spread: libraries {spread('libraries', 'whole')} s, ready {spread('server', 'ready')} s")
    lazy = rounds[0]["server"]["lazy"]
    print(f"imported though nobody asked: {lazy or 'nothing'}; goal nothing of {', '.join(LAZY)}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bare"]:
            asyncio.run(bare_process())
        case ["libraries", names]:
            libraries_process(names)
        case ["server", requests]:
            asyncio.run(server_process(int(requests)))
        case _:
            main()
