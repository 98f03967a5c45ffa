"""Answer with pages: the whole page of a customer, and the small ones around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from regulars import ExpectedError, PluginContext, page_response
from regulars_preference_centre.page.forms import Form, WrongInput
from regulars_preference_centre.page.opening import language_of
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.sections import SECTIONS
from regulars_preference_centre.page.visit import Visit, link_to
from regulars_preference_centre.page.words import DIRECTIONS, LANGUAGE_NAMES, Words, words_of
from regulars_preference_centre.settings import PreferenceSettings

__all__ = ["HEADERS", "Sent", "led_to", "show_around", "show_page"]

HEADERS = {
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    ),
}
CONTENTS_AFTER = ("stop", "who")
UNPROCESSABLE = 422
CONFLICT = 409


@dataclass(frozen=True)
class Sent:
    """A form that was sent and not simply followed: which, what it held, and what came of it."""

    section: Section
    form: Form
    error: ExpectedError | None = None
    done: Done | None = None


@dataclass(frozen=True)
class _Shown:
    name: str
    template: str
    is_listed: bool
    words: Words
    shown: Mapping[str, Any]
    said: str | None
    form: Form
    errors: Mapping[str, str] = field(default_factory=dict)


async def show_page(request: Request, visit: Visit, sent: Sent | None = None) -> Response:
    """Return the page of a customer: as it stands, or with what is wrong with a form that was ``sent``."""
    shown = [one for section in SECTIONS if (one := await _shown(request, visit, section, sent)) is not None]
    words = words_of("frame", visit.language)
    problems = [problem for one in shown for problem in _problems(one)]
    kept = "" if sent is None or sent.done is None else " · ".join(sent.done.kept)
    title = words("title")
    status = UNPROCESSABLE if problems else CONFLICT if kept else 200
    return _answer(
        request,
        "preferences/page.html",
        visit.language,
        title=words("error_title", title=title) if problems else title,
        status=status,
        visit=visit,
        sections=shown,
        problems=problems,
        kept=kept,
        contents_after=next((name for name in CONTENTS_AFTER if any(one.name == name for one in shown)), None),
        here=visit.path(),
    )


def show_around(
    request: Request,
    template: str,
    section: str,
    *,
    visit: Visit | None = None,
    title: str = "title",
    status: int = 200,
    here: str | None = None,
    **values: Any,
) -> Response:
    """Return a small page, such as the one that asks for a link, in the words of ``section``."""
    language = language_of(request) if visit is None else visit.language
    words = words_of(section, language)
    return _answer(
        request,
        template,
        language,
        title=words(title),
        status=status,
        visit=visit,
        w=words,
        here=here or request.url.path,
        **values,
    )


def led_to(request: Request, path: str, **query: str) -> RedirectResponse:
    """Lead the browser to another small page, in the language that was asked for."""
    return RedirectResponse(link_to(path, request.query_params.get("lang"), **query), 303, headers=HEADERS)


async def _shown(request: Request, visit: Visit, section: Section, sent: Sent | None) -> _Shown | None:
    if not section.is_for(visit):
        return None
    values = await section.read(visit)
    if values is None:
        return None
    words = words_of(section.name, visit.language)
    if sent is None or sent.section.name != section.name:
        return _Shown(section.name, section.template, section.is_listed, words, values, _said(request, words), Form())
    errors = {} if sent.error is None else _errors(sent.error, words, visit.language)
    return _Shown(section.name, section.template, section.is_listed, words, values, None, sent.form, errors)


def _said(request: Request, words: Words) -> str | None:
    """Return the sentence about what was done before the browser was led here; only our own sentences are said."""
    section, _, key = request.query_params.get("said", "").partition(".")
    name = f"said_{key}"
    return words(name) if section == words.section and name in words else None


def _errors(error: ExpectedError, words: Words, language: str) -> Mapping[str, str]:
    if isinstance(error, WrongInput):
        return {name: words(key) for name, key in error.wrong.items()}
    frame, own = words_of("frame", language), f"error_{error.code.lower()}"
    return {".".join(error.path): words(own) if own in words else frame("wrong")}


def _problems(one: _Shown) -> Sequence[Mapping[str, str]]:
    return [{"target": f"{one.name}-{name}" if name else one.name, "text": text} for name, text in one.errors.items()]


def _answer(
    request: Request, template: str, language: str, *, title: str, status: int, here: str, **values: Any
) -> Response:
    ctx: PluginContext = request.state.ctx
    words = words_of("frame", language)
    visit = values["visit"]
    own = Markup("") if visit is None else visit.fields
    asked = request.query_params.get("lang")
    asked = asked if asked in LANGUAGE_NAMES else None
    support = ctx.company.support_address or ""
    answer = page_response(
        request,
        template,
        {
            **values,
            "words": words,
            "language": words.language,
            "direction": DIRECTIONS[words.language],
            "languages": _languages(request, words.language, here),
            "start": link_to("", asked),
            "language_asked": asked,
            "fields": own + request.state.frame.form_field,
            "support": Markup('<a href="mailto:{0}" dir="ltr">{0}</a>').format(support),
        },
        title=title,
        status=status,
    )
    answer.headers.update(HEADERS)
    return answer


def _languages(request: Request, current: str, here: str) -> Sequence[Mapping[str, object]]:
    ctx: PluginContext = request.state.ctx
    plain = here.partition("?")[0]
    kept = {name: value for name, value in request.query_params.items() if name == "link"}
    return [
        {
            "code": code,
            "name": LANGUAGE_NAMES[code],
            "direction": DIRECTIONS[code],
            "is_current": code == current,
            "href": f"{plain}?{urlencode({**kept, 'lang': code})}",
        }
        for code in ctx.settings_as(PreferenceSettings).languages
    ]
