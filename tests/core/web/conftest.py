import io
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from regulars.settings import Settings
from regulars.web.logging import set_up_logging


class LogLines(Sequence[dict[str, Any]]):
    """What was logged so far, each line read as JSON."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    def _read(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self._stream.getvalue().splitlines()]

    def __getitem__(self, index: Any) -> Any:
        return self._read()[index]

    def __len__(self) -> int:
        return len(self._read())


@pytest.fixture
def log_lines(logging_restored: None) -> LogLines:
    """Set logging up as in production, and give back what it writes."""
    stream = io.StringIO()
    set_up_logging(Settings(), to=stream)
    return LogLines(stream)
