"""Read the body of a request: never more than it may hold, and no JSON that two readers could take differently."""

import json
import zlib

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from regulars.graphql.protocol.bad_requests import BodyTooLarge, BodyUnreadable, EncodingRefused, JsonRefused
from regulars.graphql.protocol.negotiation import SentHeaders

__all__ = ["MAX_JSON_BRACKETS", "read_body", "read_json"]

MAX_JSON_BRACKETS = 20_000  # finding a repeated key takes a call per object; 350,000 in 1 MiB took .3 s

_GZIP_WINDOW = 31  # zlib's way of saying: a gzip header, and the largest window


async def read_body(receive: Receive, headers: SentHeaders, *, allowed: int) -> bytes:
    """Return the body of a request, decompressed, of ``allowed`` bytes at most.

    Bytes are counted as they come and as they are decompressed, so a bomb costs no more than an honest body.
    Raises ``BodyTooLarge``, ``BodyUnreadable`` and ``EncodingRefused``.
    """
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding not in (b"", b"identity", b"gzip"):
        raise EncodingRefused
    announced = headers.get(b"content-length", b"").decode("latin-1")
    if announced.isdecimal() and int(announced[:20]) > allowed:
        raise BodyTooLarge(allowed=allowed)

    inflate = zlib.decompressobj(_GZIP_WINDOW) if encoding == b"gzip" else None
    body = bytearray()
    received = 0
    is_whole = False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, is_whole = message.get("body", b""), not message.get("more_body", False)
        received += len(chunk)
        try:
            body += chunk if inflate is None else inflate.decompress(chunk, allowed + 1 - len(body))
        except zlib.error as error:
            raise BodyUnreadable from error
        if received > allowed or len(body) > allowed:
            raise BodyTooLarge(allowed=allowed)
    if inflate is not None and (not inflate.eof or inflate.unused_data):
        raise BodyUnreadable
    return bytes(body)


def read_json(text: str | bytes, *, what: str) -> object:
    """Return the value of a JSON text in UTF-8; ``what`` names the text in errors.

    Raises ``JsonRefused``, also for a key that is repeated, ``NaN``, nesting too deep to follow, and more opening
    brackets than ``MAX_JSON_BRACKETS``.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        if decoded.count("{") + decoded.count("[") > MAX_JSON_BRACKETS:
            raise JsonRefused(what, f"it holds more than {MAX_JSON_BRACKETS:,} objects and lists")
        value: object = _DECODER.decode(decoded)
    except UnicodeDecodeError as error:
        raise JsonRefused(what, "it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise JsonRefused(what, f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    except _RepeatedKey as error:
        raise JsonRefused(what, "a key is repeated") from error
    except RecursionError as error:
        raise JsonRefused(what, "it is nested too deeply") from error
    except ValueError as error:
        raise JsonRefused(what, "it holds a number that JSON or Regulars does not know") from error
    return value


class _RepeatedKey(ValueError):
    pass


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    collected = dict(pairs)
    if len(collected) < len(pairs):
        raise _RepeatedKey
    return collected


def _refused_constant(constant: str) -> object:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(object_pairs_hook=_unrepeated, parse_constant=_refused_constant)
"""Making one takes longer than reading a usual body with it."""
