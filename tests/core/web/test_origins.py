from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from regulars.settings import Settings
from regulars.testing.app import App

CRM = "https://crm.example"


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"cors_origins": (CRM,)}


async def preflight(app: App, origin: str, *, headers: str, method: str = "POST") -> httpx.Response:
    asked = {"access-control-request-method": method, "access-control-request-headers": headers}
    return await app.client.options("/graphql", headers={"origin": origin, **asked})


async def test_a_page_of_a_listed_origin_may_send_its_key_and_read_the_answer(app: App) -> None:
    before = await preflight(app, CRM, headers="authorization,content-type,idempotency-key")
    answer = await app.client.post(
        "/graphql", json={"query": "{ viewer { kind } }"}, headers={"origin": CRM, **await app.key("analyst")}
    )

    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == CRM
    assert answer.headers["access-control-allow-origin"] == CRM
    assert "origin" in answer.headers["vary"].lower()
    assert answer.json()["data"]["viewer"]["kind"] == "service"


@pytest.mark.parametrize(
    "origin",
    [
        "https://crm.example.evil.test",
        "https://evil-crm.example",
        "http://crm.example",
        "https://crm.example:8443",
        "null",
    ],
)
async def test_a_page_of_another_origin_may_not(app: App, origin: str) -> None:
    before = await preflight(app, origin, headers="authorization")
    answer = await app.client.post("/graphql", json={"query": "{ __typename }"}, headers={"origin": origin})

    assert (before.status_code, "access-control-allow-origin" in before.headers) == (400, False)
    assert "access-control-allow-origin" not in answer.headers


async def test_no_page_elsewhere_comes_with_a_browsers_session(app: App) -> None:
    before = await preflight(app, CRM, headers="x-form-token")
    answer = await app.client.post("/graphql", json={"query": "{ __typename }"}, headers={"origin": CRM})

    assert before.status_code == 400
    assert "access-control-allow-credentials" not in {*before.headers, *answer.headers}


@pytest.mark.parametrize(
    "origin", ["*", "crm.example", "https://*.crm.example", "https://crm.example/", "https://ada@crm.example", "null"]
)
def test_an_origin_that_is_not_exact_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError, match="whole and exact"):
        Settings(cors_origins=(origin,))
