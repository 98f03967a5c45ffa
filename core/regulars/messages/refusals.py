"""Why a message is not taken."""

from uuid import UUID

from regulars.errors import ForbiddenTransition, InvalidInput, NotUnique

__all__ = ["CustomerNeeded", "MessageKeyTaken", "MessageUnderway"]


class MessageKeyTaken(NotUnique):
    """A source used a key twice for different messages."""

    code = "IDEMPOTENCY_CONFLICT"

    def __init__(self, key: str, message_id: UUID) -> None:
        self.key, self.message_id = key, message_id
        super().__init__(
            f"The key {key!r} names another message already. Use a key of its own for each message.",
            conflicting_id=str(message_id),
            path=("key",),
        )


class CustomerNeeded(InvalidInput):
    """A message to nobody in particular would have needed a consent."""

    code = "CUSTOMER_REQUIRED"

    def __init__(self) -> None:
        super().__init__(
            "Only a transactional mail may go to an address alone, to prove it. Name the customer.",
            path=("customerId",),
        )


class MessageUnderway(ForbiddenTransition):
    """A message was to be stopped that has been handed over, or has ended."""

    def __init__(self, message_id: UUID, state: str) -> None:
        self.message_id, self.state = message_id, state
        super().__init__(f"The message {message_id} is {state} and cannot be cancelled any more.", path=("id",))
