"""Why a request under an idempotency key is not answered, each reason with what to do next."""

from regulars.errors import ExpectedError, InvalidInput

__all__ = ["AnswerErased", "KeyInFlight", "KeyOfAnotherRequest", "KeyRefused", "SeveralKeys"]


class KeyOfAnotherRequest(ExpectedError):
    """The key was used before, for something else."""

    code = "IDEMPOTENCY_CONFLICT"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"The idempotency key {key!r} was used for another request. Nothing was done:"
            " use a new key for each thing that you want done."
        )


class KeyInFlight(ExpectedError):
    """The first request with this key has not been answered yet."""

    code = "IDEMPOTENCY_IN_FLIGHT"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"A request with the idempotency key {key!r} is being worked on. Send this one again in a second:"
            " it will get the same answer."
        )


class AnswerErased(ExpectedError):
    """The request had its effect, and its answer was erased with the data of a customer."""

    code = "IDEMPOTENCY_ANSWER_ERASED"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"What was asked with the idempotency key {key!r} was done, and is not done again. Its answer was erased"
            " with the data of a customer: read what you need anew."
        )


class KeyRefused(InvalidInput):
    """The key is no key."""

    def __init__(self) -> None:
        super().__init__(
            "An idempotency key has 1 to 255 visible ASCII characters. A random UUID does well.",
            path=("idempotencyKey",),
        )


class SeveralKeys(InvalidInput):
    """One request came with more than one key."""

    def __init__(self) -> None:
        super().__init__(
            "This request names several idempotency keys. All that one request does happens or does not: give one key.",
            path=("idempotencyKey",),
        )
