"""Read the body of an answer up to a size that counts what it unpacks to."""

import zlib
from typing import TYPE_CHECKING

from regulars.outgoing.refusals import ReplyTooLarge, ReplyUnreadable

if TYPE_CHECKING:
    import httpx

__all__ = ["read_body"]

GZIP = 16 + zlib.MAX_WBITS
PLAIN = ("", "identity")
PACKED = ("gzip", "x-gzip")


async def read_body(response: "httpx.Response", target: str, *, limit_bytes: int) -> bytes:
    """Return the unpacked body; raises ``ReplyTooLarge`` before more than the limit is held, ``ReplyUnreadable``.

    httpx unpacks a part as a whole, and a part of 64 KiB can hold 64 MiB, or without end when it is packed twice.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in PLAIN + PACKED:
        raise ReplyUnreadable(target, f"it is packed as {encoding[:40]!r}, which was not asked for.")
    body = _Plain(limit_bytes) if encoding in PLAIN else _Unpacking(limit_bytes)
    taken = 0
    try:
        async for part in response.stream:  # type: ignore[union-attr]  # answers of an asynchronous transport
            taken += len(part)
            if taken > limit_bytes or not body.takes(part):
                raise ReplyTooLarge(target, limit_bytes=limit_bytes, status=response.status_code)
        return body.whole()
    except _Broken as broken:
        raise ReplyUnreadable(target, str(broken)) from broken


class _Broken(Exception):
    """What says that it is packed is not."""


class _Plain:
    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.body = bytearray()

    def takes(self, part: bytes) -> bool:
        self.body += part
        return len(self.body) <= self.limit_bytes

    def whole(self) -> bytes:
        return bytes(self.body)


class _Unpacking(_Plain):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.member = zlib.decompressobj(GZIP)
        self.is_begun = False

    def takes(self, part: bytes) -> bool:
        self.is_begun = self.is_begun or bool(part)
        while part:
            if self.member.eof:
                self.member = zlib.decompressobj(GZIP)
            try:
                unpacked = self.member.decompress(part, self.limit_bytes - len(self.body) + 1)
            except zlib.error as error:
                raise _Broken("it says gzip and is none.") from error
            if not super().takes(unpacked):
                return False
            part = self.member.unconsumed_tail or self.member.unused_data
        return True

    def whole(self) -> bytes:
        if self.is_begun and not self.member.eof:
            raise _Broken("it ends too early.")
        return super().whole()
