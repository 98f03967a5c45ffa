"""Make input types whose fields are known only when the plugins are: a class for each schema, never a changed one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Optional
from uuid import UUID

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.field import StrawberryField

from regulars.fields.scalars import format_moment

__all__ = ["InputField", "InputTypes", "plain_input"]


def plain_input(value: Any) -> Any:
    """Return an input as JSON, under its GraphQL names, without what the client left out."""
    definition = get_object_definition(type(value))
    if definition is not None:
        members = ((field, getattr(value, field.python_name)) for field in definition.fields)
        return {
            field.graphql_name or field.python_name: plain_input(member)
            for field, member in members
            if member is not strawberry.UNSET
        }
    if isinstance(value, list):
        return [plain_input(each) for each in value]
    if isinstance(value, datetime):
        return format_moment(value)
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Decimal | UUID) else value


@dataclass(frozen=True)
class InputField:
    """A field of an input type; ``type`` is a Python type, or text that may name a type made later."""

    name: str
    type: Any
    description: str
    is_required: bool = False


class _Composed:
    """An input: a member has the value that was given, or that of its class, which says that none was."""

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)


class InputTypes:
    """Makes the input types of one schema; they may refer to one another by name, before they exist."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"Optional": Optional, "List": list}
        self._annotations: dict[Any, StrawberryAnnotation] = {}

    def make(self, name: str, description: str, fields: Sequence[InputField]) -> type[Any]:
        """Return a new input type."""
        members = [
            StrawberryField(
                python_name=f"field_{number}",
                graphql_name=field.name,
                default=strawberry.UNSET,
                description=field.description,
            )
            for number, field in enumerate(fields)
        ]
        made: Any = type(name, (_Composed,), {member.python_name: strawberry.UNSET for member in members})
        # Not by `strawberry.input`: writing and compiling a dataclass for each is most of the time that inputs take.
        made.__strawberry_definition__ = StrawberryObjectDefinition(
            name=name,
            is_input=True,
            is_interface=False,
            origin=made,
            description=description,
            interfaces=[],
            extend=False,
            directives=(),
            is_type_of=None,
            resolve_type=None,
            fields=members,
        )
        for field, member in zip(fields, members, strict=True):  # now, since a definition looks at its members' types
            member.type_annotation = self._annotation(field)
        self._names[name] = made
        return made  # type: ignore[no-any-return]

    def __getitem__(self, name: str) -> type[Any]:
        """Return a type that was made."""
        made: type[Any] = self._names[name]
        return made

    def __contains__(self, name: str) -> bool:
        """Tell whether a type was made."""
        return name in self._names

    def _annotation(self, field: InputField) -> StrawberryAnnotation:
        """Return a field's type, the same for all that have it, so that strawberry looks it up once."""
        kind = field.type
        if not field.is_required:
            kind = f"Optional[{kind}]" if isinstance(kind, str) else Optional[kind]  # noqa: UP045
        if kind not in self._annotations:
            self._annotations[kind] = StrawberryAnnotation(kind, namespace=self._names)
        return self._annotations[kind]
