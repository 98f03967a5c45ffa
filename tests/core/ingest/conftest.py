from collections.abc import Iterator
from subprocess import Popen

import pytest
from tests.core.forking import Processes, forker


@pytest.fixture(scope="session")
def loaded() -> Iterator["Popen[str]"]:
    """Give a process that forks importers quickly."""
    with forker("tests.core.ingest.importing") as process:
        yield process


@pytest.fixture
def importers(loaded: "Popen[str]") -> Iterator[Processes]:
    """Give processes that end with the test."""
    started = Processes(loaded)
    yield started
    started.kill_all()
