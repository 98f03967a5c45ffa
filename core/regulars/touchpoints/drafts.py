"""Check a touchpoint before it is written; pure, and told to the caller in full."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from regulars.checks import check_amount, check_json, check_moment, check_text
from regulars.currencies import check_currency
from regulars.errors import InvalidInput, OutOfRange
from regulars.tables import new_id
from regulars.touchpoints.types import TouchpointType, TouchpointTypes

__all__ = ["InvalidPayload", "TouchpointDraft", "checked_draft", "row_of"]

LARGEST_PAYLOAD_BYTES = 32 * 1024
LISTED_PROBLEMS = 3
DEEPEST_PLACE = 8
IN_WORDS = {
    "extra_forbidden": "there is no such field, leave it out",
    "missing": "it is missing, add it",
}
"""What to do next, where pydantic does not say so."""


@dataclass(frozen=True)
class TouchpointDraft:
    """A touchpoint that somebody wants recorded.

    ``customer_id`` may be of a customer who was merged since. ``external_id`` is the touchpoint's name in ``source``;
    with it, sending again is safe.
    """

    customer_id: UUID
    type: str
    occurred_at: datetime
    source: str
    channel: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    cost: Decimal | None = None
    external_id: str | None = None
    payload: Mapping[str, Any] | None = None


class InvalidPayload(InvalidInput):
    """A payload does not look as its type of touchpoint demands."""

    code = "INVALID"

    def __init__(self, type: str, problems: ValidationError) -> None:
        found = problems.errors(include_url=False, include_context=False, include_input=False)
        self.type, self.problems = type, found
        listed = "; ".join(
            f"{'.'.join(map(str, problem['loc'][:DEEPEST_PLACE])) or 'payload'}:"
            f" {IN_WORDS.get(problem['type'], problem['msg'])}"
            for problem in found[:LISTED_PROBLEMS]
        )
        more = f"; and {len(found) - LISTED_PROBLEMS} more" if len(found) > LISTED_PROBLEMS else ""
        super().__init__(
            f"The payload of this {type} cannot be kept. {listed}{more}.",
            path=("payload", *map(str, found[0]["loc"][:DEEPEST_PLACE])),
        )


def checked_draft(draft: TouchpointDraft, *, types: TouchpointTypes, now: datetime) -> TouchpointDraft:
    """Return the draft in the form in which it is kept.

    Raises ``UnknownValue`` for a type, channel or currency that is not known, ``OutOfRange`` for a time or an amount
    beyond what makes sense, and ``InvalidInput`` for everything else that cannot be kept.
    """
    kind = types.type_named(draft.type)
    payload = _checked_payload(kind, draft.payload)
    _check_money(draft, kind, payload)
    return TouchpointDraft(
        customer_id=draft.customer_id,
        type=kind.name,
        occurred_at=check_moment(draft.occurred_at, path=("occurredAt",), now=now),
        source=check_text(draft.source, path=("source",)),
        channel=None if draft.channel is None else types.channel_named(draft.channel),
        amount=draft.amount,
        currency=draft.currency,
        cost=draft.cost,
        external_id=None if draft.external_id is None else check_text(draft.external_id, path=("externalId",)),
        payload=payload,
    )


def row_of(draft: TouchpointDraft, *, customer_id: UUID, now: datetime) -> dict[str, Any]:
    """Return the row in which a checked draft is kept: in the timeline of ``customer_id``, as received ``now``."""
    return {
        "id": new_id(),
        "customer_id": customer_id,
        "profile_id": draft.customer_id,
        "type": draft.type,
        "channel": draft.channel,
        "occurred_at": draft.occurred_at,
        "received_at": now,
        "amount": draft.amount,
        "currency": draft.currency,
        "cost": draft.cost,
        "source": draft.source,
        "external_id": draft.external_id,
        "payload": draft.payload,
    }


def _checked_payload(kind: TouchpointType, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    try:
        model = kind.payload.model_validate(dict(given or {}))
    except ValidationError as error:
        raise InvalidPayload(kind.name, error) from error
    kept: dict[str, Any] = model.model_dump(mode="json", exclude_defaults=True)
    check_json(kept, path=("payload",), most_bytes=LARGEST_PAYLOAD_BYTES)
    return kept or None


def _check_money(draft: TouchpointDraft, kind: TouchpointType, payload: Mapping[str, Any] | None) -> None:
    if draft.amount is not None:
        check_amount(draft.amount, path=("amount",))
    if draft.cost is not None and check_amount(draft.cost, path=("cost",)) < 0:
        raise OutOfRange(f"The cost {draft.cost} is negative. Cost to serve is what was spent.", path=("cost",))
    if kind.amount == "negative" and (draft.amount is None or draft.amount >= 0):
        raise OutOfRange(f"A {kind.name} needs a negative amount: what the customer got back.", path=("amount",))
    if kind.amount == "not_negative" and draft.amount is not None and draft.amount < 0:
        raise OutOfRange(
            f"The amount {draft.amount} of this {kind.name} is negative. Record what was given back as a refund.",
            path=("amount",),
        )
    if draft.currency is not None:
        check_currency(draft.currency, path=("currency",))
    elif draft.amount is not None or draft.cost is not None or (payload and payload.get("lines")):
        raise InvalidInput("An amount needs a currency. Add its ISO 4217 code, such as EUR.", path=("currency",))
