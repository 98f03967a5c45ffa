import gc
import logging
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["tests.plan"]


YOUNG, MIDDLE, OLD = 10_000, 20, 50
"""After how many new objects, and then how many rounds, garbage is looked for: seldom, since memory is at hand."""


def pytest_collection() -> None:
    """Look for no garbage while tests are imported: all of it stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Let later searches for garbage pass over what was imported, which made an eighth of the suite's work."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    gc.enable()


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
