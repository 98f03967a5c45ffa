"""Read the touchpoint that an event means out of its properties; pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import BaseModel

from regulars.checks import WHOLE_DIGITS, check_amount
from regulars.errors import InvalidInput
from regulars.tables import AMOUNT_SCALE
from regulars.touchpoints.drafts import TouchpointDraft
from regulars.touchpoints.types import TouchpointType, TouchpointTypes
from regulars.tracking.meanings import FieldSource, Meaning, PartMissing, entries_of, wants_text
from regulars.tracking.messages import part_of

__all__ = ["translated"]

AMOUNT = "amount"


def translated(
    draft: TouchpointDraft, *, body: Mapping[str, Any], meaning: Meaning, types: TouchpointTypes
) -> TouchpointDraft:
    """Return the touchpoint that a `track` means; ``draft`` is the one that it is where nobody said what it means.

    Where the type's amounts are negative, amounts are written so whichever sign they came with. Numbers are kept to
    four digits after the point. Raises ``UnknownValue`` for a type that no plugin has any more, ``PartMissing`` for an
    amount or a name that did not come, and ``InvalidInput`` for what came in another shape.
    """
    kind = types.type_named(meaning.type)
    properties = part_of(body, "properties")
    currency = _text(properties, meaning.currency_property)
    return TouchpointDraft(
        customer_id=draft.customer_id,
        type=kind.name,
        occurred_at=draft.occurred_at,
        source=draft.source,
        channel=_text(properties, meaning.channel_property) or meaning.channel or draft.channel,
        amount=_amount(kind, properties, meaning.amount_properties),
        currency=meaning.currency if currency is None else currency.upper(),
        external_id=_external_id(properties, meaning.external_id_property) or draft.external_id,
        payload=_payload(kind, properties, meaning.fields),
    )


def _amount(kind: TouchpointType, properties: Mapping[str, Any], names: Sequence[str]) -> Decimal | None:
    if not names:
        return None
    name = next((name for name in names if _found(properties, name) is not None), None)
    if name is None:
        raise PartMissing(
            f"This event has no amount: none of its properties is {' or '.join(names)}.", path=_path(names[0])
        )
    return _signed(kind, _number(_found(properties, name), name))


def _external_id(properties: Mapping[str, Any], name: str | None) -> str | None:
    if name is None:
        return None
    id = _text(properties, name)
    if id is None:
        raise PartMissing(f"This event has no {name}, which names it.", path=_path(name))
    return id


def _payload(kind: TouchpointType, properties: Mapping[str, Any], fields: Sequence[FieldSource]) -> dict[str, Any]:
    own = [one for one in fields if "." not in one.field]
    payload: dict[str, Any] = {}
    for one in own:
        entry = entries_of(kind.payload.model_fields[one.field])
        if entry is None:
            payload |= _value(kind, kind.payload, one.field, one, properties)
            continue
        inside = {inner.field.partition(".")[2]: inner for inner in fields if inner.field.startswith(f"{one.field}.")}
        payload[one.field] = [
            {
                key: value
                for name, inner in inside.items()
                for key, value in _value(kind, entry, name, inner, part).items()
            }
            for part in _parts(properties, one.property)
        ]
    return payload


def _value(
    kind: TouchpointType, model: type[BaseModel], name: str, source: FieldSource, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the field with its value; nothing where its property did not come."""
    found = _found(properties, source.property)
    if found is None:
        return {}
    if source.times is not None or name == AMOUNT:
        factor = None if source.times is None else _found(properties, source.times)
        number = _number(found, source.property)
        if factor is not None:  # a missing quantity is one
            number = _rounded(number * _number(factor, source.times or ""), source.property)
        return {name: _signed(kind, number) if name == AMOUNT else number}
    if wants_text(model.model_fields[name]) and _is_number(found):
        return {name: str(found)}
    return {name: round(found, AMOUNT_SCALE) if isinstance(found, float) else found}


def _parts(properties: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = _found(properties, name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidInput(f"{name} is no list of objects.", path=_path(name))
    return found


def _found(properties: Mapping[str, Any], name: str) -> Any:
    """Return what stands under a name, whose dots lead into objects; None where nothing does."""
    found: Any = properties
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found == "" else found


def _text(properties: Mapping[str, Any], name: str | None) -> str | None:
    found = None if name is None else _found(properties, name)
    if found is None or name is None:
        return None
    if not isinstance(found, str) and not _is_number(found):
        raise InvalidInput(f"{name} is no text.", path=_path(name))
    return str(found).strip() or None


def _number(found: Any, name: str) -> Decimal:
    try:
        if not isinstance(found, str) and not _is_number(found):
            raise InvalidOperation
        number = Decimal(str(found).strip())
    except InvalidOperation as error:
        raise InvalidInput(f"{name} is no number, such as 19.9 or '19.90'.", path=_path(name)) from error
    return _rounded(number, name)


def _rounded(number: Decimal, name: str) -> Decimal:
    can_be = number.is_finite() and number.adjusted() < WHOLE_DIGITS
    return check_amount(round(number, AMOUNT_SCALE) if can_be else number, path=_path(name))


def _signed(kind: TouchpointType, number: Decimal) -> Decimal:
    return -abs(number) if kind.amount == "negative" else number


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _path(name: str) -> tuple[str, ...]:
    return ("properties", *name.split("."))
