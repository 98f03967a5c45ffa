"""The wheels as somebody installs them: outside the repository, into an environment with nothing else."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.packaging.environments import ROOT, Environment, built_wheel, fresh_environment
from tests.real.servers import free_port

from regulars.demo.cdnow import cdnow_purchases

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

CARD = ROOT / "tests" / "third_party" / "loyalty_card"
SECONDS_TO_START = 60
ADD = """mutation ($name: String!) {
  customerCreate(input: {displayName: $name}) { customer { id } errors { message } }
}"""
ORDER = """mutation ($id: ID!, $at: DateTime!) {
  touchpointRecord(input: {customerId: $id, type: "order", occurredAt: $at, amount: "12.50", currency: "EUR"}) {
    errors { message }
  }
}"""
COUNT = """mutation { jobStart(input: {kind: "loyalty_card.count"}) { job { id } errors { message } } }"""
JOB = "query ($id: ID!) { job(id: $id) { status result problem } }"
CARDS = """query ($where: CustomerWhere) {
  customers(where: $where) { nodes { displayName loyaltyCard { points level } clv { tier } } }
}"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Install our wheel and the card's, and bring up a database with both plugins enabled."""
    folder = tmp_path_factory.mktemp("installed")
    wheels = [str(built_wheel(source, folder)) for source in (ROOT, CARD)]
    made = fresh_environment(folder, wheels, {"REGULARS_DATABASE_URL": f"sqlite:///{folder / 'shop.db'}"})
    made.run("regulars", "db", "upgrade")
    for plugin in ("clv", "loyalty_card"):
        made.run("regulars", "plugin", "enable", plugin, "--yes")
    return made


@contextmanager
def served(environment: Environment) -> Iterator[httpx.Client]:
    """Serve with the installed command; give a client with an admin's key."""
    key = environment.run("regulars", "key", "create", "till", "--role", "admin").split()
    (bearer,) = [word for word in key if word.startswith("rgl_")]
    port = free_port()
    program = str(environment.programs / "regulars")
    log = environment.folder / "serve.log"
    with log.open("w") as written:
        server = subprocess.Popen(
            [program, "serve", "--port", str(port)],
            cwd=environment.work,
            env=environment.variables,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=address, headers={"authorization": f"Bearer {bearer}"}, timeout=30) as client:
                assert becomes_ready(client, server), log.read_text()
                yield client
        finally:
            server.terminate()
            server.wait(timeout=20)


def becomes_ready(client: httpx.Client, server: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if client.get("/ready").status_code == 200:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return False


def ask(client: httpx.Client, query: str, **variables: Any) -> dict[str, Any]:
    answer = client.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in answer, answer["errors"]
    data: dict[str, Any] = answer["data"]
    return data


def ended_job(client: httpx.Client, id: str) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        job: dict[str, Any] = ask(client, JOB, id=id)["job"]
        if job["status"] not in ("QUEUED", "RUNNING"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"The job {id} did not end.")


def test_a_plugin_from_outside_works_from_its_own_wheel(installed: Environment) -> None:
    with served(installed) as client:
        ids = {name: ask(client, ADD, name=name)["customerCreate"]["customer"]["id"] for name in ("Ada", "Bo")}
        for _ in range(2):
            ask(client, ORDER, id=ids["Ada"], at="2026-03-02T12:00:00Z")

        job = ended_job(client, ask(client, COUNT)["jobStart"]["job"]["id"])

        by_field = ask(client, CARDS, where={"loyaltyCard": {"points": {"gte": 20}}})
        by_trait = ask(client, CARDS, where={"traits": {"loyaltyCardPoints": {"gte": "20"}}})
        page = client.get("/plugins/loyalty_card/")
        refused = client.get("/plugins/loyalty_card/", headers={"authorization": ""})

    ada = {"displayName": "Ada", "loyaltyCard": {"points": 20, "level": "green"}, "clv": None}
    assert (job["status"], job["result"]) == ("SUCCEEDED", {"cards": 1})
    assert by_field["customers"]["nodes"] == [ada]
    assert by_trait == by_field
    assert '<th scope="row">green</th><td class="end">1</td>' in page.text
    assert refused.status_code == 401


def test_the_installed_command_fits_the_published_parameters(
    installed: Environment, tmp_path: Path, reference: dict[str, Any]
) -> None:
    lines = [f"{each.customer},{each.day.isoformat()},{each.amount}" for each in cdnow_purchases()]
    file = tmp_path / "cdnow.csv"
    file.write_text("\n".join(["customer_id,date,amount", *lines, ""]), encoding="utf-8")

    fit = ["fit", "--transactions", str(file), "--model", "bgnbd", "--calibration-end", "1997-09-30", "--json"]
    report = json.loads(installed.run("regulars", "clv", *fit))

    assert report["parameters"] == pytest.approx(reference["fits"]["bgnbd"]["parameters"], rel=2e-5)
    assert report["customers"] == 2357


def test_the_wheel_knows_nothing_of_the_checkout(installed: Environment) -> None:
    where = "import regulars, regulars_clv, regulars_migrations; print(regulars.__file__, regulars_clv.__file__)"

    assert str(ROOT) not in installed.run("python", "-c", where)
