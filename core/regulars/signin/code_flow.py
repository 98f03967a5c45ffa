"""Sign in at the identity provider: send the browser there, and take it back with a code.

Source: OpenID Connect Core 1.0, section 3.1; RFC 7636, Proof Key for Code Exchange; RFC 9700, OAuth 2.0 Security.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from regulars.errors import ExpectedError
from regulars.outgoing.client import Outgoing
from regulars.signin.bearer import StaffTokens
from regulars.signin.refusals import SignInFailed
from regulars.signin.tokens import VerifiedToken

__all__ = ["ATTEMPT_LIFETIME", "Attempt", "CodeFlow", "new_attempt", "open_attempt", "seal_attempt"]

ATTEMPT_LIFETIME = timedelta(minutes=10)
SEAL = "HS256"


@dataclass(frozen=True)
class Attempt:
    """What one browser must bring back: it ties the answer to the browser, and the code and the token to the answer."""

    state: str
    nonce: str
    verifier: str
    back_to: str


def new_attempt(back_to: str) -> Attempt:
    """Return a new attempt; ``back_to`` is where the person wanted to go on this server."""
    return Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), back_to)


def seal_attempt(attempt: Attempt, *, secret: str, now: datetime) -> str:
    """Return the attempt as the browser keeps it, so that no process has to."""
    claims = {**asdict(attempt), "exp": int((now + ATTEMPT_LIFETIME).timestamp())}
    return jwt.encode({"alg": SEAL}, claims, _sealing_key(secret), algorithms=[SEAL])


def open_attempt(sealed: str | None, *, state: str, secret: str, now: datetime) -> Attempt:
    """Return the attempt that this browser began; raises ``SignInFailed`` for any other."""
    try:
        claims = jwt.decode(sealed or "", _sealing_key(secret), algorithms=[SEAL]).claims
        jwt.JWTClaimsRegistry(now=int(now.timestamp()), exp={"essential": True}).validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise SignInFailed("it was not begun in this browser, or more than ten minutes ago.") from error
    attempt = Attempt(*(str(claims[name]) for name in ("state", "nonce", "verifier", "back_to")))
    if not state or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        raise SignInFailed("the answer belongs to another attempt.")
    return attempt


class CodeFlow:
    """Signs staff in by way of the identity provider, with state, nonce and PKCE."""

    def __init__(
        self, tokens: StaffTokens, outgoing: Outgoing, *, client_id: str, client_secret: str, scopes: str, back: str
    ) -> None:
        self.tokens = tokens
        self._outgoing, self._back, self._scopes = outgoing, back, scopes
        self._client_id, self._client_secret = client_id, client_secret

    async def address(self, attempt: Attempt) -> str:
        """Return where the browser is sent; raises ``IssuerSilent`` and ``SignInFailed``."""
        addresses = await self.tokens.issuer.addresses()
        if addresses.authorization is None:
            raise SignInFailed("the identity provider has no page to sign in at.")
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._back,
            "scope": self._scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        parts = urlsplit(addresses.authorization)
        query = "&".join(part for part in (parts.query, urlencode(asked)) if part)
        return urlunsplit(parts._replace(query=query))

    async def person(self, code: str, attempt: Attempt, *, now: datetime) -> VerifiedToken:
        """Return who came back with this code.

        Raises ``SignInFailed``, ``TokenRefused`` and ``IssuerSilent``.
        """
        token = (await self._change(code, attempt)).get("id_token")
        if not isinstance(token, str):
            raise SignInFailed("the identity provider gave no ID token; the scope `openid` must be asked for.")
        verified = await self.tokens.verified(token, audience=self._client_id, now=now)
        nonce, party = verified.claims.get("nonce"), verified.claims.get("azp", self._client_id)
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), attempt.nonce.encode()):
            raise SignInFailed("the token was made for another attempt.")
        if party != self._client_id:
            raise SignInFailed("the token was made for another client.")
        return verified

    async def _change(self, code: str, attempt: Attempt) -> Mapping[str, object]:
        addresses = await self.tokens.issuer.addresses()
        if addresses.token is None:
            raise SignInFailed("the identity provider changes no codes for tokens.")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": attempt.verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if self._client_secret:
            credentials = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"
            headers["authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        else:
            form["client_id"] = self._client_id
        try:
            reply = await self._outgoing.post(addresses.token, content=urlencode(form).encode(), headers=headers)
            told = reply.json() if reply.is_success else None
        except ExpectedError as error:
            raise SignInFailed(f"the identity provider did not answer. {error}") from error
        if not isinstance(told, Mapping):
            raise SignInFailed("the identity provider did not accept the code.")
        return told


def _sealing_key(secret: str) -> OctKey:
    return OctKey.import_key(hmac.digest(secret.encode(), b"sign-in attempts", "sha256"))
