"""Sign in and out: by way of the identity provider, or with a key typed into a form."""

from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from regulars.access.actors import ANONYMOUS
from regulars.access.allowances import address_payer
from regulars.access.refusals import Unauthenticated
from regulars.signin.opening import RETURN_PATH
from regulars.signin.refusals import FormRefused, IssuerSilent, SignInFailed
from regulars.web.console.frame import Frame, framed
from regulars.web.server import Server
from regulars.web.visitors import (
    FORM_FIELD,
    after_form_check,
    check_form_token,
    forget_browser,
    keep_in_browser,
    kept_in_browser,
    new_browser_token,
    session_token,
    visitor_of,
)

__all__ = ["SIGN_IN", "own_path", "sign_in_address", "signing_in_routes"]

SIGN_IN = "/console/sign-in"
START = "/console"
UNPROCESSABLE = 422
LONGEST_KEY = 200
FORM_SECONDS = 3600
OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def signing_in_routes(server: Server) -> list[BaseRoute]:
    """Return the routes of signing in and out."""
    signing = _SigningIn(server)
    return [
        Route(SIGN_IN, signing.show, name="sign-in"),
        Route(SIGN_IN, signing.with_key, methods=["POST"], name="sign-in-with-key"),
        Route(f"{SIGN_IN}/provider", signing.leave, name="sign-in-elsewhere"),
        Route(RETURN_PATH, signing.come_back, name="sign-in-back"),
        Route("/console/sign-out", signing.out, methods=["POST"], name="sign-out"),
    ]


def sign_in_address(path: str) -> str:
    """Return where somebody signs in who wanted to see the page at ``path``."""
    return f"{SIGN_IN}?{urlencode({'next': path})}"


