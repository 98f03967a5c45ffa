"""What a form of the page says, and what is wrong with it."""

from collections.abc import Mapping, Sequence

from regulars import ExpectedError

__all__ = ["Form", "WrongInput"]


class Form:
    """The fields of a form as they were sent, each with one value or several."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)

    def __getitem__(self, name: str) -> str:
        """Return the last value of a field; empty when it was not sent."""
        return next((value for field, value in reversed(self._pairs) if field == name), "")

    def __contains__(self, name: str) -> bool:
        """Tell whether the field was sent."""
        return any(field == name for field, _ in self._pairs)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return tuple(value for field, value in self._pairs if field == name)

    def starting(self, prefix: str) -> Mapping[str, str]:
        """Return the fields whose names begin so, by the rest of their names."""
        return {field.removeprefix(prefix): value for field, value in self._pairs if field.startswith(prefix)}


class WrongInput(ExpectedError):
    """A form holds something that cannot be kept; ``wrong`` maps fields to keys of the section's words."""

    code = "WRONG_INPUT"

    def __init__(self, wrong: Mapping[str, str]) -> None:
        self.wrong = dict(wrong)
        super().__init__(f"Look again at: {', '.join(self.wrong)}.")
