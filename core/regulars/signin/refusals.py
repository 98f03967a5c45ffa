"""Why somebody cannot sign in, each reason with what to do next.

ExpectedError
├── Unauthenticated
│   ├── TokenRefused         a token of the identity provider that does not hold
│   ├── RoleMissing          nothing in the token gives the person a role here
│   └── StaffMemberLetGo     the person no longer works here
└── IssuerSilent             the identity provider cannot be asked
ConfigurationError
└── SignInMisconfigured      the settings of sign-in do not fit together
"""

from collections.abc import Iterable

from regulars.access.refusals import Unauthenticated
from regulars.errors import ConfigurationError, ExpectedError

__all__ = ["IssuerSilent", "RoleMissing", "SignInMisconfigured", "StaffMemberLetGo", "TokenRefused"]


class TokenRefused(Unauthenticated):
    """A token came that does not hold."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"This token is not accepted: {reason} Sign in again at your identity provider.")


class RoleMissing(Unauthenticated):
    """Somebody is known to the identity provider and has no role here."""

    def __init__(self, claim: str, known: Iterable[str]) -> None:
        self.claim, self.known = claim, tuple(known)
        super().__init__(
            f"Nothing under {claim!r} in this token gives a role here."
            " Ask whoever runs the identity provider to add you to a group that REGULARS_OIDC_ROLES names."
        )


class StaffMemberLetGo(Unauthenticated):
    """Somebody signs in who no longer works here."""

    def __init__(self) -> None:
        super().__init__("You are no longer let in here. Ask an admin.")


class IssuerSilent(ExpectedError):
    """The identity provider did not tell its keys or its addresses."""

    code = "ISSUER_SILENT"

    def __init__(self, issuer: str, reason: str) -> None:
        self.issuer, self.reason = issuer, reason
        super().__init__(f"The identity provider {issuer} cannot be asked: {reason} API keys still work.")


class SignInMisconfigured(ConfigurationError):
    """The settings of sign-in do not fit together."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)
