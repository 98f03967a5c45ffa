"""Why somebody cannot sign in, each reason with what to do next.

ExpectedError
├── Unauthenticated
│   ├── TokenRefused         a token of the identity provider that does not hold
│   ├── RoleMissing          nothing in the token gives the person a role here
│   ├── StaffMemberLetGo     the person no longer works here
│   └── StaffPagesOnly       the key is a customer's
├── SignInFailed             the identity provider sent somebody back without what is needed
├── FormRefused              a form was sent that our page did not make for this browser
└── IssuerSilent             the identity provider cannot be asked
ConfigurationError
└── SignInMisconfigured      the settings of sign-in do not fit together
"""

from collections.abc import Iterable

from regulars.access.refusals import Unauthenticated
from regulars.errors import ConfigurationError, ExpectedError

__all__ = [
    "FormRefused",
    "IssuerSilent",
    "RoleMissing",
    "SignInFailed",
    "SignInMisconfigured",
    "StaffMemberLetGo",
    "StaffPagesOnly",
    "TokenRefused",
]


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


class StaffPagesOnly(Unauthenticated):
    """A customer's key was typed into the page for staff."""

    def __init__(self) -> None:
        super().__init__(
            "These pages are for staff, and this key is a customer's. Use a key of a colleague or a service."
        )


class SignInFailed(ExpectedError):
    """Signing in by way of the identity provider came to nothing."""

    code = "SIGN_IN_FAILED"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Signing in did not work: {reason} Begin again.")


class FormRefused(ExpectedError):
    """A change was asked for that this server's own page did not ask for in this browser."""

    code = "FORM_REFUSED"

    def __init__(self) -> None:
        super().__init__(
            "This form is out of date, or comes from somewhere else. Nothing was changed."
            " Go back, load the page again and repeat your change."
        )


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
