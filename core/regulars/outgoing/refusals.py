"""What can go wrong with a request to another machine, each with what to do about it.

RequestFailed
├── TargetRefused        it may not be reached: nothing was sent
├── TargetUnreachable    no connection, or one that broke off
├── TargetTooSlow        it did not answer within the time
├── TooManyRedirects     it leads on and on
├── ReplyTooLarge        it answered with more than is taken
└── ReplyUnreadable      what it answered is not in a form that can be read
"""

from regulars.errors import ExpectedError

__all__ = [
    "ReplyTooLarge",
    "ReplyUnreadable",
    "RequestFailed",
    "TargetRefused",
    "TargetTooSlow",
    "TargetUnreachable",
    "TooManyRedirects",
]


class RequestFailed(ExpectedError):
    """A request to another machine did not end with an answer."""

    code = "REQUEST_FAILED"


class TargetRefused(RequestFailed):
    """An address was given that must not be reached from here; nothing was sent to it."""

    code = "TARGET_REFUSED"

    def __init__(self, target: str, reason: str) -> None:
        self.target, self.reason = target, reason
        super().__init__(f"{target or 'This address'} is not reached from here: {reason}")


class TargetUnreachable(RequestFailed):
    """The other machine could not be reached, or the connection broke off."""

    code = "TARGET_UNREACHABLE"

    def __init__(self, target: str, reason: str) -> None:
        self.target, self.reason = target, reason
        super().__init__(f"{target} could not be reached: {reason} Check the address, or try again later.")


class TargetTooSlow(RequestFailed):
    """The other machine did not answer within the time."""

    code = "TARGET_TOO_SLOW"

    def __init__(self, target: str, *, seconds: float) -> None:
        self.target, self.seconds = target, seconds
        super().__init__(f"{target} did not answer within {seconds:g} seconds. Try again later.")


class ReplyTooLarge(RequestFailed):
    """The other machine answered with more than is taken; ``status`` is what it said before."""

    code = "REPLY_TOO_LARGE"

    def __init__(self, target: str, *, limit_bytes: int, status: int) -> None:
        self.target, self.limit_bytes, self.status = target, limit_bytes, status
        super().__init__(f"{target} answered with more than {limit_bytes} bytes. Ask it for less.")


class ReplyUnreadable(RequestFailed):
    """The other machine's answer is not in a form that can be read."""

    code = "REPLY_UNREADABLE"

    def __init__(self, target: str, reason: str) -> None:
        self.target, self.reason = target, reason
        super().__init__(f"The answer of {target} cannot be read: {reason} Ask whoever runs it.")


class TooManyRedirects(RequestFailed):
    """An address redirects more often than is followed."""

    code = "TOO_MANY_REDIRECTS"

    def __init__(self, target: str, followed: int) -> None:
        self.target, self.followed = target, followed
        super().__init__(f"{target} redirects more than {followed} times. Give the address at which it ends.")
