"""Documents are registered beforehand, and asked for by their hash, in both ways in which clients do."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from regulars.testing.app import App

QUERY = "query Who { viewer { kind } }"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()
REGISTER = """mutation ($text: String!) { trustedDocumentRegister(input: {text: $text}) {
  document { sha256 name text } errors { code message } } }"""
REMOVE = """mutation ($id: String!) { trustedDocumentRemove(input: {documentId: $id}) {
  document { sha256 } errors { code } } }"""
LIST = "{ trustedDocuments { nodes { sha256 name registeredBy } } }"


@pytest.fixture
async def key(app: App) -> dict[str, str]:
    """Give the headers of an analyst."""
    return await app.key("analyst")


async def register(app: App, text: str = QUERY) -> dict[str, Any]:
    payload: dict[str, Any] = (await app.gql(REGISTER, {"text": text}))["trustedDocumentRegister"]
    return payload


async def code_of(app: App, key: dict[str, str], body: dict[str, Any]) -> str:
    answer = (await app.client.post("/graphql", json=body, headers=key)).json()
    assert "data" not in answer
    return str(answer["errors"][0]["extensions"]["code"])


async def test_a_document_is_registered_once(app: App) -> None:
    first, second = await register(app), await register(app)

    assert first == {"document": {"sha256": HASH, "name": "Who", "text": QUERY}, "errors": []}
    assert second == first
    assert [each["sha256"] for each in (await app.gql(LIST))["trustedDocuments"]["nodes"]] == [HASH]
    assert len(await app.events("trusted_document.registered")) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ nonsense }", "VALIDATION_FAILED"),
        ("{", "SYNTAX_ERROR"),
        ("query A { viewer { kind } } query B { no }", "VALIDATION_FAILED"),
    ],
    ids=["unknown field", "no document", "one of two"],
)
async def test_what_the_schema_does_not_know_is_not_registered(app: App, text: str, code: str) -> None:
    payload = await register(app, text)

    assert [error["code"] for error in payload["errors"]] == [code]
    assert (await app.gql(LIST))["trustedDocuments"]["nodes"] == []


async def test_only_some_may_register(app: App) -> None:
    answer = await app.ask(REGISTER, {"text": QUERY}, as_="analyst")

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await app.gql(LIST))["trustedDocuments"]["nodes"] == []


@pytest.mark.parametrize(
    "asked",
    [
        {"documentId": f"sha256:{HASH}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}},
    ],
    ids=["document id", "persisted query"],
)
async def test_a_registered_document_is_asked_for_by_its_hash(
    app: App, key: dict[str, str], asked: dict[str, Any]
) -> None:
    await register(app)

    answer = await app.client.post("/graphql", json=asked, headers=key)

    assert answer.json()["data"] == {"viewer": {"kind": "service"}}


async def test_a_registered_query_is_asked_for_by_get(app: App, key: dict[str, str]) -> None:
    await register(app)
    headers = {**key, "accept": "application/graphql-response+json"}

    answer = await app.client.get("/graphql", params={"documentId": f"sha256:{HASH}"}, headers=headers)

    assert answer.json()["data"] == {"viewer": {"kind": "service"}}


async def test_a_registered_mutation_is_not_run_by_get(app: App, key: dict[str, str]) -> None:
    sha256 = (await register(app, REMOVE))["document"]["sha256"]
    headers = {**key, "accept": "application/graphql-response+json"}

    answer = await app.client.get("/graphql", params={"documentId": sha256}, headers=headers)

    assert answer.status_code == 405


async def test_an_id_that_nobody_registered_is_refused(app: App, key: dict[str, str]) -> None:
    assert await code_of(app, key, {"documentId": f"sha256:{HASH}"}) == "PERSISTED_QUERY_NOT_FOUND"


async def test_the_id_of_another_document_is_refused(app: App, key: dict[str, str]) -> None:
    body = {"query": "{ viewer { name } }", "documentId": HASH}

    assert await code_of(app, key, body) == "INVALID_DOCUMENT_ID"


async def test_a_removed_document_is_unknown_within_five_seconds(app: App, key: dict[str, str]) -> None:
    await register(app)
    await app.client.post("/graphql", json={"documentId": HASH}, headers=key)
    await app.gql(REMOVE, {"id": f"sha256:{HASH}"})

    app.clock.advance(timedelta(seconds=5))

    assert await code_of(app, key, {"documentId": HASH}) == "PERSISTED_QUERY_NOT_FOUND"
    gone = await app.gql(REMOVE, {"id": HASH})
    assert gone["trustedDocumentRemove"]["errors"] == [{"code": "NOT_FOUND"}]


class TestWhereOnlyRegisteredDocumentsRun:
    @pytest.fixture
    def server_settings(self) -> dict[str, Any]:
        return {"trusted_documents_only": True}

    async def test_any_other_is_refused(self, app: App, key: dict[str, str]) -> None:
        assert await code_of(app, key, {"query": QUERY}) == "DOCUMENT_NOT_TRUSTED"

    async def test_a_registered_one_runs_by_its_text_too(self, app: App, key: dict[str, str]) -> None:
        await register(app)

        answer = await app.client.post("/graphql", json={"query": QUERY}, headers=key)

        assert answer.json()["data"] == {"viewer": {"kind": "service"}}

    async def test_whoever_may_register_may_run_others(self, app: App) -> None:
        answer = await app.client.post("/graphql", json={"query": QUERY}, headers=await app.key("admin"))

        assert answer.json()["data"] == {"viewer": {"kind": "service"}}
