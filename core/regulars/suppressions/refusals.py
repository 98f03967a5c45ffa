"""What the suppression list refuses."""

from regulars.errors import ExpectedError, ForbiddenTransition, InvalidInput

__all__ = ["AddressErased", "AlreadyLifted", "OneOfTwo"]


class AddressErased(ExpectedError):
    """Somebody whose data was erased on request would come back by an address of theirs."""

    code = "ADDRESS_ERASED"

    def __init__(self, kind: str) -> None:
        self.kind, self.path = kind, ("identities",)
        super().__init__(
            f"The {kind} belongs to somebody whose data was erased on request. Remove them where this comes from."
            " If they themselves came back, lift the suppression first."
        )


class AlreadyLifted(ForbiddenTransition):
    """An entry was lifted before."""

    def __init__(self, suppression_id: object) -> None:
        super().__init__(f"Suppression {suppression_id} was lifted already. There is nothing to lift.")


class OneOfTwo(InvalidInput):
    """An entry must be about an address or about a customer."""

    def __init__(self) -> None:
        super().__init__("Give either an identity, or a customer: an entry is about one of the two.")
