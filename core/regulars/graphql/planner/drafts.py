"""What is written down while a statement is made: its parts, and what must be done with its answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from graphql import FieldNode, GraphQLField, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails

from regulars.errors import ExpectedError
from regulars.fields.declarations import Batch
from regulars.fields.kinds import Kind
from regulars.graphql.planner.parts import (
    Asked,
    LookupPart,
    NamedPart,
    PagePart,
    Part,
    Written,
    WrittenPage,
    WrittenRow,
)
from regulars.graphql.schema.composition import OwnedField

__all__ = ["BatchPlace", "Draft", "Note", "Place", "Refused", "Step"]


@dataclass(frozen=True)
class Step:
    """One step from an object of the answer to those inside it."""

    key: str
    is_list: bool = False


Place = tuple[Step, ...]
"""The way from the whole answer to all objects that stand in one place of the operation."""


@dataclass(frozen=True)
class Refused:
    """A field, by its place and its path in the schema, that is null, with the error that each of its objects gets."""

    place: Place
    key: str
    path: str
    error: ExpectedError
    nodes: Sequence[FieldNode]


@dataclass(frozen=True)
class BatchPlace:
    """A batch field of objects of ``kind`` in one place.

    ``required`` tells which columns its slots hold, and of which kinds those are.
    """

    place: Place
    key: str
    owned: OwnedField
    declared: Batch
    kind: GraphQLObjectType
    details: list[FieldDetails]
    required: tuple[tuple[str, Kind], ...]

    @property
    def definition(self) -> GraphQLField:
        """Return the field as the schema has it."""
        definition: GraphQLField = self.kind.fields[self.owned.name]
        return definition


@dataclass(frozen=True)
class Note:
    """How one selected field is obtained, for those who ask: its place, owner and kind."""

    place: Place
    key: str
    path: str
    owner: str
    kind: str


@dataclass
class Draft:
    """A statement in the making; ``asked`` is the request that it is made for."""

    asked: Asked
    parts: list[Part] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    batches: list[BatchPlace] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    suspects: dict[str, OwnedField] = field(default_factory=dict)
    sources: int = 0

    def next_source(self) -> str:
        """Return a new name for rows."""
        self.sources += 1
        return f"r{self.sources}"

    def row(self, part: LookupPart | NamedPart) -> WrittenRow:
        """Write a part and keep it."""
        written = part.write(self.asked)
        self._keep(part, written)
        return written

    def page(self, part: PagePart) -> WrittenPage:
        """Write a part and keep it."""
        written = part.write(self.asked)
        self._keep(part, written)
        return written

    def _keep(self, part: Part, written: Written) -> None:
        self.parts.append(part)
        self.written.append(written)
