"""The core's own pages for people who are not staff: in the company's name, and in their language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from regulars.access.actors import ANONYMOUS
from regulars.languages import fitting_language
from regulars.web.console.frame import Frame, framed
from regulars.web.server import Server

__all__ = ["visitor_language", "visitor_page"]


@dataclass(frozen=True)
class _Around:
    """The words around each page."""

    skip: str
    questions: str


AROUND: Mapping[str, _Around] = {
    "en": _Around(skip="Go to the content", questions="Questions? Write to"),
    "de": _Around(skip="Zum Inhalt", questions="Fragen? Schreiben Sie an"),
    "ar": _Around(skip="انتقل إلى المحتوى", questions="لديك سؤال؟ اكتب إلى"),
}


def visitor_language(server: Server, request: Request, *, known: str | None = None) -> str:
    """Return the language of a page: the one asked for, the visitor's that is ``known``, or the browser's.

    Else it is the company's first for which there are words.
    """
    usual = next((language for language in server.company.languages if language in AROUND), "en")
    return fitting_language(
        asked=request.query_params.get("lang"),
        known=known,
        accepted=request.headers.get("accept-language", ""),
        offered=[usual, *AROUND],
    )


def visitor_page(
    server: Server, template: str, *, language: str, width: str, title: str, status: int = 200, **values: Any
) -> Response:
    """Return a page: a template that extends ``console/visitor.html``."""
    frame = Frame(server.company, ANONYMOUS, None, width=width, language=language)
    return framed(frame, template, title=title, status=status, around=AROUND[language], **values)
