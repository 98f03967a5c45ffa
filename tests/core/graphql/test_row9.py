import pytest
from tests.core.graphql.row9 import CountedLog, HostileRun, check_run, run_hostile_documents
from tests.core.graphql.small_app import small_app
from tests.plan import Figures

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForService
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.settings import Settings
from regulars.testing.hostile import TRICKS, hostile_requests
from regulars.web.application import create_app
from regulars.web.logging import set_up_logging
from regulars.web.server import Server

pytestmark = pytest.mark.row(9)

SEED = 20261121


async def test_hostile_documents_are_refused_quickly_and_quietly(figures: Figures) -> None:
    run = await run_hostile_documents(small_app(), count=500, seed=SEED)

    figures(**figures_of(run))
    check_run(run)
    assert run.executed > 0
    assert len(run.codes) >= 15


@pytest.mark.full
@pytest.mark.timeout(1_800)
async def test_ten_thousand_hostile_documents_are_refused_quickly_and_quietly(seed: int, figures: Figures) -> None:
    run = await run_hostile_documents(small_app(), count=10_000, seed=seed)

    figures(**figures_of(run))
    check_run(run)


def figures_of(run: HostileRun) -> dict[str, object]:
    return {
        "seed": run.seed,
        "requests": run.requests,
        "executed": run.executed,
        "slowest_refusal_ms": round(run.slowest_refusal_ms),
        "slowest_ms": round(run.slowest_ms),
        "ping_p99_ms": round(run.ping_p99_ms),
        "log_bytes_most": run.log_bytes_most,
        "rss_growth_mib": round(run.rss_growth_mib, 1),
    }


def test_hostile_documents_are_the_same_for_the_same_seed() -> None:
    first = [(request.tricks, request.body) for request in hostile_requests(40, seed=SEED)]

    assert first == [(request.tricks, request.body) for request in hostile_requests(40, seed=SEED)]
    assert first != [(request.tricks, request.body) for request in hostile_requests(40, seed=SEED + 1)]


def test_every_trick_is_tried_in_five_hundred_documents() -> None:
    tried = {trick for request in hostile_requests(500, seed=SEED) for trick in request.tricks}

    assert tried == set(TRICKS)


@pytest.mark.parametrize("role", ["anonymous", "admin"])
async def test_the_product_bears_hostile_documents(database_url: str, logging_restored: None, role: str) -> None:
    log = CountedLog()
    settings = Settings(database_url=database_url, worker=False, rate_per_second=0)
    set_up_logging(settings, to=log)
    app = create_app(settings)
    async with app.state.server.running():
        headers = {} if role == "anonymous" else {"authorization": f"Bearer {await a_key(app.state.server, role)}"}

        run = await run_hostile_documents(app, count=250, seed=SEED, headers=headers, log=log)

    check_run(run)
    assert run.requests == 250


async def a_key(server: Server, role: str) -> str:
    async with server.database.writing() as session:
        issued = await create_key(
            session,
            name="hostile",
            owner=ForService(role),
            permissions=server.permissions,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=server.clock.now(),
        )
    return issued.text
