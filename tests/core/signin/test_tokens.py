from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.core.signin.provider import AUDIENCE, KEYS, Provider, forged

from regulars.clock import SettableClock
from regulars.signin.refusals import TokenRefused
from regulars.signin.tokens import VerifiedToken, key_id_of, verify_token

ISSUER = "https://login.test"


@pytest.fixture
def provider(clock: SettableClock) -> Provider:
    """A provider that nobody has to ask: its keys are known."""
    return Provider(ISSUER, clock)


def verify(token: str, provider: Provider, *, key: str | None = None) -> VerifiedToken:
    named = key or key_id_of(token) or "rsa"
    return verify_token(token, KEYS[named], issuer=ISSUER, audience=AUDIENCE, now=provider.clock.now())


@pytest.mark.parametrize(
    ("key", "header"),
    [("rsa", {}), ("ec", {"typ": "JWT"}), ("rsa", {"typ": "at+jwt"}), ("rsa-next", {"alg": "PS256"})],
)
def test_a_token_says_whose_it_is_and_until_when(provider: Provider, key: str, header: dict[str, Any]) -> None:
    verified = verify(provider.token(key=key, header=header), provider)

    assert verified.subject == "ada-1"
    assert (verified.expires_at - provider.clock.now()).total_seconds() == 300


def test_a_token_may_name_several_it_is_for(provider: Provider) -> None:
    assert verify(provider.token(aud=["https://elsewhere.test", AUDIENCE]), provider).subject == "ada-1"


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"exp": None}, "it lacks 'exp'"),
        ({"iss": None}, "it lacks 'iss'"),
        ({"aud": None}, "it lacks 'aud'"),
        ({"sub": None}, "it lacks 'sub'"),
        ({"sub": ""}, "'sub'"),
        ({"sub": 7}, "'sub'"),
        ({"sub": "x" * 256}, "'sub' is too long"),
        ({"aud": "https://elsewhere.test"}, "for somebody else"),
        ({"aud": ["https://elsewhere.test"]}, "for somebody else"),
        ({"aud": ""}, "for somebody else"),
        ({"iss": "https://elsewhere.test"}, "another issuer"),
        ({"nbf": 4_000_000_000}, "does not hold yet"),
        ({"iat": 4_000_000_000}, "in the future"),
        ({"exp": "tomorrow"}, "'exp' cannot be read"),
    ],
)
def test_a_token_whose_claims_do_not_hold_is_refused(
    provider: Provider, different: dict[str, Any], reason: str
) -> None:
    token = provider.token(**different)

    with pytest.raises(TokenRefused, match=reason):
        verify(token, provider)


@pytest.mark.parametrize(("seconds", "is_expired"), [(59, False), (60, True), (3600, True)])
def test_clocks_may_differ_by_less_than_a_minute(provider: Provider, seconds: int, is_expired: bool) -> None:
    token = provider.token(exp=int(provider.clock.now().timestamp()) - seconds)

    try:
        verify(token, provider)
    except TokenRefused as refused:
        reason = refused.reason
    else:
        reason = ""

    assert ("expired" in reason) is is_expired


def test_a_token_without_a_signature_is_refused(provider: Provider) -> None:
    unsigned = forged({"alg": "none", "kid": "rsa"}, provider.claims())

    with pytest.raises(TokenRefused, match="not signed by one of"):
        key_id_of(unsigned)
    with pytest.raises(TokenRefused):
        verify(unsigned, provider, key="rsa")


def test_the_public_key_cannot_be_used_as_a_shared_secret(provider: Provider) -> None:
    public = KEYS["rsa"].as_pem(private=False)
    token = forged({"alg": "HS256", "kid": "rsa"}, provider.claims(), secret=public)

    with pytest.raises(TokenRefused, match="not signed by one of"):
        key_id_of(token)
    with pytest.raises(TokenRefused):
        verify(token, provider, key="rsa")


def test_a_key_that_the_token_brings_along_is_not_used(provider: Provider) -> None:
    own = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": "rsa", "jku": "http://127.0.0.1:1/keys"}
    token = jwt.encode(header, provider.claims(), own)

    with pytest.raises(TokenRefused, match="signature is not the issuer's"):
        verify(token, provider)


def test_a_changed_token_is_refused(provider: Provider) -> None:
    header, _, signature = provider.token().split(".")
    _, payload, _ = provider.token(groups=["crm-admins"]).split(".")

    with pytest.raises(TokenRefused, match="signature"):
        verify(f"{header}.{payload}.{signature}", provider)


@pytest.mark.parametrize(("signed", "checked"), [("rsa", "ec"), ("ec", "rsa"), ("rsa", "rsa-next")])
def test_another_key_does_not_check_it(provider: Provider, signed: str, checked: str) -> None:
    with pytest.raises(TokenRefused):
        verify(provider.token(key=signed), provider, key=checked)


@pytest.mark.parametrize("type", ["logout+jwt", "dpop+jwt", "id_token"])
def test_a_token_for_another_purpose_is_refused(provider: Provider, type: str) -> None:
    with pytest.raises(TokenRefused, match="another purpose"):
        key_id_of(provider.token(header={"typ": type}))


@pytest.mark.parametrize("token", ["", "a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9.e30.", "x" * 20_000 + ".b.c", "ä.b.c"])
def test_rubbish_is_refused(provider: Provider, token: str) -> None:
    with pytest.raises(TokenRefused):
        verify(token, provider)
