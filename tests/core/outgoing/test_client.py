import asyncio
import gzip
import tracemalloc

import pytest
from tests.core.outgoing.conftest import MakeClient, Serve, names, replying

from regulars.outgoing.limits import FEEDS, RequestLimits
from regulars.outgoing.refusals import (
    ReplyTooLarge,
    ReplyUnreadable,
    TargetTooSlow,
    TargetUnreachable,
    TooManyRedirects,
)
from regulars.outgoing.replies import HttpReply
from regulars.outgoing.targets import PrivateTarget

MIB = 1024 * 1024
SOON = RequestLimits(seconds=0.3)
SMALL = RequestLimits(largest_reply_bytes=1000)


def local(port: int) -> PrivateTarget:
    return PrivateTarget("127.0.0.1", port)


async def test_an_answer_comes_with_status_headers_and_body(serve: Serve, make_client: MakeClient) -> None:
    port = await serve(replying("404 Not Found\ncontent-type: application/json", b'{"error": "gone"}'))

    reply = await make_client(local(port)).get(f"http://127.0.0.1:{port}/")

    assert (reply.status, reply.is_success) == (404, False)
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json() == {"error": "gone"}


async def test_a_packed_answer_is_unpacked(serve: Serve, make_client: MakeClient) -> None:
    packed = gzip.compress(b"hello ") + gzip.compress(b"world")
    port = await serve(replying("200 OK\ncontent-encoding: gzip", packed))

    reply = await make_client(local(port)).get(f"http://127.0.0.1:{port}/")

    assert reply.text == "hello world"


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused_before_it_is_held(
    serve: Serve, make_client: MakeClient
) -> None:
    bomb = gzip.compress(bytes(100 * MIB), 9)
    port = await serve(replying("200 OK\ncontent-encoding: gzip", bomb))
    client = make_client(local(port))

    tracemalloc.start()
    with pytest.raises(ReplyTooLarge):
        await client.get(f"http://127.0.0.1:{port}/")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 10 * MIB


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "deflate", "zstd"])
async def test_what_is_packed_in_a_way_that_was_not_asked_for_is_refused(
    encoding: str, serve: Serve, make_client: MakeClient
) -> None:
    port = await serve(replying(f"200 OK\ncontent-encoding: {encoding}", gzip.compress(gzip.compress(b"x"))))

    with pytest.raises(ReplyUnreadable):
        await make_client(local(port)).get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("body", [b"not packed at all", gzip.compress(b"hello world")[:-9]], ids=["plain", "cut"])
async def test_what_says_packed_and_is_broken_is_refused(body: bytes, serve: Serve, make_client: MakeClient) -> None:
    port = await serve(replying("200 OK\ncontent-encoding: gzip", body))

    with pytest.raises(ReplyUnreadable):
        await make_client(local(port)).get(f"http://127.0.0.1:{port}/")


async def test_an_answer_of_the_largest_size_is_taken_and_one_byte_more_is_not(
    serve: Serve, make_client: MakeClient
) -> None:
    fits, does_not = await serve(replying("200 OK", bytes(1000))), await serve(replying("200 OK", bytes(1001)))
    client = make_client(local(fits), local(does_not))

    reply = await client.get(f"http://127.0.0.1:{fits}/", limits=SMALL)
    with pytest.raises(ReplyTooLarge):
        await client.get(f"http://127.0.0.1:{does_not}/", limits=SMALL)

    assert len(reply.body) == 1000


async def test_an_answer_without_end_is_cut_off(serve: Serve, make_client: MakeClient) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(100_000))
            await writer.drain()

    port = await serve(endless)

    with pytest.raises(ReplyTooLarge):
        await make_client(local(port)).get(f"http://127.0.0.1:{port}/")


async def test_who_never_answers_is_too_slow(serve: Serve, make_client: MakeClient) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    port = await serve(silent)

    with pytest.raises(TargetTooSlow):
        await make_client(local(port)).get(f"http://127.0.0.1:{port}/", limits=SOON)


async def test_who_answers_a_byte_at_a_time_is_too_slow(serve: Serve, make_client: MakeClient) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    port = await serve(dripping)

    with pytest.raises(TargetTooSlow):
        await make_client(local(port)).get(f"http://127.0.0.1:{port}/", limits=SOON)


