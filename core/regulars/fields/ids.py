"""Global ids: opaque to clients, made of the type's name and the row's UUID."""

from uuid import UUID

from regulars.errors import InvalidInput

__all__ = ["global_id", "row_id"]


def global_id(type_name: str, id: UUID) -> str:
    """Return the id by which the API names a row, such as ``Customer_0192…``.

    Both databases can write it too: the type's name, an underscore, the UUID's 32 hexadecimal digits.
    """
    return f"{type_name}_{id.hex}"


def row_id(type_name: str, given: str) -> UUID:
    """Return the UUID behind a global id or behind a plain ``databaseId``.

    Raises ``InvalidInput`` when it is neither, or names another type.
    """
    name, _, digits = given.rpartition("_")
    if name and name != type_name:
        raise InvalidInput(f"{given!r} is the id of a {name}, not of a {type_name}.", path=("id",))
    try:
        return UUID(digits)
    except ValueError as error:
        raise InvalidInput(
            f"{given!r} is no id. Give the `id` or the `databaseId` of a {type_name}.", path=("id",)
        ) from error
