"""Why somebody is not let in, each reason with what to do next.

ExpectedError
├── Unauthenticated          the credentials of a request do not hold
│   ├── CredentialsMissing
│   ├── WrongScheme
│   ├── MalformedKey
│   ├── UnknownKey
│   ├── ExpiredKey
│   ├── RevokedKey
│   ├── OwnerDisabled
│   ├── WriteKeyElsewhere
│   └── WriteKeyMissing
├── AllowanceSpent
├── KeysCannotMintKeys
├── KeyEnded
└── AlreadyRotated
"""

from datetime import datetime
from uuid import UUID

from regulars.errors import ExpectedError

__all__ = [
    "AllowanceSpent",
    "AlreadyRotated",
    "CredentialsMissing",
    "ExpiredKey",
    "KeyEnded",
    "KeysCannotMintKeys",
    "MalformedKey",
    "OwnerDisabled",
    "RevokedKey",
    "Unauthenticated",
    "UnknownKey",
    "WriteKeyElsewhere",
    "WriteKeyMissing",
    "WrongScheme",
]


class Unauthenticated(ExpectedError):
    """A request came with credentials that do not hold."""

    code = "UNAUTHENTICATED"


class CredentialsMissing(Unauthenticated):
    """Somebody unknown asked for something that is not public."""

    def __init__(self) -> None:
        super().__init__("This is not public. Send your key as `Authorization: Bearer rgl_…`.")


class WrongScheme(Unauthenticated):
    """The header is not of the form that keys are sent in."""

    def __init__(self) -> None:
        super().__init__("The Authorization header cannot be read. Send your key as `Authorization: Bearer rgl_…`.")


class MalformedKey(Unauthenticated):
    """What was sent cannot be a key: mistyped, cut off, or made by somebody else."""

    def __init__(self) -> None:
        super().__init__(
            "This is no key of Regulars: keys begin with rgl_ and end with a checksum."
            " Check that yours was copied whole."
        )


class UnknownKey(Unauthenticated):
    """The key has the right form, but this server does not know it."""

    def __init__(self) -> None:
        super().__init__(
            "This key is not known here. Check that it belongs to this server,"
            " or ask an admin for a new one (`regulars key create`)."
        )


class ExpiredKey(Unauthenticated):
    """The key's time is over."""

    def __init__(self, *, hint: str, expired_at: datetime) -> None:
        self.hint, self.expired_at = hint, expired_at
        super().__init__(
            f"The key {hint} expired on {expired_at:%Y-%m-%d at %H:%M} UTC."
            " Ask an admin for a new one (`regulars key create`)."
        )


class RevokedKey(Unauthenticated):
    """The key was taken back before its time."""

    def __init__(self, *, hint: str, revoked_at: datetime) -> None:
        self.hint, self.revoked_at = hint, revoked_at
        super().__init__(
            f"The key {hint} was revoked on {revoked_at:%Y-%m-%d at %H:%M} UTC."
            " Ask an admin for a new one (`regulars key create`)."
        )


class OwnerDisabled(Unauthenticated):
    """The key's time is not over, but its owner may no longer come in."""

    def __init__(self, *, hint: str, owner: str) -> None:
        self.hint, self.owner = hint, owner
        super().__init__(f"The key {hint} belongs to a {owner} that is no longer active. Ask an admin.")


class AllowanceSpent(ExpectedError):
    """Somebody asked for more than they may in this while."""

    code = "RATE_LIMITED"

    def __init__(self, *, burst: float, per_second: float, wait_s: int) -> None:
        self.burst, self.per_second, self.wait_s = burst, per_second, wait_s
        super().__init__(
            f"This is more than {burst:g} points at once and {per_second:g} a second. Nothing was done."
            f" Wait {wait_s} s, then send it again."
        )


class WriteKeyElsewhere(Unauthenticated):
    """The key of a site or app was sent somewhere else than where events are taken in."""

    def __init__(self, *, hint: str) -> None:
        self.hint = hint
        super().__init__(f"The key {hint} only sends events, to /v1. Ask an admin for a key of another kind.")


class WriteKeyMissing(Unauthenticated):
    """Events came without the key of a site or app."""

    def __init__(self) -> None:
        super().__init__(
            "Events need a write key as the user name of HTTP Basic, with an empty password."
            " Make one with `regulars key create --source NAME`."
        )


class KeysCannotMintKeys(ExpectedError):
    """Somebody who came in with a key asked for another key."""

    code = "FORBIDDEN"

    def __init__(self) -> None:
        super().__init__("A key cannot make or rotate keys. Use `regulars key` on the server, or sign in as a person.")


class KeyEnded(ExpectedError):
    """A key that is over was to be rotated."""

    code = "FORBIDDEN_TRANSITION"

    def __init__(self, *, key_id: UUID, hint: str) -> None:
        self.key_id, self.hint = key_id, hint
        super().__init__(f"The key {hint} ({key_id}) has expired or was revoked. Create a new one instead.")


class AlreadyRotated(ExpectedError):
    """A key that already has a living successor was to be rotated once more."""

    code = "FORBIDDEN_TRANSITION"

    def __init__(self, *, key_id: UUID, hint: str, successor_id: UUID) -> None:
        self.key_id, self.hint, self.successor_id = key_id, hint, successor_id
        self.conflicting_id = str(successor_id)
        super().__init__(
            f"The key {hint} ({key_id}) was already replaced by {successor_id}. Rotate or revoke that one."
        )
