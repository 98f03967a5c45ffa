"""Read the body of an answer up to a size that counts what it unpacks to."""

import zlib

import httpx

from regulars.outgoing.refusals import ReplyTooLarge, ReplyUnreadable

__all__ = ["read_body"]

GZIP = 16 + zlib.MAX_WBITS
PLAIN = ("", "identity")
PACKED = ("gzip", "x-gzip")


async def read_body(response: httpx.Response, target: str, *, limit_bytes: int) -> bytes:
    """Return the unpacked body; raises ``ReplyTooLarge`` before more than the limit is held, ``ReplyUnreadable``.

    httpx unpacks a part as a whole, and a part of 64 KiB can hold 64 MiB, or without end when it is packed twice.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in PLAIN + PACKED:
        raise ReplyUnreadable(target, f"it is packed as {encoding[:40]!r}, which was not asked for.")
    unpacked = _Plain(target, limit_bytes) if encoding in PLAIN else _Unpacking(target, limit_bytes)
    taken = 0
    async for part in response.stream:  # type: ignore[union-attr]  # answers of an asynchronous transport
        taken += len(part)
        if taken > limit_bytes:
            raise ReplyTooLarge(target, limit_bytes=limit_bytes)
        unpacked.add(part)
    return unpacked.whole()


class _Plain:
    def __init__(self, target: str, limit_bytes: int) -> None:
        self.target, self.limit_bytes = target, limit_bytes
        self.body = bytearray()

    def add(self, part: bytes) -> None:
        self.body += part
        if len(self.body) > self.limit_bytes:
            raise ReplyTooLarge(self.target, limit_bytes=self.limit_bytes)

    def whole(self) -> bytes:
        return bytes(self.body)


class _Unpacking(_Plain):
    def __init__(self, target: str, limit_bytes: int) -> None:
        super().__init__(target, limit_bytes)
        self.member = zlib.decompressobj(GZIP)
        self.is_begun = False

    def add(self, part: bytes) -> None:
        self.is_begun = self.is_begun or bool(part)
        while part:
            if self.member.eof:
                self.member = zlib.decompressobj(GZIP)
            try:
                super().add(self.member.decompress(part, self.limit_bytes - len(self.body) + 1))
            except zlib.error as error:
                raise ReplyUnreadable(self.target, "it says gzip and is none.") from error
            part = self.member.unconsumed_tail or self.member.unused_data

    def whole(self) -> bytes:
        if self.is_begun and not self.member.eof:
            raise ReplyUnreadable(self.target, "it ends too early.")
        return super().whole()
