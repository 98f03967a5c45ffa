"""Turn the texts of a file into touchpoints, column by column; pure, and by the same rules as for single ones.

What may go with what (type, channel, sign of the amount, currency, payload) is put to ``checked_draft``, once for each
combination that the file has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Dialect
from uuid_utils import uuid7

from regulars.customers.identities import Identity
from regulars.errors import ExpectedError, InvalidInput
from regulars.ingest.memory import Fault, Judged, without_faults
from regulars.ingest.records import Chunk, Rejection
from regulars.ingest.staging import Packed, encoders_of, packed
from regulars.ingest.touchpoint_cells import CustomerName, TouchpointCells
from regulars.ingest.touchpoint_tables import STAGED
from regulars.touchpoints.drafts import TouchpointDraft, checked_draft
from regulars.touchpoints.types import TouchpointTypes

__all__ = ["TouchpointBatch", "TouchpointReader"]

SOME_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
SOMEBODY = UUID(int=0)
MOST_COMBINATIONS = 1_000
REPEATED = ("name_kind", "name_source", "type", "channel", "currency", "source")
JUDGED = ("name", "moment", "amount", "cost", "source", "key")

_Combination = tuple[str, str | None, int | None, str | None, int | None, str]


@dataclass(frozen=True)
class TouchpointBatch:
    """The touchpoints of a chunk: rows for the staging table, and what was rejected so far.

    ``names`` are by the index of the row in the chunk: identities, ids or both.
    """

    chunk: Chunk
    rows: Packed
    names: Mapping[int, CustomerName]
    rejections: Sequence[Rejection]
    has_names: bool = False
    has_ids: bool = False


class TouchpointReader:
    """Reads the touchpoints of one file; the arguments are those of ``TouchpointCells``, and the known types."""

    def __init__(self, *, file_hash: str, types: TouchpointTypes, zone: ZoneInfo | None, dialect: Dialect) -> None:
        encoders = encoders_of(STAGED, dialect)
        self._types, self._encoders, self._dialect = types, encoders, dialect
        self._cells = TouchpointCells(file_hash=file_hash, zone=zone, encoders=encoders)
        self._texts = {name: Judged(encoders[name], most=MOST_COMBINATIONS) for name in REPEATED}
        self._payloads = Judged(self._stored_payload, most=MOST_COMBINATIONS)

    def read(self, chunk: Chunk, *, now: datetime) -> TouchpointBatch:
        """Return the touchpoints of a chunk that is received ``now``."""
        if not chunk.rows:
            return TouchpointBatch(chunk, iter(()), {}, chunk.malformed)
        columns, faults = without_faults(self._columns(chunk, now), JUDGED)
        columns["payload"] = self._payloads.each(_combinations(columns))
        possible, impossible = without_faults(columns, ["payload"])
        for index in impossible:
            faults[columns["place"][index]] = self._reason_against(columns, index)
        return TouchpointBatch(
            chunk,
            self._rows(possible),
            dict(zip(possible["place"], possible["name"], strict=True)),
            [*chunk.malformed, *(chunk.rejection(place, error) for place, error in faults.items())],
            has_names=any(isinstance(name, Identity) for name in possible["name"]),
            has_ids=any(isinstance(name, UUID) for name in possible["name"]),
        )

    def _columns(self, chunk: Chunk, now: datetime) -> dict[str, Sequence[Any]]:
        texts, cells = chunk.columns(), self._cells
        absent = [""] * len(chunk.rows)
        return {
            "place": range(len(chunk.rows)),
            "name": cells.names(texts),
            "type": texts["type"],
            "channel": [text or None for text in texts.get("channel", absent)],
            "moment": cells.moments(texts["occurred_at"], now=now),
            "amount": cells.money("amount", texts.get("amount", absent)),
            "currency": [text or None for text in texts.get("currency", absent)],
            "cost": cells.money("cost", texts.get("cost", absent)),
            "source": cells.sources(texts["source"]),
            "key": cells.external_ids(texts.get("external_id", absent), chunk.lines),
            "payload_text": texts.get("payload", absent),
        }

    def _rows(self, columns: Mapping[str, Sequence[Any]]) -> Packed:
        if not (size := len(columns["place"])):
            return packed(iter(()), self._dialect)
        kinds, sources, names, ids = zip(*map(_named, columns["name"]), strict=True)
        rows = zip(
            map(self._encoders["place"], columns["place"]),
            self._new_ids(size),
            self._new_ids(size),
            self._texts["name_kind"].each(kinds),
            self._texts["name_source"].each(sources),
            map(self._encoders["name"], names),
            map(self._encoders["asked_id"], ids),
            self._texts["type"].each(columns["type"]),
            self._texts["channel"].each(columns["channel"]),
            columns["moment"],
            [amount.stored for amount in columns["amount"]],
            self._texts["currency"].each(columns["currency"]),
            [cost.stored for cost in columns["cost"]],
            self._texts["source"].each(columns["source"]),
            map(self._encoders["external_id"], columns["key"]),
            columns["payload"],
            strict=True,
        )
        return packed(rows, self._dialect)

    def _new_ids(self, count: int) -> Iterator[Any]:
        encode = self._encoders["id"]
        return (encode(uuid7()) for _ in range(count))

    def _stored_payload(self, together: _Combination) -> Any:
        type, channel, amount, currency, cost, text = together
        draft = _draft(type, channel, amount, currency, cost, text)
        return self._encoders["payload"](checked_draft(draft, types=self._types, now=SOME_MOMENT).payload)

    def _reason_against(self, columns: Mapping[str, Sequence[Any]], index: int) -> ExpectedError:
        """Return what is wrong with a combination, told with the row's own amounts."""
        given = {name: column[index] for name, column in columns.items()}
        amounts = given["amount"].value, given["currency"], given["cost"].value
        try:
            draft = _draft(given["type"], given["channel"], *amounts, given["payload_text"])
            checked_draft(draft, types=self._types, now=SOME_MOMENT)
        except ExpectedError as error:
            return error.with_traceback(None)
        fault: Fault = given["payload"]
        return fault.error


def _named(name: CustomerName) -> tuple[str | None, str | None, str | None, UUID | None]:
    if isinstance(name, UUID):
        return None, None, None, name
    return name.kind, name.source, name.normalised, None


def _combinations(columns: Mapping[str, Sequence[Any]]) -> list[_Combination]:
    return list(
        zip(
            columns["type"],
            columns["channel"],
            [amount.sign for amount in columns["amount"]],
            columns["currency"],
            [cost.sign for cost in columns["cost"]],
            columns["payload_text"],
            strict=True,
        )
    )


def _draft(
    type: str,
    channel: str | None,
    amount: Decimal | int | None,
    currency: str | None,
    cost: Decimal | int | None,
    payload: str,
) -> TouchpointDraft:
    return TouchpointDraft(
        customer_id=SOMEBODY,
        type=type,
        occurred_at=SOME_MOMENT,
        source="file",
        channel=channel,
        amount=None if amount is None else Decimal(amount),
        currency=currency,
        cost=None if cost is None else Decimal(cost),
        payload=_json_object(payload) if payload else None,
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The payload is no JSON: {error}.", path=("payload",)) from error
    if not isinstance(value, dict):
        raise InvalidInput("The payload is no JSON object, such as {}.", path=("payload",))
    return value
