"""Read the settings, and say in a line which of them is wrong."""

from typing import Any

from pydantic import ValidationError

from regulars.errors import ConfigurationError
from regulars.settings import Settings

__all__ = ["SettingsRefused", "read_settings"]


class SettingsRefused(ConfigurationError):
    """The environment sets something to a value that it cannot have."""

    code = "SETTINGS_REFUSED"

    def __init__(self, refused: ValidationError) -> None:
        problems = [
            f"REGULARS_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in refused.errors(include_url=False, include_input=False)
        ]
        super().__init__(" ".join(problem if problem.endswith(".") else f"{problem}." for problem in problems))


def read_settings(**given: object) -> Settings:
    """Return the settings of the environment; what is ``given`` and not None outranks them.

    Raises ``SettingsRefused`` naming each variable that is wrong.
    """
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**chosen)
    except ValidationError as error:
        raise SettingsRefused(error) from None
