"""Carry what must not be printed: in logs, messages and reports it shows its kind and nothing else."""

from dataclasses import dataclass, field

__all__ = ["Pii", "Secret"]


@dataclass(frozen=True, slots=True)
class Pii:
    """A personal value with its kind, such as ``email`` or ``name``; it prints as ``‹pii:email›``."""

    value: str = field(repr=False)
    kind: str = "text"

    def reveal(self) -> str:
        """Return the value, for whoever needs it and prints it nowhere."""
        return self.value

    def __str__(self) -> str:
        return f"‹pii:{self.kind}›"

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Secret:
    """A key or password; it prints as ``‹secret›``."""

    value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the value, for whoever needs it and prints it nowhere."""
        return self.value

    def __str__(self) -> str:
        return "‹secret›"

    __repr__ = __str__
