from pathlib import Path
from typing import Any

import orjson
import pytest

from regulars.privacy.archives import archive_path
from regulars.privacy.requests import PRIVACY_JOB
from regulars.testing.app import App

CREATE = """mutation ($id: ID!, $kind: String!) {
  privacyRequestCreate(input: {customerId: $id, kind: $kind, reason: "By letter."}) {
    privacyRequest { id } errors { message }
  }
}"""
DEFINE = """mutation ($key: String!, $provenance: String!) {
  traitDefine(input: {key: $key, title: "A fact", type: "text", provenance: $provenance}) { errors { message } }
}"""
SET = """mutation ($id: ID!, $key: String!, $provenance: String!) {
  traitSet(input: {customerId: $id, traits: [{key: $key, provenance: $provenance, text: "blue"}]}) { written }
}"""


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    """Let files lie where the test ends with them."""
    return {"uploads": str(tmp_path / "uploads")}


async def test_the_file_for_another_company_holds_no_guesses(app: App) -> None:
    anna = await app.add_customer("Anna", email="anna@example.org")
    await app.gql(DEFINE, {"key": "colour", "provenance": "declared"})
    await app.gql(DEFINE, {"key": "mood", "provenance": "inferred"})
    await app.gql(SET, {"id": str(anna), "key": "colour", "provenance": "declared"})
    await app.gql(SET, {"id": str(anna), "key": "mood", "provenance": "inferred"})

    answer = await app.gql(CREATE, {"id": str(anna), "kind": "portability"})
    await app.run_job(PRIVACY_JOB)

    told = orjson.loads(await written_file(app, answer, anna))
    facts = [row["key"] for part in told["parts"] if part["part"] == "core_trait_value" for row in part["rows"]]
    assert facts == ["colour"]
    assert "anna@example.org" in orjson.dumps(told).decode()


async def written_file(app: App, answer: dict[str, Any], customer_id: object) -> bytes:
    """Return the one file that was written for a customer."""
    assert answer["privacyRequestCreate"]["errors"] == []
    folder = archive_path(app.server.uploads, "x").parent
    (path,) = folder.glob(f"{customer_id}*.json")
    return path.read_bytes()
