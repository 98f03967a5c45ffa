"""Check tokens of the identity provider: signature first, then every claim that says for whom and until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    JoseError,
    MissingClaimError,
)
from joserfc.jwk import ECKey, RSAKey

from regulars.signin.refusals import TokenRefused

__all__ = ["ALGORITHMS", "LEEWAY_S", "LONGEST_TOKEN", "SigningKey", "VerifiedToken", "key_id_of", "verify_token"]

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Signatures that only the issuer can make; what a token says about itself chooses among these and nothing else."""

TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
LEEWAY_S = 60
LONGEST_TOKEN = 16 * 1024
LONGEST_SUBJECT = 255

SigningKey = RSAKey | ECKey

REASONS = {
    "aud": "it was made for somebody else than this server.",
    "iss": "it comes from another issuer.",
    "nbf": "it does not hold yet.",
    "iat": "it was made in the future.",
}


@dataclass(frozen=True)
class VerifiedToken:
    """What a token says that holds."""

    subject: str
    expires_at: datetime
    claims: Mapping[str, Any]


def key_id_of(token: str) -> str | None:
    """Return which key the token names, unverified; raises ``TokenRefused`` for what cannot be a token of ours.

    Whatever else the header says, such as an address of keys, is never followed.
    """
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("it is too long.")
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused("it is no signed token.") from error
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused(f"it is not signed by one of {', '.join(ALGORITHMS)}.")
    type, key_id = header.get("typ"), header.get("kid")
    if type is not None and str(type).lower() not in TYPES:
        raise TokenRefused("it is a token for another purpose.")
    return key_id if isinstance(key_id, str) else None


def verify_token(token: str, key: SigningKey, *, issuer: str, audience: str, now: datetime) -> VerifiedToken:
    """Return what the token says; raises ``TokenRefused`` with the reason.

    ``exp``, ``iss``, ``aud`` and ``sub`` must be there and hold, with a leeway of 60 seconds for clocks that differ.
    """
    try:
        claims = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        _registry(issuer, audience, now).validate(claims)
    except BadSignatureError as error:
        raise TokenRefused("its signature is not the issuer's.") from error
    except ExpiredTokenError as error:
        raise TokenRefused("it has expired.") from error
    except MissingClaimError as error:
        raise TokenRefused(f"it lacks {error.claim!r}.") from error
    except InvalidClaimError as error:
        raise TokenRefused(REASONS.get(error.claim, f"{error.claim!r} cannot be read.")) from error
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused("it cannot be read.") from error
    subject = claims["sub"]
    if len(subject) > LONGEST_SUBJECT:
        raise TokenRefused("its 'sub' is too long.")
    return VerifiedToken(subject, datetime.fromtimestamp(claims["exp"], UTC), claims)


def _registry(issuer: str, audience: str, now: datetime) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_S,
        exp={"essential": True},
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
    )
