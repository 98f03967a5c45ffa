"""The hash by which a document is known, and the two ways in which clients write it.

Sources: GraphQL over HTTP, appendix A (``documentId``), https://graphql.github.io/graphql-over-http/draft/; Apollo's
automatic persisted queries (``extensions.persistedQuery``), as their clients send them.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from regulars.errors import InvalidInput

__all__ = ["DocumentIdRefused", "document_hash", "hash_asked_for"]

PREFIX = "sha256:"
HASH = re.compile(r"[0-9a-f]{64}")


class DocumentIdRefused(InvalidInput):
    """The id of a document is none, or not that of the document beside it."""

    code = "INVALID_DOCUMENT_ID"


@lru_cache(maxsize=100)
def document_hash(text: str) -> str:
    """Return the SHA-256 of a document's text in UTF-8, in hexadecimal; that of the last hundred is remembered."""
    return hashlib.sha256(text.encode()).hexdigest()


def hash_asked_for(document_id: object, extensions: Mapping[str, Any]) -> str | None:
    """Return the hash of the document that a request asks for, None where it names none.

    ``document_id`` is ``sha256:`` and 64 hexadecimal digits, or these alone. Raises ``DocumentIdRefused``.
    """
    persisted = extensions.get("persistedQuery")
    asked = persisted.get("sha256Hash") if isinstance(persisted, Mapping) else persisted
    given = [each for each in (document_id, asked) if each is not None]
    if not given:
        return None
    hashes = {each.removeprefix(PREFIX) if isinstance(each, str) else None for each in given}
    found = hashes.pop()
    if hashes or found is None or not HASH.fullmatch(found):
        raise DocumentIdRefused(
            "The id of a document is `sha256:` and the 64 hexadecimal digits of its SHA-256, in small letters."
            " Send it as `documentId`, or as `extensions.persistedQuery.sha256Hash`."
        )
    return found
