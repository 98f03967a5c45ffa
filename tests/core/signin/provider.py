"""A small real OpenID provider: it runs on this machine, signs with real keys, and keeps to the code flow with PKCE."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from regulars.clock import SettableClock

__all__ = ["AUDIENCE", "CLIENT_ID", "CLIENT_SECRET", "IssuerServer", "Provider", "after", "forged", "running_issuer"]

AUDIENCE = "https://regulars.test/graphql"
CLIENT_ID = "regulars-console"
CLIENT_SECRET = "a secret of the tests"
KEYS: dict[str, RSAKey | ECKey] = {
    "rsa": RSAKey.generate_key(2048, parameters={"kid": "rsa", "use": "sig", "alg": "RS256"}),
    "ec": ECKey.generate_key("P-256", parameters={"kid": "ec", "use": "sig", "alg": "ES256"}),
    "rsa-next": RSAKey.generate_key(2048, parameters={"kid": "rsa-next", "use": "sig"}),
}
PERSON = {"sub": "ada-1", "name": "Ada", "email": "ada@shop.test", "groups": ["everybody", "crm-analysts"]}


@dataclass
class Provider:
    """The provider of one test: its people, its keys, and all that it was asked."""

    address: str
    clock: SettableClock
    published: list[str] = field(default_factory=lambda: ["rsa", "ec"])
    person: dict[str, Any] = field(default_factory=lambda: dict(PERSON))
    asked: list[str] = field(default_factory=list)
    is_silent: bool = False
    calls_itself: str | None = None
    id_token: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def claims(self, **different: Any) -> dict[str, Any]:
        """Return the claims of a token for this person and our API; None takes one away."""
        now = int(self.clock.now().timestamp())
        usual = {"iss": self.address, "aud": AUDIENCE, "iat": now, "exp": now + 300, **self.person}
        return {name: value for name, value in (usual | different).items() if value is not None}

    def token(self, *, key: str = "rsa", header: dict[str, Any] | None = None, **different: Any) -> str:
        """Return a token signed with one of the real keys."""
        algorithm = "ES256" if key == "ec" else "RS256"
        return jwt.encode(
            {"alg": algorithm, "kid": key, **(header or {})},
            self.claims(**different),
            KEYS[key],
            algorithms=["RS256", "PS256", "ES256", "ES384"],
        )

    def bearer(self, **different: Any) -> dict[str, str]:
        """Return the headers of a request with a token."""
        return {"authorization": f"Bearer {self.token(**different)}"}

    def answer(self, request: Request) -> Response | None:
        """Note what was asked; a silent provider answers nothing good."""
        self.asked.append(request.url.path)
        return Response("out of order", 503) if self.is_silent else None


def forged(header: dict[str, Any], claims: dict[str, Any], *, secret: bytes | None = None) -> str:
    """Return a token as an attacker writes it: unsigned, or signed with a shared secret."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = b"" if secret is None else hmac.digest(secret, b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


class IssuerServer:
    """The server of all tests; it speaks for the provider of the test that runs."""

    def __init__(self) -> None:
        self.provider: Provider
        self.port = 0
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/keys", self.keys),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def discovery(self, request: Request) -> Response:
        address = self.provider.address
        return self.provider.answer(request) or JSONResponse(
            {
                "issuer": self.provider.calls_itself or address,
                "jwks_uri": f"{address}/keys",
                "authorization_endpoint": f"{address}/authorize",
                "token_endpoint": f"{address}/token",
            }
        )

    async def keys(self, request: Request) -> Response:
        keys = [KEYS[name].as_dict(private=False) for name in self.provider.published]
        return self.provider.answer(request) or JSONResponse({"keys": keys})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.provider.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def token(self, request: Request) -> Response:
        form = dict(await request.form())
        asked = self.provider.codes.pop(str(form.get("code")), None)
        user, _, password = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).partition(b":")
        challenge = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        is_right = (
            asked is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == asked["redirect_uri"]
            and base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() == asked["code_challenge"]
            and (user.decode(), password.decode()) == (CLIENT_ID, CLIENT_SECRET.replace(" ", "+"))
        )
        if not is_right or asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {"aud": CLIENT_ID, "nonce": asked["nonce"], **self.provider.id_token}
        return JSONResponse({"token_type": "Bearer", "id_token": self.provider.token(**claims)})


@contextmanager
def running_issuer() -> Iterator[IssuerServer]:
    """Give a server that listens on a free port of this machine."""
    issuer = IssuerServer()
    server = uvicorn.Server(uvicorn.Config(issuer.app, port=0, ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    issuer.port = server.servers[0].sockets[0].getsockname()[1]
    yield issuer
    server.should_exit = True
    thread.join()


def after(provider: Provider, **passed: float) -> None:
    """Let time pass for the provider and the server alike."""
    provider.clock.advance(timedelta(**passed))
