"""Dataclasses whose methods are written when one of them is first made.

Python writes the methods of every dataclass as text and compiles that. For the hundreds of a server it is a seventh of
the start, and three of four are first made after it, or never.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass"]


def _late(cls: type[Any], *, frozen: bool, kw_only: bool) -> type[Any]:
    own = {name for name, method in vars(cls).items() if method is not None}
    if "__init__" in own or (frozen and any(dataclasses.is_dataclass(each) for each in cls.__bases__)):
        return dataclasses.dataclass(frozen=frozen, kw_only=kw_only)(cls)
    dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
    cls.__dataclass_params__.frozen = frozen
    late = [name for name in ("__init__", "__repr__", "__eq__", "__hash__") if name not in own]
    methods: dict[str, Any] = {name: _writing(cls, name, late) for name in late}
    if frozen:
        methods |= {"__setattr__": _refuse_setting, "__delattr__": _refuse_deleting}
    elif "__hash__" in late:
        methods["__hash__"] = None  # Python asks the class whether there is one
    for name, method in methods.items():
        setattr(cls, name, method)
    return cls


def _writing(cls: type[Any], name: str, late: Sequence[str]) -> Callable[..., Any]:
    def write_first(self: Any, *given: Any, **named: Any) -> Any:
        # Those of a subclass, which has the same members, fit the class, and so it is never without any.
        likewise: Any = type(cls.__name__, (cls,), {"__qualname__": cls.__qualname__, "__doc__": cls.__doc__})
        written = vars(dataclasses.dataclass(frozen=cls.__dataclass_params__.frozen)(likewise))
        for each in late:
            setattr(cls, each, written[each])
        return written[name](self, *given, **named)

    return write_first


def _refuse_setting(_made: Any, name: str, _value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(_made: Any, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, kw_only=False, **others):
        """Make a class a dataclass, with its fields there at once; ``others`` among the options make it one as ever."""
        if others:
            return dataclasses.dataclass(cls, frozen=frozen, kw_only=kw_only, **others)
        if cls is None:
            return lambda each: _late(each, frozen=frozen, kw_only=kw_only)
        return _late(cls, frozen=frozen, kw_only=kw_only)
