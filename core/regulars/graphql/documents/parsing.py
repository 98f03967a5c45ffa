"""Read the text of a GraphQL document."""

import re

from graphql import DocumentNode, GraphQLSyntaxError, parse

from regulars.graphql.documents.limits import Limits
from regulars.graphql.documents.refusals import (
    DocumentRefused,
    DocumentTooLarge,
    NestingRefused,
    SyntaxRefused,
    TooManyTokens,
)

__all__ = ["check_document_size", "parse_document"]

_QUOTED_WORD = re.compile(r"\b(Name|String|BlockString|Int|Float) '.*'", re.DOTALL)


def check_document_size(text: str, limits: Limits) -> None:
    """Refuse a text that is not Unicode, or of more bytes than a document may have, before anything reads it.

    JSON can hold half of a surrogate pair, which cannot be encoded again: whoever hashes or logs the text would fail.
    Raises ``SyntaxRefused`` and ``DocumentTooLarge``.
    """
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise SyntaxRefused("It contains half of a surrogate pair, which is no character.") from None
    if size > limits.document_bytes:
        raise DocumentTooLarge("The document", actual=size, allowed=limits.document_bytes)


def parse_document(text: str, limits: Limits | None = None) -> DocumentNode:
    """Return the document that a text holds.

    Comments are no tokens to the parser, so bytes and comments are capped beside them.
    Raises ``DocumentTooLarge``, ``TooManyTokens``, ``NestingRefused``, and ``SyntaxRefused``, which quotes no word of
    the text.
    """
    limits = limits or Limits()
    check_document_size(text, limits)
    try:
        return parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
    except GraphQLSyntaxError as error:
        raise _refusal(error, limits) from None


def _refusal(error: GraphQLSyntaxError, limits: Limits) -> DocumentRefused:
    problem = error.message.removeprefix("Syntax Error: ")
    if problem.startswith("Document contains more than"):
        allowed = limits.comments if "comments" in problem else limits.tokens
        return TooManyTokens("The document", actual=allowed + 1, allowed=allowed)
    if problem.startswith("Document is nested too deeply"):
        return NestingRefused()
    return SyntaxRefused(
        _QUOTED_WORD.sub(r"\1", problem),
        locations=[(place.line, place.column) for place in error.locations or ()],
    )
