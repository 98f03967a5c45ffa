"""Know the company's identity provider: where it is asked, and with which keys it signs today."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from regulars.clock import Clock
from regulars.errors import ExpectedError
from regulars.signin.refusals import IssuerSilent, TokenRefused
from regulars.signin.tokens import ALGORITHMS, SigningKey

__all__ = ["GetJson", "Issuer", "IssuerAddresses"]

DISCOVERY = "/.well-known/openid-configuration"
LIFETIME = timedelta(minutes=10)
"""How long keys and addresses are believed; a key that the issuer takes back holds no longer than this."""

LONGEST_SILENCE = timedelta(hours=1)
"""How long they are believed when the issuer does not answer."""

PAUSE = timedelta(minutes=1)
"""The shortest time between two looks, so that tokens with invented key ids cannot make us ask without end."""

SMALLEST_RSA_BITS = 2048

GetJson = Callable[[str], Awaitable[Any]]

log = structlog.get_logger("regulars.signin")


@dataclass(frozen=True)
class IssuerAddresses:
    """Where browsers are sent to sign in, and where a code is changed for tokens; None where the issuer has neither."""

    authorization: str | None
    token: str | None
    end_session: str | None


@dataclass(frozen=True)
class _Known:
    addresses: IssuerAddresses
    keys: Sequence[SigningKey]
    at: datetime


class Issuer:
    """Asks an OpenID provider through ``get_json`` for its addresses and keys, and follows when it changes them.

    Source: OpenID Connect Discovery 1.0; RFC 7517, JSON Web Key.
    """

    def __init__(self, url: str, *, get_json: GetJson, clock: Clock) -> None:
        self.url = url
        self._get_json, self._clock = get_json, clock
        self._known: _Known | None = None
        self._asked_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def addresses(self) -> IssuerAddresses:
        """Return the issuer's addresses; raises ``IssuerSilent``."""
        return (await self._today()).addresses

    async def key(self, key_id: str | None) -> SigningKey:
        """Return the key of this id, or the only one when the token names none.

        A key that is not known yet is looked for anew, at most once a minute. Raises ``TokenRefused`` when the issuer
        has no such key, and ``IssuerSilent``.
        """
        known = await self._today()
        found = _pick(known.keys, key_id)
        if found is None:
            known = await self._refreshed(known)
            found = _pick(known.keys, key_id)
        if found is None:
            raise TokenRefused("the issuer has no such key.")
        return found

    async def _today(self) -> _Known:
        known = self._known
        if known is not None and self._clock.now() - known.at < LIFETIME:
            return known
        return await self._refreshed(known)

    async def _refreshed(self, seen: _Known | None) -> _Known:
        async with self._turn:
            if self._known is not None and self._known is not seen:
                return self._known  # somebody else has just asked
            now = self._clock.now()
            if self._asked_at is not None and timedelta(0) <= now - self._asked_at < PAUSE:
                return self._kept("it was asked less than a minute ago.")
            self._asked_at = now
            try:
                self._known = await self._ask(now)
            except IssuerSilent as error:
                log.warning("issuer.silent", reason=error.reason)
                return self._kept(error.reason)
            return self._known

    def _kept(self, reason: str) -> _Known:
        """Return what was known before, so that a short silence locks nobody out."""
        if self._known is None or self._clock.now() - self._known.at > LONGEST_SILENCE:
            raise IssuerSilent(self.url, reason)
        return self._known

    async def _ask(self, now: datetime) -> _Known:
        told = await self._object(self.url.rstrip("/") + DISCOVERY)
        if told.get("issuer") != self.url:
            raise IssuerSilent(self.url, "it calls itself something else; set REGULARS_OIDC_ISSUER to that name.")
        addresses = IssuerAddresses(
            _address(told, "authorization_endpoint"),
            _address(told, "token_endpoint"),
            _address(told, "end_session_endpoint"),
        )
        jwks = _address(told, "jwks_uri")
        if jwks is None:
            raise IssuerSilent(self.url, "it names no address of its keys.")
        keys = (await self._object(jwks)).get("keys")
        usable = [key for given in keys if (key := _key(given)) is not None] if isinstance(keys, list) else []
        if not usable:
            raise IssuerSilent(self.url, f"it has no key for {', '.join(ALGORITHMS)}.")
        return _Known(addresses, usable, now)

    async def _object(self, url: str) -> Mapping[str, Any]:
        try:
            told = await self._get_json(url)
        except ExpectedError as error:
            raise IssuerSilent(self.url, str(error)) from error
        if not isinstance(told, Mapping):
            raise IssuerSilent(self.url, "its answer is no object.")
        return told


def _address(told: Mapping[str, Any], name: str) -> str | None:
    address = told.get(name)
    if not isinstance(address, str) or urlsplit(address).scheme not in {"https", "http"}:
        return None
    return address


def _pick(keys: Sequence[SigningKey], key_id: str | None) -> SigningKey | None:
    if key_id is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.kid == key_id), None)


def _key(given: Any) -> SigningKey | None:
    """Return a public key that may sign tokens for us; None for all others, which issuers may publish as well."""
    if not isinstance(given, dict) or given.get("use", "sig") != "sig" or given.get("alg", "RS256") not in ALGORITHMS:
        return None
    try:
        if given.get("kty") == "RSA":
            key = RSAKey.import_key(given)
            return key if key.raw_value.key_size >= SMALLEST_RSA_BITS and not key.is_private else None
        if given.get("kty") == "EC" and given.get("crv") == "P-256":
            curve_key = ECKey.import_key(given)
            return None if curve_key.is_private else curve_key
    except (JoseError, ValueError, TypeError):
        return None
    return None
