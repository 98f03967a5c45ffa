"""Make strawberry's types quickly: what a class says is looked up once, and its methods are written when needed.

`strawberry.type` looks up the type of each member twice, and lets Python compile three methods for each class. This
takes the same steps without that, a tenth of a start less; what strawberry checks, it checks.
"""

import sys
from inspect import get_annotations
from typing import Any, TypeVar

from strawberry.annotation import StrawberryAnnotation
from strawberry.types import object_type as steps
from strawberry.types.field import StrawberryField

from regulars.late_methods import dataclass

__all__ = ["strawberry_type"]

Class = TypeVar("Class", bound=type[Any])


def strawberry_type(cls: Class, name: str | None, description: str, *, is_input: bool = False) -> Class:
    """Make a class what `strawberry.type`, or `strawberry.input`, would make of it."""
    given = {
        member: field.type_annotation.annotation
        for member, field in vars(cls).items()
        if isinstance(field, StrawberryField) and field.type_annotation and member in get_annotations(cls)
    }
    if is_input:
        steps._inject_default_for_maybe_annotations(cls, get_annotations(cls))
    annotated = steps._process_annotated_fields(cls)
    only_resolved = steps._check_field_annotations(cls)
    told = cls.__annotations__
    names = sys.modules[cls.__module__].__dict__
    cls.__annotations__ = {member: _of_module(vars(cls).get(member), kind, names) for member, kind in told.items()}
    made: Any = dataclass(kw_only=True)(cls)
    made.__annotations__ = {member: kind for member, kind in told.items() if member not in only_resolved}
    for member, annotation in annotated.items():
        made.__dataclass_fields__[member].type_annotation = annotation
    done: Class = steps._process_type(
        made, name=name, description=description, is_input=is_input, original_type_annotations=given
    )
    return done


def _of_module(field: object, kind: object, names: dict[str, Any]) -> object:
    """Return the type of a member with the names that its module knows, so that strawberry need not look again."""
    if isinstance(field, StrawberryField) and not isinstance(kind, StrawberryAnnotation):
        return StrawberryAnnotation(kind, namespace=names)
    return kind
