"""Find out whose page a request wants: by the cookie of an open session, or by the link of a message."""

from typing import TypedDict

from starlette.requests import Request

from regulars import LinkUnknown, PluginContext, find_customer, fitting_language
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.settings import PreferenceSettings

__all__ = ["down_visit", "is_secure", "language_of", "sent_token", "session_cookie", "up_visit"]

CLOSED = ("erased", "deceased")


class _KeptAndTold(TypedDict):
    undo_token: str
    is_secure: bool
    asks_for_no_sharing: bool


async def up_visit(request: Request) -> Visit | None:
    """Return the visit whose session this browser keeps; None when there is none, or when it has ended."""
    ctx: PluginContext = request.state.ctx
    token = sent_token(request)
    if not token:
        return None
    now = ctx.clock.now()
    session = await ctx.door.session_of(ctx.session, token=token, now=now)
    if session is None:
        return None
    request.state.customer_id = session.customer.id  # so that their Global Privacy Control counts
    return Visit(
        ctx,
        session.customer,
        now,
        language_of(request, known=session.customer.language),
        chosen_language=_asked(request),
        session=session,
        form_token=ctx.door.form_token(token),
        **_kept_and_told(request),
    )


async def down_visit(request: Request, written: str) -> Visit:
    """Return the visit of whoever holds this link of a message; raises ``LinkUnknown``."""
    ctx: PluginContext = request.state.ctx
    token = ctx.door.read_down_token(written)
    customer = await find_customer(ctx.session, by=token.customer_id)
    if customer is None or customer.status in CLOSED:
        raise LinkUnknown
    return Visit(
        ctx,
        customer,
        ctx.clock.now(),
        language_of(request, known=customer.language),
        chosen_language=_asked(request),
        token=token,
        written=written,
        **_kept_and_told(request),
    )


def language_of(request: Request, *, known: str | None = None) -> str:
    """Return in which language to answer; ``known`` is the customer's own."""
    return fitting_language(
        asked=_asked(request),
        known=known,
        accepted=request.headers.get("accept-language", ""),
        offered=_offered(request),
    )


def session_cookie(request: Request) -> str:
    """Return the name of the cookie with the session; its prefix lets browsers refuse it from a neighbouring host."""
    return "__Host-regulars-customer" if is_secure(request) else "regulars-customer"


def sent_token(request: Request) -> str:
    """Return the session's token that the browser sent; empty without one."""
    return request.cookies.get(session_cookie(request), "")


def is_secure(request: Request) -> bool:
    """Tell whether customers reach the page over an encrypted connection, which a proxy in front may end."""
    ctx: PluginContext = request.state.ctx
    public = ctx.settings_as(PreferenceSettings).public_url
    return public.startswith("https:") if public else request.url.scheme == "https"


def undo_cookie(*, is_secure: bool) -> str:
    """Return the name of the cookie by which a browser can undo its stop."""
    return "__Host-regulars-undo" if is_secure else "regulars-undo"


def _kept_and_told(request: Request) -> _KeptAndTold:
    """Return what the browser keeps of a stop, and whether it asks for no sharing."""
    secure = is_secure(request)
    return {
        "undo_token": request.cookies.get(undo_cookie(is_secure=secure), ""),
        "is_secure": secure,
        "asks_for_no_sharing": _asks_for_no_sharing(request),
    }


def _asked(request: Request) -> str | None:
    asked = request.query_params.get("lang")
    return asked if asked in _offered(request) else None


def _offered(request: Request) -> tuple[str, ...]:
    ctx: PluginContext = request.state.ctx
    return ctx.settings_as(PreferenceSettings).languages


def _asks_for_no_sharing(request: Request) -> bool:
    given = ",".join(request.headers.getlist("sec-gpc"))
    return any(part.strip() == "1" for part in given.split(","))
