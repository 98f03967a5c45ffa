import asyncio
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from regulars.web.whole_answers import WholeAnswers

GET = b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n"


class Wire(asyncio.Transport):
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.is_shut = False

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_shut

    def close(self) -> None:
        self.is_shut = True

    def resume_reading(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass


async def ask(app: ASGIApp, *pieces: bytes) -> Wire:
    config = uvicorn.Config(app, http=WholeAnswers, lifespan="off", log_config=None, access_log=False)
    state, wire = ServerState(), Wire()
    config.load()
    protocol = WholeAnswers(config, state, {}, asyncio.get_running_loop())
    protocol.connection_made(wire)
    for piece in pieces:
        protocol.data_received(piece)
    while state.tasks:
        await asyncio.wait(set(state.tasks))
    return wire


def answering(response: Response) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    return app


async def greet(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(b"hello " + body)(scope, receive, send)


async def test_an_answer_goes_out_in_one_piece() -> None:
    wire = await ask(answering(PlainTextResponse("hello", headers={"x-shop": "toys"})), GET)

    (sent,) = wire.sent
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"x-shop: toys",
        b"content-length: 5",
        b"content-type: text/plain; charset=utf-8",
    ]
    assert body == b"hello"
    assert not wire.is_shut


async def test_the_next_request_of_a_connection_is_answered_too() -> None:
    post = b"POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\n\r\n"

    wire = await ask(greet, post + b"Ada" + post + b"Bob")

    assert [sent.partition(b"\r\n\r\n")[2] for sent in wire.sent] == [b"hello Ada", b"hello Bob"]


async def test_an_answer_of_unknown_length_begins_at_once() -> None:
    wire = await ask(answering(StreamingResponse(iter(["one", "two"]))), GET)

    assert wire.sent[0].endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert wire.sent[1:] == [b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n"]


async def test_a_body_that_comes_in_parts_goes_out_in_parts() -> None:
    wire = await ask(answering(StreamingResponse(iter(["one", "two"]), headers={"content-length": "6"})), GET)

    assert wire.sent[1:] == [b"one", b"two", b""]


async def test_a_large_body_is_not_copied_behind_its_head() -> None:
    large = b"a" * 100_000

    wire = await ask(answering(PlainTextResponse(large)), GET)

    assert wire.sent[1:] == [large]


async def test_a_head_alone_has_no_body() -> None:
    wire = await ask(answering(PlainTextResponse("hello")), GET.replace(b"GET", b"HEAD"))

    assert b"content-length: 5" in b"".join(wire.sent)
    assert b"hello" not in b"".join(wire.sent)


@pytest.mark.parametrize(
    "asked", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"]
)
async def test_a_connection_is_closed_for_whoever_asks_once(asked: bytes) -> None:
    wire = await ask(answering(PlainTextResponse("hello")), asked)

    assert b"connection: close" in wire.sent[0]
    assert b"".join(wire.sent).endswith(b"hello")
    assert wire.is_shut


@pytest.mark.parametrize("headers", [{"x-shop": "toys\r\nset-cookie: a=b"}, {"x shop": "toys"}])
async def test_a_header_that_would_bring_others_is_refused(headers: dict[str, str]) -> None:
    wire = await ask(answering(PlainTextResponse("hello", headers=headers)), GET)

    assert b"set-cookie" not in b"".join(wire.sent)
    assert b"shop" not in b"".join(wire.sent)
