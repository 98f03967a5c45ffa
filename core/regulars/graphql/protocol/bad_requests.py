"""The reasons for which an HTTP request is no GraphQL request at all.

ExpectedError
└── BadRequest
    ├── MethodRefused, MutationByGet, CrossSiteRequest
    ├── NotAcceptable, ContentTypeRefused, EncodingRefused
    └── BodyTooLarge, BodyUnreadable, JsonRefused, BatchRefused, ParameterRefused
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from regulars.errors import ExpectedError

__all__ = [
    "BadRequest",
    "BatchRefused",
    "BodyTooLarge",
    "BodyUnreadable",
    "ContentTypeRefused",
    "CrossSiteRequest",
    "EncodingRefused",
    "JsonRefused",
    "MethodRefused",
    "MutationByGet",
    "NotAcceptable",
    "ParameterRefused",
]


class BadRequest(ExpectedError):
    """The request breaks the rules of GraphQL over HTTP, and is answered with ``status`` and ``headers``."""

    code = "BAD_REQUEST"
    status: ClassVar[int] = 400
    headers: ClassVar[Mapping[str, str]] = {}


class MethodRefused(BadRequest):
    """The method is neither GET nor POST."""

    code = "METHOD_NOT_ALLOWED"
    status = 405
    headers: ClassVar[Mapping[str, str]] = {"allow": "GET, POST"}

    def __init__(self, method: str) -> None:
        self.method = method
        super().__init__("GraphQL answers GET and POST only. Send the operation by POST.")


class MutationByGet(BadRequest):
    """A GET request asks for something else than a query."""

    code = "METHOD_NOT_ALLOWED"
    status = 405
    headers: ClassVar[Mapping[str, str]] = {"allow": "POST"}

    def __init__(self) -> None:
        super().__init__("A GET request can only run a query. Send a mutation by POST.")


class CrossSiteRequest(BadRequest):
    """A browser could have been made to send this request by a foreign page."""

    code = "CROSS_SITE_REQUEST"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "A link or form on another site could have sent this request."
            " Add the header 'Accept: application/graphql-response+json', or send the query by POST."
        )


class NotAcceptable(BadRequest):
    """The client wants a media type that GraphQL has no answer in."""

    code = "NOT_ACCEPTABLE"
    status = 406

    def __init__(self) -> None:
        super().__init__("Answers are application/graphql-response+json or application/json. Accept one of these.")


class ContentTypeRefused(BadRequest):
    """The body of a POST is not declared as JSON in UTF-8."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415
    headers: ClassVar[Mapping[str, str]] = {"accept-post": "application/json"}

    def __init__(self) -> None:
        super().__init__("The body must be JSON in UTF-8. Send it with 'Content-Type: application/json'.")


class EncodingRefused(BadRequest):
    """The body is compressed in a way that is not read here."""

    code = "UNSUPPORTED_ENCODING"
    status = 415
    headers: ClassVar[Mapping[str, str]] = {"accept-encoding": "gzip"}

    def __init__(self) -> None:
        super().__init__("The body may be compressed with gzip only. Send it so, or as it is.")


class BodyTooLarge(BadRequest):
    """The body is longer than any operation needs, or would be once decompressed."""

    code = "BODY_TOO_LARGE"
    status = 413
    headers: ClassVar[Mapping[str, str]] = {"connection": "close"}

    def __init__(self, *, allowed: int) -> None:
        self.allowed = allowed
        super().__init__(f"The body takes more than {allowed:,} bytes once decompressed. Send less, or import a file.")


class BodyUnreadable(BadRequest):
    """The body says that it is compressed, and cannot be decompressed."""

    code = "BODY_UNREADABLE"

    def __init__(self) -> None:
        super().__init__("The body is not one complete gzip stream. Compress it anew, or send it as it is.")


class JsonRefused(BadRequest):
    """The body or a parameter is not JSON."""

    code = "MALFORMED_JSON"

    def __init__(self, what: str, problem: str) -> None:
        self.what, self.problem = what, problem
        super().__init__(f"{what} cannot be read as JSON: {problem}. Correct it and send it again.")


class BatchRefused(BadRequest):
    """Several operations were sent as a list."""

    code = "BATCHING_REFUSED"

    def __init__(self) -> None:
        super().__init__("The body is a list. Send one operation per request, as an object with 'query'.")


class ParameterRefused(BadRequest):
    """A parameter of the request is missing, repeated, or of the wrong type."""

    code = "INVALID_PARAMETER"

    def __init__(self, parameter: str, *, expected: str, path: Sequence[str] = ()) -> None:
        self.parameter, self.expected, self.path = parameter, expected, path
        super().__init__(f"The parameter {parameter!r} must be {expected}.")
