import json
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from tests.core.graphql.small_app import code_of, small_client, stored_names

from regulars.errors import Forbidden
from regulars.graphql.protocol.transport import GraphQLAnswer, GraphQLOperation, GraphQLOverHttp

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
QUERY = {"query": "{ __typename }"}
MUTATION = 'mutation { rename(name: "Eve") { name } }'


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with small_client() as client:
        yield client


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (GRAPHQL.upper(), GRAPHQL),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON};q=0.5, {GRAPHQL};q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.1, */*", JSON),
        (f"*/*, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; q=0.9", GRAPHQL),
        (f"{JSON};q=0, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", GRAPHQL),
        (f"multipart/mixed;deferSpec=20220824,{JSON}", JSON),
        ("text/html, */*;q=0.1", JSON),
    ],
)
async def test_the_answer_has_the_media_type_that_is_accepted(
    client: httpx.AsyncClient, accept: str | None, kind: str
) -> None:
    del client.headers["accept"]
    headers = {} if accept is None else {"accept": accept}

    answer = await client.post("/graphql", json=QUERY, headers=headers)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("accept", ["text/html", "image/*", f"{JSON};q=0", f"*/*, {JSON};q=0", f"{JSON};q=high"])
async def test_an_answer_in_another_media_type_is_refused(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.post("/graphql", json=QUERY, headers={"accept": accept})

    assert (answer.status_code, code_of(answer)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "SYNTAX_ERROR"),
        ("{ customers(first: 500) { totalCount } }", "PAGE_SIZE_OUT_OF_RANGE"),
        ("{ " + "__typename " * 300 + "}", "TOO_MANY_ROOT_FIELDS"),
        ("{ a }" + " " * 16_400, "DOCUMENT_TOO_LARGE"),
    ],
)
@pytest.mark.parametrize(("kind", "status"), [(JSON, 200), (GRAPHQL, 400)])
async def test_a_refused_document_is_a_request_in_error(
    client: httpx.AsyncClient, kind: str, status: int, query: str, code: str
) -> None:
    answer = await client.post("/graphql", json={"query": query}, headers={"accept": kind})

    assert (answer.status_code, code_of(answer)) == (status, code)


async def test_a_syntax_error_tells_the_place(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{\n  a("})

    assert answer.json()["errors"][0]["locations"] == [{"line": 2, "column": 5}]


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/json, text/plain",
        "application/graphql",
        "application/json; charset=latin-1",
    ],
)
async def test_a_body_that_a_form_could_send_is_refused(client: httpx.AsyncClient, content_type: str) -> None:
    body = json.dumps({"query": MUTATION})

    answer = await client.post("/graphql", content=body, headers={"content-type": content_type})

    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert stored_names == []


@pytest.mark.parametrize(
    "content_type", [JSON, "Application/JSON", f"{JSON};charset=utf-8", f'{JSON}; charset="UTF-8"']
)
async def test_json_in_utf8_is_taken_however_it_is_declared(client: httpx.AsyncClient, content_type: str) -> None:
    body = json.dumps({"query": MUTATION})

    answer = await client.post("/graphql", content=body, headers={"content-type": content_type})

    assert answer.json() == {"data": {"rename": {"name": "Eve"}}}
    assert stored_names == ["Eve"]


async def test_two_content_types_are_refused(client: httpx.AsyncClient) -> None:
    del client.headers["content-type"]
    headers = [("content-type", JSON), ("content-type", "text/plain")]

    answer = await client.post("/graphql", content=json.dumps({"query": MUTATION}), headers=headers)

    assert (answer.status_code, stored_names) == (415, [])


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": JSON},
        {"accept": f"text/html, {GRAPHQL};q=0.1"},
        {"authorization": "Bearer x"},
        {"apollo-require-preflight": "1"},
        {"x-apollo-operation-name": "Q"},
        {"content-type": JSON},
        {"sec-fetch-mode": "cors"},
        {"sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"},
    ],
)
async def test_a_query_by_get_is_answered_to_a_program(client: httpx.AsyncClient, headers: Mapping[str, str]) -> None:
    client.headers = httpx.Headers({"accept": "*/*"})

    answer = await client.get("/graphql", params=QUERY, headers=dict(headers))

    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": "*/*"},
        {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate"},
        {"accept": "image/avif,image/webp,*/*", "sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site"},
        {"accept": "*/*", "sec-fetch-mode": "cors", "sec-fetch-site": "cross-site"},
        {"accept": "*/*", "content-type": "text/plain"},
    ],
)
async def test_a_query_by_get_from_a_link_or_a_foreign_page_is_refused(
    client: httpx.AsyncClient, headers: Mapping[str, str]
) -> None:
    client.headers = httpx.Headers()

    answer = await client.get("/graphql", params=QUERY, headers=dict(headers))

    assert (answer.status_code, code_of(answer)) == (403, "CROSS_SITE_REQUEST")


