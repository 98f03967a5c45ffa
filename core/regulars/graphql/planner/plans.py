"""Plans: what became of an operation once it was compiled, kept for the next time it comes."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from regulars.graphql.planner.drafts import BatchPlace, Draft, Note, Refused
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.planner.parts import Part
from regulars.graphql.planner.statements import Compiled
from regulars.graphql.schema.composition import OwnedField

__all__ = ["Bounded", "Plan"]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

VARIANTS = 16
VARIANT_BYTES = 4 * 1024 * 1024


class Bounded(Generic[Key, Value]):
    """Keeps what was used last, bounded by number and by size; counts how often it had what was wanted."""

    def __init__(self, entries: int, size: int) -> None:
        self._entries, self._size = entries, size
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._held = 0
        self.hits = self.misses = 0

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def get(self, key: Key) -> Value | None:
        """Return what is kept under a key, or None."""
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return found[0]

    def keep(self, key: Key, value: Value, size: int) -> None:
        """Keep a value of this size in bytes, and let go of what was not used for longest."""
        replaced = self._kept.pop(key, None)
        self._held += size - (replaced[1] if replaced else 0)
        self._kept[key] = (value, size)
        while len(self._kept) > 1 and (len(self._kept) > self._entries or self._held > self._size):
            _, (_, freed) = self._kept.popitem(last=False)
            self._held -= freed


@dataclass
class Plan:
    """How one operation is answered for one set of permissions; ``obstacle`` tells why it is executed instead.

    ``suspects`` are plugins' fields with SQL of their own, by their paths, outer ones first. ``variants`` are its
    statements by the shapes of its parts: another page, another filter, another text.
    """

    parts: tuple[Part, ...] = ()
    refused: tuple[Refused, ...] = ()
    batches: tuple[BatchPlace, ...] = ()
    notes: tuple[Note, ...] = ()
    suspects: Mapping[str, OwnedField] = field(default_factory=dict)
    obstacle: NotPlanned | None = None
    variants: Bounded[tuple[Hashable, ...], Compiled] = field(default_factory=lambda: Bounded(VARIANTS, VARIANT_BYTES))

    @classmethod
    def of(cls, draft: Draft) -> "Plan":
        """Return the plan of a statement that was drafted."""
        return cls(
            tuple(draft.parts), tuple(draft.refused), tuple(draft.batches), tuple(draft.notes), dict(draft.suspects)
        )

    @property
    def is_finished_in_sql(self) -> bool:
        """Tell whether the statement's answer can be sent as it is."""
        return not self.refused and not self.batches
