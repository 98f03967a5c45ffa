from tests.core.graphql.row9 import check_run, run_hostile_documents
from tests.core.graphql.small_app import small_app

from regulars.testing.hostile import TRICKS, hostile_requests

SEED = 20261121


async def test_hostile_documents_are_refused_quickly_and_quietly() -> None:
    run = await run_hostile_documents(small_app(), count=500, seed=SEED)

    check_run(run)
    assert run.executed > 0
    assert len(run.codes) >= 15


def test_hostile_documents_are_the_same_for_the_same_seed() -> None:
    first = [(request.tricks, request.body) for request in hostile_requests(40, seed=SEED)]

    assert first == [(request.tricks, request.body) for request in hostile_requests(40, seed=SEED)]
    assert first != [(request.tricks, request.body) for request in hostile_requests(40, seed=SEED + 1)]


def test_every_trick_is_tried_in_five_hundred_documents() -> None:
    tried = {trick for request in hostile_requests(500, seed=SEED) for trick in request.tricks}

    assert tried == set(TRICKS)