class _SigningIn:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def show(self, request: Request) -> Response:
        """Show how to sign in."""
        if (await visitor_of(self._server, request)).form_token is not None:
            return RedirectResponse(own_path(request.query_params.get("next")), 303)
        return self._page(request, back_to=own_path(request.query_params.get("next")))

    async def with_key(self, request: Request) -> Response:
        """Sign in with a key."""
        form = await request.form()
        kept = kept_in_browser(self._server, request, name="form")
        if kept is None:
            raise FormRefused
        check_form_token(
            request.headers, str(form.get(FORM_FIELD, "")), expected=self._server.browsers.form_token(kept)
        )
        self._charge(request)
        back_to = own_path(str(form.get("next", "")))
        try:
            token = await self._server.browsers.open_with_key(
                str(form.get("key", ""))[:LONGEST_KEY].strip(), instead_of=session_token(self._server, request)
            )
        except Unauthenticated as error:
            request.state.log["code"] = error.code
            return self._page(request, back_to=back_to, problem=str(error), has_wrong_key=True, status=UNPROCESSABLE)
        self._give_back(request)
        return self._signed_in(token, back_to)

    async def leave(self, request: Request) -> Response:
        """Send the browser to the identity provider."""
        flow = self._server.code_flow
        if flow is None:
            raise SignInFailed("this server has no identity provider for browsers.")
        from regulars.signin.code_flow import ATTEMPT_LIFETIME, new_attempt, seal_attempt  # loaded with ``code_flow``

        attempt = new_attempt(own_path(request.query_params.get("next")))
        answer = RedirectResponse(await flow.address(attempt), 303)
        sealed = seal_attempt(attempt, secret=self._server.secret, now=self._server.clock.now())
        keep_in_browser(
            self._server, answer, name="attempt", value=sealed, seconds=int(ATTEMPT_LIFETIME.total_seconds())
        )
        return answer

    async def come_back(self, request: Request) -> Response:
        """Take somebody back from the identity provider."""
        self._charge(request)
        try:
            return await self._come_back(request)
        except (SignInFailed, IssuerSilent, Unauthenticated) as error:
            request.state.log["code"] = error.code
            answer = self._page(request, back_to=START, problem=str(error), status=UNPROCESSABLE)
            forget_browser(self._server, answer, name="attempt")
            return answer

    async def _come_back(self, request: Request) -> Response:
        server, asked, now = self._server, request.query_params, self._server.clock.now()
        if server.code_flow is None:
            raise SignInFailed("this server has no identity provider for browsers.")
        from regulars.signin.code_flow import open_attempt  # loaded with ``code_flow``

        attempt = open_attempt(
            kept_in_browser(server, request, name="attempt"),
            state=asked.get("state", ""),
            secret=server.secret,
            now=now,
        )
        code = asked.get("code")
        if not code or "error" in asked:
            raise SignInFailed("the identity provider did not let you in.")
        verified = await server.code_flow.person(code, attempt, now=now)
        person = await server.code_flow.tokens.staff_member(verified, now=now)
        token = await server.browsers.open_for(person, instead_of=session_token(server, request))
        self._give_back(request)
        answer = self._signed_in(token, attempt.back_to)
        forget_browser(server, answer, name="attempt")
        return answer

    async def out(self, request: Request) -> Response:
        """Sign the browser out."""
        visitor = await visitor_of(self._server, request)
        token = session_token(self._server, request)
        if visitor.form_token is not None and token is not None:
            await after_form_check(request.scope, request.receive, expected=visitor.form_token)
            await self._server.browsers.end(token, actor=visitor.actor)
        answer = framed(
            Frame(self._server.company, ANONYMOUS, None, width="narrow"), "console/signed_out.html", title="Signed out"
        )
        forget_browser(self._server, answer, name="session")
        answer.headers["clear-site-data"] = '"cache"'
        return answer

    def _page(
        self,
        request: Request,
        *,
        back_to: str,
        problem: str | None = None,
        has_wrong_key: bool = False,
        status: int = 200,
    ) -> Response:
        server = self._server
        kept = kept_in_browser(server, request, name="form") or new_browser_token()
        flow = server.code_flow
        frame = Frame(server.company, ANONYMOUS, server.browsers.form_token(kept), width="narrow")
        answer = framed(
            frame,
            "console/sign_in.html",
            title="Error: Sign in" if problem else "Sign in",
            status=status,
            problem=problem,
            has_wrong_key=has_wrong_key,
            has_provider=flow is not None,
            provider=None if flow is None else urlsplit(flow.tokens.issuer.url).hostname,
            back_to=back_to,
            is_unsafe=_is_unsafe(server, request),
        )
        keep_in_browser(server, answer, name="form", value=kept, seconds=FORM_SECONDS)
        return answer

    def _signed_in(self, token: str, back_to: str) -> Response:
        answer = RedirectResponse(back_to, 303)
        seconds = int(self._server.browsers.lifetime.total_seconds())
        keep_in_browser(self._server, answer, name="session", value=token, seconds=seconds)
        forget_browser(self._server, answer, name="form")
        return answer

    def _charge(self, request: Request) -> None:
        self._server.sign_in_allowances.charge(_payer(request), 1, now=self._server.clock.now())

    def _give_back(self, request: Request) -> None:
        # A whole office has one address, and only tries that fail are worth counting.
        self._server.sign_in_allowances.give_back(_payer(request), 1, now=self._server.clock.now())


def _payer(request: Request) -> str:
    return address_payer(None if request.client is None else request.client.host)


def own_path(path: str | None) -> str:
    """Return a path of this server to go on to; whatever leads elsewhere becomes the start page."""
    is_own = path is not None and path.startswith(("/console", "/plugins/")) and "\\" not in path
    is_loop = path is not None and path.startswith((SIGN_IN, "/console/sign-out"))
    return path if path is not None and is_own and not is_loop and path.isprintable() else START


def _is_unsafe(server: Server, request: Request) -> bool:
    is_plain = server.settings.mode == "production" and request.url.scheme == "http"
    return is_plain and request.url.hostname not in OWN_MACHINE
