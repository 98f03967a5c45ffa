"""Names that the core and plugins add to open sets, each with its owner."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from regulars.errors import ConfigurationError

__all__ = ["NameTaken", "OwnedNames", "add_owned_names"]

OwnedNames = Mapping[str, str]
"""A set of names, each with the id of the plugin that brought it, or ``core``."""


class NameTaken(ConfigurationError):
    """Two owners brought the same name."""

    code = "NAME_TAKEN"

    def __init__(self, kind: str, name: str, owners: tuple[str, str]) -> None:
        self.kind, self.name, self.owners = kind, name, owners
        super().__init__(
            f"The {kind} {name!r} is defined by {owners[0]} and by {owners[1]}."
            f" Disable one of them, or give one of the two another name."
        )


def add_owned_names(kind: str, known: OwnedNames, names: Iterable[str], *, owner: str) -> OwnedNames:
    """Return ``known`` with the ``names`` of ``owner``; raise ``NameTaken`` naming both owners of a double."""
    together = dict(known)
    for name in names:
        if name in together:
            raise NameTaken(kind, name, (together[name], owner))
        together[name] = owner
    return MappingProxyType(together)
