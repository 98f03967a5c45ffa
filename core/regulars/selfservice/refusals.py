"""Why a link does not open anything."""

from regulars.errors import ExpectedError, InvalidInput

__all__ = ["AddressUnknown", "LinkUnknown", "TooManyLinks"]


class LinkUnknown(ExpectedError):
    """A link was never given out, or is spent; which of these is nobody's business."""

    code = "LINK_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("This link does not open anything, or not any more. Ask for a new one.")


class TooManyLinks(ExpectedError):
    """Somebody asks for link after link."""

    code = "TOO_MANY_LINKS"

    def __init__(self, *, most: int) -> None:
        self.most = most
        super().__init__(f"{most} links were sent within an hour. Use the last one, or ask again in an hour.")


class AddressUnknown(InvalidInput):
    """A link was to be sent to an address that is not the customer's."""

    code = "ADDRESS_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("The customer has no such address. Send the link to one that is theirs.", path=("address",))
