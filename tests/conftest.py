import logging
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["tests.plan"]


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
