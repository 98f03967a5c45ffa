"""Read the body of a request in the Segment protocol, whatever its headers say; pure."""

import zlib
from collections.abc import Mapping, Sequence

import orjson

from regulars.tracking.refusals import BatchMissing, BodyRefused

__all__ = ["LARGEST_BODY", "bodies_in", "read_document", "unpacked"]

LARGEST_BODY = 500 * 1024
"""Bytes of one request, after decompression."""

MOST_MESSAGES = 2_500

GZIP = b"\x1f\x8b"
GZIP_WINDOW = 31  # zlib's way of saying: a gzip header, and the largest window


def unpacked(received: bytes) -> bytes:
    """Return the body, decompressed if it begins as gzip does: clients send that under any header.

    Raises ``BodyRefused`` for more than ``LARGEST_BODY``, which is counted while it is decompressed, and for what is
    cut off or followed by something else.
    """
    if not received.startswith(GZIP):
        return _small_enough(received)
    inflate = zlib.decompressobj(GZIP_WINDOW)
    try:
        body = _small_enough(inflate.decompress(received, LARGEST_BODY + 1))
    except zlib.error as error:
        raise BodyRefused("it begins as gzip does, and cannot be decompressed") from error
    if not inflate.eof or inflate.unused_data:
        raise BodyRefused("it begins as gzip does, and does not end so")
    return body


def read_document(body: bytes) -> Mapping[str, object]:
    """Return the JSON object of a body; raise ``BodyRefused``."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyRefused(f"it is no JSON ({error.msg})") from error
    if not isinstance(document, dict):
        raise BodyRefused("it is no JSON object")
    return document


def bodies_in(document: Mapping[str, object], *, is_batch: bool) -> tuple[Sequence[object], object]:
    """Return the messages of a document, and when the client says to have sent them.

    Raises ``BatchMissing``, and ``BodyRefused`` for more messages than are taken at a time.
    """
    if not is_batch:
        return [document], document.get("sentAt")
    batch = document.get("batch")
    if not isinstance(batch, list):
        raise BatchMissing
    if len(batch) > MOST_MESSAGES:
        raise BodyRefused(f"it has {len(batch)} messages; at most {MOST_MESSAGES} are taken at a time")
    return batch, document.get("sentAt")


def _small_enough(body: bytes) -> bytes:
    if len(body) > LARGEST_BODY:
        raise BodyRefused(f"it has more than {LARGEST_BODY} bytes. Send fewer messages at a time")
    return body
