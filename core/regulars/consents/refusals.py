"""Why a change of consent is not recorded, each reason with what to do next."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.consents.scopes import Scope
from regulars.errors import ExpectedError, ForbiddenTransition, InvalidInput

__all__ = ["ConfirmationRefused", "EvidenceRequired", "ReopeningRefused", "UpSessionRequired"]


class ConfirmationRefused(ForbiddenTransition):
    """A grant cannot be confirmed."""

    def __init__(self, event_id: UUID, why: str) -> None:
        self.event_id = event_id
        super().__init__(
            f"The consent {event_id} cannot be confirmed: {why}. Ask the customer again, and record a new grant.",
            path=("id",),
        )


class EvidenceRequired(InvalidInput):
    """A grant came without what proves it."""

    code = "EVIDENCE_REQUIRED"

    def __init__(self, missing: str, *, path: Sequence[str]) -> None:
        self.missing = missing
        super().__init__(f"This grant could not be proven: it has no {missing}. Give what the customer saw.", path=path)


class UpSessionRequired(ExpectedError):
    """A customer wanted to grant with a token that can only lower."""

    code = "UP_SESSION_REQUIRED"

    def __init__(self) -> None:
        super().__init__("Granting needs a fresh sign-in. Ask for a sign-in link by mail, then grant again.")


class ReopeningRefused(ForbiddenTransition):
    """Somebody else wanted to reopen what the customer has closed."""

    def __init__(self, *, scope: Scope, withdrawn: Scope, withdrawn_at: datetime, origin: str) -> None:
        self.scope, self.withdrawn, self.withdrawn_at, self.origin = scope, withdrawn, withdrawn_at, origin
        by = "An import" if origin == "import" else "Staff"
        super().__init__(
            f"The customer withdrew {withdrawn} on {withdrawn_at:%Y-%m-%d}. {by} cannot grant {scope} again:"
            f" send the customer to the preference page, where only they can.",
            path=("origin",),
        )