async def test_a_name_that_never_resolves_is_too_slow(make_client: MakeClient) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(TargetTooSlow):
        await make_client(resolve=resolve).get("https://shop.example/", limits=SOON)


async def test_a_name_without_an_address_cannot_be_reached(make_client: MakeClient) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(TargetUnreachable):
        await make_client(resolve=resolve).get("https://shop.example/")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"])
async def test_a_connection_that_breaks_off_is_told_as_that(
    answer: bytes, serve: Serve, make_client: MakeClient
) -> None:
    async def breaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    port = await serve(breaking)

    with pytest.raises(TargetUnreachable):
        await make_client(local(port)).get(f"http://127.0.0.1:{port}/")


async def test_a_redirect_is_an_answer_unless_it_is_to_be_followed(serve: Serve, make_client: MakeClient) -> None:
    port = await serve(replying("302 Found\nlocation: /further"))

    reply = await make_client(local(port)).get(f"http://127.0.0.1:{port}/")

    assert (reply.status, reply.headers["location"]) == (302, "/further")


async def test_redirects_without_end_are_followed_three_times(serve: Serve, make_client: MakeClient) -> None:
    asked: list[bytes] = []

    async def redirecting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    port = await serve(redirecting)

    with pytest.raises(TooManyRedirects):
        await make_client(local(port)).get(f"http://127.0.0.1:{port}/", limits=FEEDS)

    assert len(asked) == 4


async def test_a_credential_does_not_follow_a_redirect_to_another_host(serve: Serve, make_client: MakeClient) -> None:
    asked: list[bytes] = []

    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    other = await serve(listening)
    port = await serve(replying(f"302 Found\nlocation: http://other.example:{other}/"))
    client = make_client(local(port), PrivateTarget("other.example", other), resolve=names(other_example="127.0.0.1"))

    reply = await client.get(
        f"http://127.0.0.1:{port}/", headers={"authorization": "Bearer secret", "accept": "text/xml"}, limits=FEEDS
    )

    assert reply.url == f"http://other.example:{other}/"
    assert b"secret" not in asked[0]
    assert b"accept: text/xml" in asked[0].lower()


async def test_one_answers_cookie_is_not_sent_with_the_next_request(serve: Serve, make_client: MakeClient) -> None:
    asked: list[bytes] = []

    async def setting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: id=1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    port = await serve(setting)
    client = make_client(local(port))

    await client.get(f"http://127.0.0.1:{port}/")
    await client.get(f"http://127.0.0.1:{port}/")

    assert b"cookie" not in asked[1].lower()


async def test_the_environment_names_no_proxy(
    serve: Serve, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await serve(replying("200 OK", b"direct"))
    proxy = await serve(replying("200 OK", b"by proxy"))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy}")

    reply = await make_client(local(port)).get(f"http://127.0.0.1:{port}/")

    assert reply.body == b"direct"


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding"])
async def test_headers_that_follow_from_the_request_are_not_given(name: str, make_client: MakeClient) -> None:
    with pytest.raises(ValueError, match="follow from the request"):
        await make_client().get("https://shop.example/", headers={name: "1"})


async def test_a_header_cannot_begin_another_one(serve: Serve, make_client: MakeClient) -> None:
    port = await serve(replying("200 OK"))

    with pytest.raises(TargetUnreachable):
        await make_client(local(port)).get(f"http://127.0.0.1:{port}/", headers={"accept": "a\r\nx-other: b"})


async def test_a_post_sends_its_content(serve: Serve, make_client: MakeClient) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(5)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + head.split(b"\r\n")[0] + body)

    port = await serve(echo)

    reply = await make_client(local(port)).post(
        f"http://127.0.0.1:{port}/a?b=c", content=b"hello", headers={"content-type": "text/plain"}
    )

    assert reply.body == b"POST /a?b=c HTTP/1.1hello"


async def test_an_answer_that_is_no_json_is_told_as_that() -> None:
    with pytest.raises(ReplyUnreadable):
        HttpReply(200, {}, b"<html>", "https://shop.example/").json()
