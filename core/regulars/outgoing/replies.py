"""What another machine answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from regulars.outgoing.refusals import ReplyUnreadable

__all__ = ["HttpReply"]


@dataclass(frozen=True)
class HttpReply:
    """What another machine answered: any status, all of the body, unpacked. ``url`` is where it came from."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def is_success(self) -> bool:
        """Tell whether the status says that all went well."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """Return the body as text, in UTF-8; what is none becomes �."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body read as JSON; raises ``ReplyUnreadable``."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ReplyUnreadable(urlsplit(self.url).hostname or "", "it is no JSON.") from error
