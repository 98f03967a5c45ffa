"""Why an operation is answered field by field instead of by one statement."""

from regulars.errors import RegularsError

__all__ = ["Irregular", "NotPlanned"]


class NotPlanned(RegularsError):
    """No statement can answer the operation; ``field`` is the one that stands in the way."""

    code = "NOT_PLANNED"

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field} {reason}.")


class Irregular(RegularsError):
    """One answer cannot be given as planned, such as one with a number that JSON does not have."""

    code = "IRREGULAR_ANSWER"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The answer {reason}.")
