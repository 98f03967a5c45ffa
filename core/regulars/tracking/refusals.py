"""Why a message of a site or app is not taken in, each reason with what to do next.

InvalidInput
├── BatchMissing
├── BodyRefused
├── MessageTooLarge
├── NamelessMessage
└── NotAMessage
"""

from regulars.errors import InvalidInput, OutOfRange

__all__ = ["BatchMissing", "BodyRefused", "MessageTooLarge", "NamelessMessage", "NotAMessage"]


class BodyRefused(InvalidInput):
    """The body of a request cannot be read at all, so nothing of it is kept."""

    code = "BAD_REQUEST"

    def __init__(self, why: str) -> None:
        super().__init__(f"The body of this request cannot be taken: {why}.")


class BatchMissing(InvalidInput):
    """A request with many messages has none."""

    code = "REQUIRED"

    def __init__(self) -> None:
        super().__init__("This request has no batch. Send a JSON object with `batch`, a list of messages.")


class NotAMessage(InvalidInput):
    """Something in a batch is no message at all."""

    code = "INVALID"

    def __init__(self, why: str) -> None:
        super().__init__(f"This is no message: {why}. Send a JSON object with `type` and `userId` or `anonymousId`.")


class MessageTooLarge(OutOfRange):
    """A message holds more than is taken in at once."""

    code = "TOO_LARGE"

    def __init__(self, *, size: int, most: int) -> None:
        self.size, self.most = size, most
        super().__init__(f"This message has {size} bytes; at most {most} are taken. Leave out what nobody reads.")


class NamelessMessage(InvalidInput):
    """A message does not say whom it is about."""

    code = "REQUIRED"

    def __init__(self) -> None:
        super().__init__("This message names nobody. Give it a userId or an anonymousId.", path=("userId",))
