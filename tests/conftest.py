import gc
import itertools
import logging
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["tests.plan"]


YOUNG, MIDDLE, NEVER = 10_000, 20, 1_000_000
"""After how many new objects, and then how many rounds, garbage is looked for: seldom, since memory is at hand."""

TESTS_BETWEEN = 150
"""After how many tests all garbage is looked for. That takes seconds, which no test should be blamed for."""

_tests_begun = itertools.count(1)


def pytest_collection() -> None:
    """Look for no garbage while tests are imported: all of it stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Let later searches for garbage pass over what was imported, which made an eighth of the suite's work."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Look for all garbage now and then between two tests, and pass over what is left the next time."""
    if next(_tests_begun) % TESTS_BETWEEN == 0:
        gc.collect()
        gc.freeze()


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Undo what a command or a server sets up for the logs of its process."""
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    levels = [logger.level for logger in loggers]
    yield
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    for logger, old in zip(loggers, levels, strict=True):
        logger.setLevel(old)
