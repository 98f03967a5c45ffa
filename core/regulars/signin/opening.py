"""Set up sign-in as the operator's settings say.

What works with tokens is imported where an identity provider is set: its libraries are for nobody else.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from regulars.clock import Clock
from regulars.database import Database
from regulars.outgoing.client import Outgoing
from regulars.settings import Settings
from regulars.signin.refusals import IssuerSilent, SignInMisconfigured
from regulars.signin.roles import role_rules

if TYPE_CHECKING:
    from regulars.signin.bearer import StaffTokens
    from regulars.signin.code_flow import CodeFlow
    from regulars.signin.issuer import Issuer

__all__ = ["RETURN_PATH", "issuer_through", "open_code_flow", "open_staff_tokens"]

RETURN_PATH = "/console/sign-in/back"
"""Where the identity provider sends browsers back to, below REGULARS_PUBLIC_URL."""


def open_staff_tokens(
    settings: Settings, *, database: Database, outgoing: Outgoing, clock: Clock
) -> "StaffTokens | None":
    """Return what lets staff in by the company's identity provider; None when no issuer is set.

    Raises ``SignInMisconfigured`` for settings that do not fit together. Nothing is asked of the issuer yet.
    """
    url = settings.oidc_issuer
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
        raise SignInMisconfigured("REGULARS_OIDC_ISSUER is no address such as https://login.example.com/realms/shop.")
    if not settings.oidc_roles:
        raise SignInMisconfigured(
            "REGULARS_OIDC_ISSUER is set without REGULARS_OIDC_ROLES, so nobody would have a role."
            " Say which group has which, such as crm-admins=admin,shop=frontline."
        )
    if not settings.oidc_audience and not settings.oidc_client_id:
        raise SignInMisconfigured(
            "REGULARS_OIDC_ISSUER is set without REGULARS_OIDC_AUDIENCE and REGULARS_OIDC_CLIENT_ID, so tokens for any"
            " other server would do. Set the first for tokens in the API, the second for signing in with a browser."
        )
    from regulars.signin.bearer import StaffTokens

    return StaffTokens(
        database,
        issuer=issuer_through(outgoing, url, clock=clock),
        audience=settings.oidc_audience,
        rules=role_rules(settings.oidc_role_claim, settings.oidc_roles),
        clock=clock,
    )


def issuer_through(outgoing: Outgoing, url: str, *, clock: Clock) -> "Issuer":
    """Return the issuer of this address, asked by the client that all requests to other machines go through."""

    async def get_json(address: str) -> Any:
        reply = await outgoing.get(address, headers={"accept": "application/json"})
        if not reply.is_success:
            raise IssuerSilent(url, f"it answered {reply.status}.")
        return reply.json()

    from regulars.signin.issuer import Issuer

    return Issuer(url, get_json=get_json, clock=clock)


def open_code_flow(settings: Settings, tokens: "StaffTokens | None", *, outgoing: Outgoing) -> "CodeFlow | None":
    """Return what signs staff in with a browser; None where the identity provider knows no client of ours.

    Raises ``SignInMisconfigured``.
    """
    if tokens is None or not settings.oidc_client_id:
        return None
    parts = urlsplit(settings.public_url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise SignInMisconfigured(
            "REGULARS_OIDC_CLIENT_ID is set without REGULARS_PUBLIC_URL, so nobody would find back here."
            " Set it to the address of this server as browsers see it, such as https://regulars.example.com."
        )
    from regulars.signin.code_flow import CodeFlow

    return CodeFlow(
        tokens,
        outgoing,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        scopes=settings.oidc_scopes,
        back=settings.public_url.rstrip("/") + RETURN_PATH,
    )
