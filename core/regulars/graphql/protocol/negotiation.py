"""Which media types a request speaks, and whether a foreign page could have sent it."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from starlette.datastructures import Headers

__all__ = [
    "GRAPHQL_RESPONSE",
    "JSON",
    "AnswerType",
    "SentHeaders",
    "answer_type",
    "is_json_in_utf8",
    "is_sent_on_purpose",
]

SentHeaders: TypeAlias = Mapping[bytes, bytes]
"""The headers of a request by their names; of one that was sent repeatedly, the first."""

AnswerType: TypeAlias = Literal["application/graphql-response+json", "application/json"]

GRAPHQL_RESPONSE: AnswerType = "application/graphql-response+json"
JSON: AnswerType = "application/json"

_JSON_ALONE = [JSON.encode()]
_MEANT: dict[str, AnswerType] = {GRAPHQL_RESPONSE: GRAPHQL_RESPONSE, JSON: JSON, "application/*": JSON, "*/*": JSON}
_PREFLIGHTED_HEADERS = (
    "authorization",
    "apollo-require-preflight",
    "graphql-require-preflight",
    "x-apollo-operation-name",
    "x-requested-with",
)


def answer_type(accept: str | None) -> AnswerType | None:
    """Return the media type that an Accept header prefers, ``None`` when it takes neither.

    The greatest weight wins, then the more exact range, then the first. Wildcards and no header mean JSON.
    """
    if accept is None or not accept.strip():
        return JSON
    refused: set[str] = set()
    wishes: list[tuple[float, bool, int, AnswerType]] = []
    for place, part in enumerate(accept.split(",")):
        name, weight = _media_range(part)
        meant = _MEANT.get(name)
        if meant is None:
            continue
        if weight <= 0:
            refused.add(name)
        else:
            wishes.append((weight, "*" not in name, -place, meant))
    allowed = [wish for wish in wishes if wish[3] not in refused]
    return max(allowed)[3] if allowed else None


def is_json_in_utf8(content_types: list[bytes]) -> bool:
    """Return whether a body is declared once, exactly as JSON, and in UTF-8 if it names its character set.

    A form can send three other types, and a page can send them to any site without asking first.
    """
    if content_types == _JSON_ALONE:
        return True
    if len(content_types) != 1:
        return False
    name, *parameters = (part.strip().lower() for part in content_types[0].decode("latin-1").split(";"))
    charsets = [parameter.partition("=")[2].strip('" ') for parameter in parameters if parameter.startswith("charset")]
    return name == JSON and all(charset in ("utf-8", "utf8") for charset in charsets)


def is_sent_on_purpose(headers: Headers) -> bool:
    """Return whether a GET was sent by a program, rather than by a browser that followed a link, image or script.

    A program names a media type of GraphQL, or a header that a browser sends across sites only after asking, or its
    browser vouches that the answer stays unread by foreign pages (``Sec-Fetch-Mode: cors``).
    """
    named = {_media_range(part)[0] for part in headers.get("accept", "").split(",")}
    if named & {GRAPHQL_RESPONSE, JSON}:
        return True
    if any(name in headers for name in _PREFLIGHTED_HEADERS) or is_json_in_utf8(
        [value for name, value in headers.raw if name == b"content-type"]
    ):
        return True
    is_same_site = headers.get("sec-fetch-site", "same-origin") == "same-origin"
    return is_same_site and headers.get("sec-fetch-mode") in ("cors", "same-origin")


def _media_range(part: str) -> tuple[str, float]:
    """Return the name of one part of an Accept header, and its weight, 0 when that cannot be read."""
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0
