"""Nothing but the outgoing client opens a connection to another machine."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for top in ("core", "plugins", "alembic") for path in (ROOT / top).rglob("*.py"))

CLIENTS = {
    *("aiohttp", "anyio", "ftplib", "http.client", "httpcore", "httpx", "imaplib", "poplib", "pycurl", "requests"),
    *("smtplib", "socket", "ssl", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc"),
}
CALLS = {
    *("create_connection", "create_datagram_endpoint", "getaddrinfo"),
    *("open_connection", "open_unix_connection", "sock_connect"),
}
ALLOWED = {
    "core/regulars/outgoing/*.py": "the client itself",
    "core/regulars/messages/smtp.py": "hands mails to the operator's own mail server, which HTTP cannot",
    "core/regulars/jobs/worker.py": "asks the machine for its own name",
    "core/regulars/web/listening.py": "listens; it connects to nobody",
    "core/regulars/web/serve.py": "names the type of the socket that listens",
    "core/regulars/cli/serving.py": "names the type of the socket that listens",
    "core/regulars/demo/start.py": "names the type of the socket that listens",
    "core/regulars/testing/*.py": "tests ask the server in their own process, and close the network",
}


def forbidden_uses(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if _is_client(alias.name))
            case ast.ImportFrom(module=str(module), names=names, level=0):
                wanted = [module, *(f"{module}.{alias.name}" for alias in names)]
                yield from [name for name in wanted if _is_client(name)][:1]
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in CALLS:
                yield name
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
                yield from (word for word in _constants(node.args[:1]) if _is_client(word))


def _constants(words: list[ast.expr]) -> list[str]:
    return [str(word.value) for word in words if isinstance(word, ast.Constant)]


def _is_client(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in CLIENTS)


def is_allowed(path: Path) -> bool:
    return any(path.relative_to(ROOT).match(pattern) for pattern in ALLOWED)


def test_no_other_module_reaches_another_machine() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {use}"
        for path in SOURCES
        if not is_allowed(path)
        for use in forbidden_uses(path.read_text(encoding="utf-8"))
    }

    assert found == set()


def test_every_exception_is_still_needed() -> None:
    needed = {
        pattern
        for path in SOURCES
        for pattern in ALLOWED
        if path.relative_to(ROOT).match(pattern) and any(forbidden_uses(path.read_text(encoding="utf-8")))
    }

    assert needed == set(ALLOWED)


@pytest.mark.parametrize(
    "source",
    [
        "import httpx",
        "import urllib.request",
        "from urllib import request",
        "from urllib.request import urlopen",
        "from http import client as web",
        "import requests.sessions as r",
        "from socket import create_connection",
        "def fetch():\n    import aiohttp",
        "asyncio.open_connection('example.com', 443)",
        "loop.create_connection(Protocol, 'example.com', 443)",
        "importlib.import_module('httpx')",
    ],
)
def test_another_way_out_would_be_noticed(source: str) -> None:
    assert list(forbidden_uses(source))


@pytest.mark.parametrize(
    "source", ["from urllib.parse import urlsplit", "from http import HTTPStatus", "import sockets"]
)
def test_what_reaches_nobody_is_left_alone(source: str) -> None:
    assert not list(forbidden_uses(source))
