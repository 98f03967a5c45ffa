import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.core.graphql.small_app import code_of, small_client

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
QUERY = {"query": "{ __typename }"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with small_client(body_bytes=20_000) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MALFORMED_JSON"),
        (b"{", "MALFORMED_JSON"),
        (b'{"query": "{ a }"} x', "MALFORMED_JSON"),
        (b'{"query": "\xff"}', "MALFORMED_JSON"),
        (b'\xef\xbb\xbf{"query": "{ a }"}', "MALFORMED_JSON"),
        (b'{"query": "a\x00b"}', "MALFORMED_JSON"),
        (b'{"query": "{ a }", "query": "{ b }"}', "MALFORMED_JSON"),
        (b'{"query": "{ a }", "variables": {"a": 1, "a": 2}}', "MALFORMED_JSON"),
        (b'{"query": "{ a }", "variables": {"a": NaN}}', "MALFORMED_JSON"),
        (b'{"query": "{ a }", "variables": {"a": ' + b"9" * 5_000 + b"}}", "MALFORMED_JSON"),
        (b'{"query": "{ a }", "variables": ' + b"[" * 9_000, "MALFORMED_JSON"),
        (b'{"query": "{ a }", "variables": ' + b'{"a":' * 2_500, "MALFORMED_JSON"),
        (b'[{"query": "{ a }"}]', "BATCHING_REFUSED"),
        (b"[]", "BATCHING_REFUSED"),
        (b'"{ a }"', "INVALID_PARAMETER"),
        (b"null", "INVALID_PARAMETER"),
        (b"{}", "INVALID_PARAMETER"),
        (b'{"query": null}', "INVALID_PARAMETER"),
        (b'{"query": ["{ a }"]}', "INVALID_PARAMETER"),
        (b'{"query": "{ a }", "operationName": 1}', "INVALID_PARAMETER"),
        (b'{"query": "{ a }", "variables": "{}"}', "INVALID_PARAMETER"),
        (b'{"query": "{ a }", "variables": ""}', "INVALID_PARAMETER"),
        (b'{"query": "{ a }", "extensions": []}', "INVALID_PARAMETER"),
    ],
)
@pytest.mark.parametrize("kind", [JSON, GRAPHQL])
async def test_a_body_that_is_no_request_is_refused_in_both_media_types(
    client: httpx.AsyncClient, kind: str, body: bytes, code: str
) -> None:
    answer = await client.post("/graphql", content=body, headers={"accept": kind})

    assert (answer.status_code, code_of(answer)) == (400, code)


async def test_half_a_surrogate_pair_in_the_document_never_reaches_the_executor(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", content=b'{"query": "{ a \\ud800 }"}', headers={"accept": GRAPHQL})

    assert (answer.status_code, code_of(answer)) == (400, "SYNTAX_ERROR")


async def test_a_body_of_very_many_objects_is_refused_before_it_is_parsed() -> None:
    body = b'{"query": "{ __typename }", "variables": {"a": [' + b",".join([b"{}"] * 20_000) + b"]}}"

    async with small_client() as client:
        answer = await client.post("/graphql", content=body)

    assert (answer.status_code, code_of(answer)) == (400, "MALFORMED_JSON")
    assert "more than 20,000 objects and lists" in answer.text


@pytest.mark.parametrize("member", ["variables", "operationName", "extensions"])
async def test_a_parameter_may_be_null(client: httpx.AsyncClient, member: str) -> None:
    answer = await client.post("/graphql", json={**QUERY, member: None})

    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ a }", "variables": {"a": "\\u0000"}}',
        b'{"query": "{ a }", "variables": {"a": "\\ud800"}}',
        b'{"query": "{ a }", "variables": {"a": 1e999}}',
        b'{"query": "{ a }", "operationName": "\\ud800"}',
        b'{"query": "{ a }", "extensions": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}",
    ],
)
async def test_values_that_no_database_takes_are_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/graphql", content=body, headers={"accept": GRAPHQL})

    assert (answer.status_code, code_of(answer)) == (400, "INPUT_REFUSED")


@pytest.mark.parametrize("encoding", ["identity", ""])
async def test_a_body_of_the_largest_size_is_read(client: httpx.AsyncClient, encoding: str) -> None:
    body = json.dumps(QUERY).ljust(20_000)

    answer = await client.post("/graphql", content=body, headers={"content-encoding": encoding})

    assert answer.status_code == 200


async def test_a_byte_more_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", content=json.dumps(QUERY).ljust(20_001))

    assert (answer.status_code, code_of(answer)) == (413, "BODY_TOO_LARGE")


async def test_a_body_without_a_length_is_counted_as_it_comes(client: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1_000
            yield b" " * 1_000

    answer = await client.post("/graphql", content=endless())

    assert (answer.status_code, taken) == (413, 21_000)


async def test_a_compressed_body_is_read(client: httpx.AsyncClient) -> None:
    body = gzip.compress(json.dumps(QUERY).encode())

    answer = await client.post("/graphql", content=body, headers={"content-encoding": "gzip"})

    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_compressed_bomb_is_refused_by_its_decompressed_size(client: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 50_000_000 + json.dumps(QUERY).encode())

    answer = await client.post("/graphql", content=bomb[:20_000], headers={"content-encoding": "gzip"})

    assert (answer.status_code, code_of(answer)) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"query": "{ a }"}',
        gzip.compress(b'{"query": "{ a }"}', mtime=0)[:-4],
        gzip.compress(b'{"query": "{ a }"}', mtime=0) + b"trailing",
        gzip.compress(b'{"query": ', mtime=0) + gzip.compress(b'"{ a }"}', mtime=0),
    ],
)
async def test_a_body_that_is_not_one_gzip_stream_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/graphql", content=body, headers={"content-encoding": "gzip"})

    assert (answer.status_code, code_of(answer)) == (400, "BODY_UNREADABLE")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_another_compression_is_refused(client: httpx.AsyncClient, encoding: str) -> None:
    answer = await client.post("/graphql", content=b"x", headers={"content-encoding": encoding})

    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_ENCODING")
    assert answer.headers["accept-encoding"] == "gzip"
