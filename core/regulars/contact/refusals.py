"""Why a contact cannot even be asked about, or a reservation cannot be used."""

from collections.abc import Sequence
from uuid import UUID

from regulars.errors import ExpectedError, ForbiddenTransition, InvalidInput

__all__ = [
    "CaseRequired",
    "IdempotencyConflict",
    "InvalidWallTime",
    "OfferNotAllowed",
    "ReservationClosed",
    "UnknownZone",
]


class CaseRequired(InvalidInput):
    """A follow-up was asked about without a case of this customer."""

    code = "CASE_REQUIRED"

    def __init__(self, case_id: str | None) -> None:
        self.case_id = case_id
        missing = "names no case" if case_id is None else f"names the case {case_id!r}, which is none of this customer"
        super().__init__(
            f"A follow-up asks about one service case, and this one {missing}. Give its id.", path=("caseId",)
        )


class OfferNotAllowed(InvalidInput):
    """A legal notice contains an offer."""

    code = "OFFER_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__("A legal notice carries no offer. Take it out, or send it as marketing.", path=("class",))


class InvalidWallTime(InvalidInput):
    """A time of day cannot be read."""

    code = "INVALID_TIME"

    def __init__(self, value: str) -> None:
        self.value = value
        super().__init__(f"{value!r} is no time of day. Write hours and minutes: 21:00.", path=("policy",))


class UnknownZone(InvalidInput):
    """A time zone was named that the IANA database does not have."""

    code = "INVALID_TIME"

    def __init__(self, value: str, *, path: Sequence[str] = ("policy", "defaultTimeZone")) -> None:
        self.value = value
        super().__init__(f"{value!r} is no IANA time zone, such as Europe/Berlin.", path=path)


class IdempotencyConflict(ExpectedError):
    """A key that was used for one contact comes again with another."""

    code = "IDEMPOTENCY_CONFLICT"
    path = ("idempotencyKey",)

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"The key {key!r} was used for another contact. Take a new key for each contact.")


class ReservationClosed(ForbiddenTransition):
    """A reservation cannot take this step any more."""

    def __init__(self, reservation_id: UUID, state: str, wanted: str) -> None:
        self.reservation_id, self.state, self.wanted = reservation_id, state, wanted
        super().__init__(
            f"Reservation {reservation_id} is {state} and cannot be {wanted}. Reserve anew for another contact.",
            path=("reservationId",),
        )
