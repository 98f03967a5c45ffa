"""The statements by which the staged touchpoints of a chunk find their customers and their place."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Select,
    String,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.customers.finding import counts_today_as
from regulars.customers.models import Customer, CustomerIdentity
from regulars.events.models import Event
from regulars.ingest.touchpoint_tables import FOUND, STAGED
from regulars.tables import UtcDateTime
from regulars.touchpoints.models import Touchpoint

__all__ = [
    "claimants",
    "find_by_id",
    "find_by_name",
    "forget_repeated",
    "forget_taken",
    "hold_customers",
    "insert_events",
    "insert_touchpoints",
    "lost",
    "repeated",
    "taken",
]

_FOUND_COLUMNS = ("place", "customer_id", "profile_id")
_TOLD = ("type", "channel", "occurred_at", "amount", "currency", "cost", "payload")


def find_by_name() -> Insert:
    """Find the verified owner of each name, else the one customer who claims it."""
    identity, other = aliased(CustomerIdentity), aliased(CustomerIdentity)
    counts_more = or_(
        col(other.verified_at).is_not(None),
        col(other.customer_id) != identity.customer_id,
        col(other.id) < identity.id,  # a merge may have brought the same name twice
    )
    is_doubtful = exists().where(_has_name(other, identity), counts_more)
    names = (
        select(STAGED.c.place, col(identity.customer_id), col(identity.profile_id))
        .join(identity, _has_staged_name(identity))
        # Not a join: SQLite would begin with all customers who are part of no other.
        .where(exists().where(col(Customer.id) == identity.customer_id, _is_there()))
        .where(or_(col(identity.verified_at).is_not(None), ~is_doubtful))
    )
    return insert(FOUND).from_select(_FOUND_COLUMNS, names)


def find_by_id() -> Insert:
    """Find as whom each id counts today."""
    asked = aliased(Customer)
    ids = (
        select(STAGED.c.place, col(Customer.id), col(asked.id))
        .join(asked, col(asked.id) == STAGED.c.asked_id)
        .join(Customer, col(Customer.id) == counts_today_as(asked))
        .where(_is_there())
    )
    return insert(FOUND).from_select(_FOUND_COLUMNS, ids)


def hold_customers() -> Select[int]:
    """Keep every customer who was found from being merged or erased, and count the rows whose customer just was.

    In the order of their ids, as whoever writes about customers does.
    """
    held = (
        select(col(Customer.id))
        .where(col(Customer.id).in_(select(FOUND.c.customer_id)), _is_there())
        .order_by(col(Customer.id))
        .with_for_update(read=True, key_share=True)
        .cte("held")
    )
    return select(func.count()).select_from(FOUND).where(FOUND.c.customer_id.not_in(select(held.c.id)))


def lost() -> Select[int]:
    """Return the rows whose customer was not found."""
    return select(STAGED.c.place).where(~exists().where(FOUND.c.place == STAGED.c.place)).order_by(STAGED.c.place)


def claimants() -> Select[int, UUID]:
    """Return who claims the names of the rows whose customer was not found."""
    return (
        select(STAGED.c.place, col(CustomerIdentity.customer_id))
        .join(CustomerIdentity, _has_staged_name(CustomerIdentity))
        .where(~exists().where(FOUND.c.place == STAGED.c.place))
        .distinct()
        .order_by(STAGED.c.place, col(CustomerIdentity.customer_id))
    )


def taken() -> "Select[Touchpoint, *tuple[Any, ...]]":
    """Return the touchpoints that stand there already under the keys of rows, and what those rows tell."""
    return (
        select(Touchpoint, STAGED.c.place, FOUND.c.customer_id, *(STAGED.c[name] for name in _TOLD))
        .join(STAGED, _has_key_of(Touchpoint))
        .join(FOUND, FOUND.c.place == STAGED.c.place)
        .order_by(STAGED.c.place)
    )


def forget_taken() -> Delete:
    """Leave out the rows whose key stands there already."""
    keys = select(STAGED.c.place).join(Touchpoint, _has_key_of(Touchpoint))
    return delete(FOUND).where(FOUND.c.place.in_(keys))


def repeated() -> "Select[*tuple[Any, ...]]":
    """Return the rows that have their key in common with another row, in their order."""
    rows = (
        select(
            STAGED.c.place,
            STAGED.c.id,
            FOUND.c.customer_id,
            STAGED.c.source,
            STAGED.c.external_id,
            *(STAGED.c[name] for name in _TOLD),
            func.count().over(partition_by=(STAGED.c.source, STAGED.c.external_id)).label("of_one_key"),
        )
        .join(FOUND, FOUND.c.place == STAGED.c.place)
        .subquery()
    )
    return select(rows).where(rows.c.of_one_key > 1).order_by(rows.c.place)


def forget_repeated() -> Delete:
    """Leave out all but the first row of each key."""
    number = func.row_number().over(partition_by=(STAGED.c.source, STAGED.c.external_id), order_by=STAGED.c.place)
    rows = select(STAGED.c.place, number.label("number")).join(FOUND, FOUND.c.place == STAGED.c.place).subquery()
    return delete(FOUND).where(FOUND.c.place.in_(select(rows.c.place).where(rows.c.number > 1)))


def insert_touchpoints(*, now: datetime) -> Insert:
    """Write the rows that are left, as received ``now``."""
    copied = ("id", *_TOLD, "source", "external_id")
    columns = (*copied, "customer_id", "profile_id", "received_at")
    rows = (
        select(
            *(STAGED.c[name] for name in copied),
            FOUND.c.customer_id,
            FOUND.c.profile_id,
            literal(now, UtcDateTime()),
        )
        .join(FOUND, FOUND.c.place == STAGED.c.place)
        .order_by(STAGED.c.place)
    )
    return insert(Touchpoint).from_select(columns, rows, include_defaults=False)


def insert_events(dialect: str, *, actor: str, now: datetime) -> Insert:
    """Tell of each row that was written, as ``record_touchpoints`` tells of one."""
    build = func.jsonb_build_object if dialect == "postgresql" else func.json_object
    data = build("touchpointId", _shown(STAGED.c.id, dialect), "type", STAGED.c.type)
    moment = literal(now, UtcDateTime())
    columns = ("id", "type", "subject", "actor", "data", "occurred_at", "recorded_at")
    rows = (
        select(
            STAGED.c.event_id,
            literal("touchpoint.recorded"),
            literal("customer:") + _shown(FOUND.c.customer_id, dialect),
            literal(actor),
            data,
            moment,
            moment,
        )
        .join(FOUND, FOUND.c.place == STAGED.c.place)
        .order_by(STAGED.c.place)
    )
    return insert(Event).from_select(columns, rows, include_defaults=False)


def _is_there() -> ColumnElement[bool]:
    return (
        col(Customer.merged_into_id).is_(None) & col(Customer.deleted_at).is_(None) & (col(Customer.status) != "erased")
    )


def _has_staged_name(identity: type[CustomerIdentity]) -> ColumnElement[bool]:
    return (
        (col(identity.normalised) == STAGED.c.name)
        & (col(identity.kind) == STAGED.c.name_kind)
        & (col(identity.source) == STAGED.c.name_source)
        & col(identity.retired_at).is_(None)
    )


def _has_name(other: type[CustomerIdentity], identity: type[CustomerIdentity]) -> ColumnElement[bool]:
    return (
        (col(other.normalised) == identity.normalised)
        & (col(other.kind) == identity.kind)
        & (col(other.source) == identity.source)
        & col(other.retired_at).is_(None)
    )


def _has_key_of(touchpoint: type[Touchpoint]) -> ColumnElement[bool]:
    return (col(touchpoint.source) == STAGED.c.source) & (col(touchpoint.external_id) == STAGED.c.external_id)


def _shown(id: ColumnElement[UUID], dialect: str) -> ColumnElement[str]:
    """Return an id as people see it; SQLite keeps it without its hyphens."""
    text = cast(id, String)
    if dialect == "postgresql":
        return text
    shown: ColumnElement[str] = func.substr(text, 1, 8)
    for begin, length in ((9, 4), (13, 4), (17, 4), (21, 12)):
        shown = shown + literal("-") + func.substr(text, begin, length)
    return shown
