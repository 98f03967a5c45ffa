"""Say what an event of a site or app means: which touchpoint it is, and in which properties its parts come; pure."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from regulars.checks import check_text
from regulars.currencies import check_currency
from regulars.errors import InvalidInput, OutOfRange, UnknownValue
from regulars.touchpoints.types import TouchpointType, TouchpointTypes

__all__ = ["FieldSource", "Meaning", "PartMissing", "checked_meaning", "entries_of", "wants_text"]

MOST_FIELDS = 50
MOST_AMOUNTS = 5


@dataclass(frozen=True)
class FieldSource:
    """From which property a field of a payload comes; with ``times`` it is multiplied by another property.

    ``lines.product`` is a field of each entry of ``lines``, and its property one of each entry of the list that
    ``lines`` comes from. Properties inside others are joined by dots.
    """

    field: str
    property: str
    times: str | None = None


@dataclass(frozen=True)
class Meaning:
    """What an event of a source means; the parts are those of ``MappedEvent``."""

    source: str
    event: str
    type: str
    amount_properties: Sequence[str] = ()
    currency_property: str | None = None
    currency: str | None = None
    channel_property: str | None = None
    channel: str | None = None
    external_id_property: str | None = None
    fields: Sequence[FieldSource] = ()


class PartMissing(InvalidInput):
    """An event cannot mean a touchpoint while something is left out that every touchpoint of the type has."""

    code = "REQUIRED"


def checked_meaning(meaning: Meaning, *, types: TouchpointTypes) -> Meaning:
    """Return the meaning in the form in which it is kept, its fields by their own names.

    Raises ``UnknownValue`` for a type, channel, currency or field that is not known, ``PartMissing`` for what every
    touchpoint of the type needs, and ``InvalidInput`` for what cannot be kept.
    """
    kind = types.type_named(meaning.type)
    check_text(meaning.event, path=("event",))
    _check_properties(meaning)
    if meaning.currency is not None:
        check_currency(meaning.currency, path=("currency",))
    if meaning.channel is not None:
        types.channel_named(meaning.channel)
    if kind.amount == "negative" and not meaning.amount_properties:
        raise PartMissing(
            f"A {kind.name} needs an amount. Name the property in which it comes.", path=("amountProperties",)
        )
    fields = _checked_fields(kind, meaning.fields)
    has_money = bool(meaning.amount_properties) or any(one.field.endswith(".amount") for one in fields)
    if has_money and meaning.currency_property is None and meaning.currency is None:
        raise PartMissing(
            "An amount needs a currency. Name its property, or the currency in which this source always counts.",
            path=("currencyProperty",),
        )
    return replace(meaning, amount_properties=tuple(dict.fromkeys(meaning.amount_properties)), fields=fields)


def entries_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return what the entries of a field look like; None for a field that is no list of objects."""
    annotation = field.annotation
    if get_origin(annotation) not in (list, tuple, Sequence):
        return None
    entry = get_args(annotation)[0]
    return entry if isinstance(entry, type) and issubclass(entry, BaseModel) else None


def wants_text(field: FieldInfo) -> bool:
    """Tell whether a field takes texts alone, so that a number sent for it is meant as one."""
    return _is_text(field.annotation)


def _is_text(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_text(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return all(_is_text(one) for one in get_args(annotation) if one is not types.NoneType)
    return annotation is str


def _check_properties(meaning: Meaning) -> None:
    if len(meaning.amount_properties) > MOST_AMOUNTS:
        raise OutOfRange(f"An amount is looked for in at most {MOST_AMOUNTS} properties.", path=("amountProperties",))
    if len(meaning.fields) > MOST_FIELDS:
        raise OutOfRange(f"At most {MOST_FIELDS} fields are read from an event.", path=("fields",))
    named = {
        "amountProperties": meaning.amount_properties,
        "currencyProperty": [meaning.currency_property],
        "channelProperty": [meaning.channel_property],
        "externalIdProperty": [meaning.external_id_property],
        "fields": [part for one in meaning.fields for part in (one.property, one.times)],
    }
    for name, properties in named.items():
        for property in properties:
            if property is not None:
                check_text(property, path=(name,))


def _checked_fields(kind: TouchpointType, given: Sequence[FieldSource]) -> tuple[FieldSource, ...]:
    known = _known_fields(kind.payload)
    fields: dict[str, FieldSource] = {}
    for one in given:
        if one.field not in known:
            raise UnknownValue(f"field of a {kind.name}", one.field, known, path=("fields",))
        name = known[one.field]
        if name in fields:
            raise InvalidInput(f"The field {name} is given twice. Name one property for it.", path=("fields",))
        fields[name] = replace(one, field=name)
    for name in fields:
        head, _, inner = name.rpartition(".")
        if inner and head and head not in fields:
            raise PartMissing(
                f"{name} is read from each of {head}: name the list that {head} comes from.", path=("fields",)
            )
    missing = [name for name in _needed_fields(kind.payload, fields) if name not in fields]
    if missing:
        raise PartMissing(
            f"A {kind.name} needs {', '.join(missing)}. Name the properties in which they come.", path=("fields",)
        )
    return tuple(fields[name] for name in sorted(fields))


def _known_fields(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """Return the own name of each field by every name that it has."""
    known: dict[str, str] = {}
    for name, field in model.model_fields.items():
        known |= {f"{prefix}{written}": f"{prefix}{name}" for written in (name, field.alias or name)}
        entry = None if prefix else entries_of(field)
        if entry is not None:
            known |= _known_fields(entry, f"{name}.")
    return known


def _needed_fields(model: type[BaseModel], fields: Mapping[str, FieldSource]) -> list[str]:
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    for name, field in model.model_fields.items():
        entry = entries_of(field)
        if entry is not None and name in fields:
            needed += [f"{name}.{inner}" for inner, inside in entry.model_fields.items() if inside.is_required()]
    return needed