@pytest.mark.parametrize(
    "params",
    [
        {"query": MUTATION},
        {"query": "subscription { __typename }"},
        {"query": "query A { __typename } mutation B { __typename }", "operationName": "B"},
        {"query": "query A { __typename } mutation B { __typename }"},
    ],
)
async def test_a_mutation_by_get_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, params: Mapping[str, str]
) -> None:
    answer = await client.get("/graphql", params=dict(params), headers={"accept": JSON})

    assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"
    assert stored_names == []


async def test_the_query_beside_a_mutation_can_be_asked_for_by_get(client: httpx.AsyncClient) -> None:
    params = {"query": "query A { __typename } mutation B { __typename }", "operationName": "A"}

    answer = await client.get("/graphql", params=params, headers={"accept": JSON})

    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_variables_of_a_get_are_json(client: httpx.AsyncClient) -> None:
    params = {
        "query": "query ($n: Int) { customers(first: $n) { totalCount } }",
        "variables": '{"n": 3}',
        "extensions": "",
    }

    answer = await client.get("/graphql", params=params, headers={"accept": JSON})

    assert answer.json() == {"data": {"customers": {"totalCount": 3}}}


@pytest.mark.parametrize(
    ("query_string", "code"),
    [
        ("", "INVALID_PARAMETER"),
        ("query={a}&query={b}", "INVALID_PARAMETER"),
        ("query=%ff", "INVALID_PARAMETER"),
        ("&".join(["a=1"] * 30), "INVALID_PARAMETER"),
        ("query={a}&variables=[1]", "INVALID_PARAMETER"),
        ("query={a}&variables={", "MALFORMED_JSON"),
        ('query={a}&variables={"a":1,"a":2}', "MALFORMED_JSON"),
    ],
)
async def test_parameters_of_a_get_that_cannot_be_read_are_refused(
    client: httpx.AsyncClient, query_string: str, code: str
) -> None:
    answer = await client.get(f"/graphql?{query_string}", headers={"accept": JSON})

    assert (answer.status_code, code_of(answer)) == (400, code)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/graphql", json={"query": MUTATION})

    assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, POST"
    assert stored_names == []


@pytest.fixture
def operations() -> list[GraphQLOperation]:
    return []


@pytest.fixture
async def recorder(operations: list[GraphQLOperation]) -> AsyncIterator[httpx.AsyncClient]:
    async def execute(operation: GraphQLOperation, request: Request) -> GraphQLAnswer:
        operations.append(operation)
        if operation.operation_name == "Forbidden":
            raise Forbidden("customers:read")
        return GraphQLAnswer(b'{"data":null}', "executed", status=503, headers={"retry-after": "5"})

    app = Starlette(routes=[Route("/graphql", GraphQLOverHttp(execute))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://regulars.test") as client:
        yield client


async def test_the_executor_gets_what_was_sent(recorder: httpx.AsyncClient, operations: list[GraphQLOperation]) -> None:
    sent = {"query": "{ a }", "operationName": "", "variables": {"a": [1]}, "extensions": {"b": None}, "more": 1}

    await recorder.post("/graphql", json=sent)

    assert operations == [GraphQLOperation("{ a }", None, {"a": [1]}, {"b": None})]


async def test_the_executor_may_choose_status_and_headers(recorder: httpx.AsyncClient) -> None:
    answer = await recorder.post("/graphql", json={"query": "{ a }"})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.content == b'{"data":null}'


async def test_an_expected_error_of_the_executor_is_a_request_in_error(recorder: httpx.AsyncClient) -> None:
    sent = {"query": "{ a }", "operationName": "Forbidden"}

    answer = await recorder.post("/graphql", json=sent, headers={"accept": GRAPHQL})

    assert (answer.status_code, code_of(answer)) == (400, "FORBIDDEN")
