"""The statements by which the staged touchpoints of a chunk find their customers and their place."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Insert,
    Select,
    String,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.customers.finding import counts_today_as
from regulars.customers.models import Customer, CustomerIdentity
from regulars.events.models import Event
from regulars.ingest.touchpoint_tables import STAGED
from regulars.tables import UtcDateTime
from regulars.touchpoints.models import Touchpoint

__all__ = ["Whose", "claimants", "insert_events", "insert_touchpoints", "left_over", "unless_there", "whose"]

Whose = Select[int, UUID, UUID] | CompoundSelect[int, UUID, UUID]
"""Rows of place, customer and profile."""

_OF_IDENTITY = ("id", "customer_id", "profile_id", "kind", "source", "normalised", "verified_at")
_TOLD = ("type", "channel", "occurred_at", "amount", "currency", "cost", "payload")


def whose(*, by_name: bool, by_id: bool) -> Whose:
    """Return whose each staged row is: as the verified owner of its name, as the one who claims it, or by id."""
    if by_name and by_id:
        return union_all(_by_name(), _by_id())
    return _by_id() if by_id else _by_name()


def insert_touchpoints(found: Whose, dialect: str, *, now: datetime) -> Insert:
    """Write the rows that have a customer, as received ``now``; it fails where a key is taken."""
    held = _held(found) if dialect == "postgresql" else _there(found)
    copied = ("id", *_TOLD, "source", "external_id")
    rows = (
        select(*(STAGED.c[name] for name in copied), held.c.customer_id, held.c.profile_id, _moment(now))
        .join(held, held.c.place == STAGED.c.place)
        .where(STAGED.c.place.is_not(None))  # SQLite would take the ON of ON CONFLICT for a join's
        .order_by(STAGED.c.place)
    )
    write = postgresql.insert if dialect == "postgresql" else sqlite.insert
    columns = (*copied, "customer_id", "profile_id", "received_at")
    return write(Touchpoint).from_select(columns, rows, include_defaults=False)


def unless_there(inserting: Any) -> Insert:
    """Leave out the rows whose key is taken, by a row before them, too."""
    skipping: Insert = inserting.on_conflict_do_nothing(index_elements=["source", "external_id"])
    return skipping


def insert_events(dialect: str, *, actor: str, now: datetime) -> Insert:
    """Tell of each row that was written, as ``record_touchpoints`` tells of one."""
    build = func.jsonb_build_object if dialect == "postgresql" else func.json_object
    written = _written()
    rows = select(
        written.c.event_id,
        literal("touchpoint.recorded"),
        literal("customer:") + _shown(written.c.customer_id, dialect),
        literal(actor),
        build("touchpointId", _shown(written.c.id, dialect), "type", written.c.type),
        _moment(now),
        _moment(now),
    ).where(written.c.customer_id.is_not(None))
    columns = ("id", "type", "subject", "actor", "data", "occurred_at", "recorded_at")
    return insert(Event).from_select(columns, rows, include_defaults=False)


def left_over(found: Whose) -> "Select[*tuple[Any, ...]]":
    """Return the rows that were not written: what they tell, their customer, and the touchpoint that has their key."""
    there = _there(found)
    written = aliased(Touchpoint)
    return (
        select(Touchpoint, STAGED.c.place, there.c.customer_id, *(STAGED.c[name] for name in _TOLD))
        .select_from(STAGED)
        .outerjoin(there, there.c.place == STAGED.c.place)
        .outerjoin(
            Touchpoint,
            (col(Touchpoint.source) == STAGED.c.source) & (col(Touchpoint.external_id) == STAGED.c.external_id),
        )
        .where(~exists().where(col(written.id) == STAGED.c.id))
        .order_by(STAGED.c.place)
    )


def claimants() -> Select[int, UUID]:
    """Return who claims the names of the rows that were not written."""
    written = aliased(Touchpoint)
    return (
        select(STAGED.c.place, col(CustomerIdentity.customer_id))
        .join(CustomerIdentity, _has_staged_name(CustomerIdentity))
        .where(~exists().where(col(written.id) == STAGED.c.id))
        .distinct()
        .order_by(STAGED.c.place, col(CustomerIdentity.customer_id))
    )


def _by_name() -> Select[int, UUID, UUID]:
    identity, other = aliased(CustomerIdentity), aliased(CustomerIdentity)
    named = (
        select(
            STAGED.c.place,
            *(getattr(identity, name).label(name) for name in _OF_IDENTITY),
            func.count().over(partition_by=STAGED.c.place).label("holders"),
        )
        .join(identity, _has_staged_name(identity))
        .subquery()
    )
    counts_more = or_(
        col(other.verified_at).is_not(None),
        col(other.customer_id) != named.c.customer_id,
        col(other.id) < named.c.id,  # a merge may have brought the same name twice
    )
    is_doubtful = exists().where(
        col(other.normalised) == named.c.normalised,
        col(other.kind) == named.c.kind,
        col(other.source) == named.c.source,
        col(other.retired_at).is_(None),
        counts_more,
    )
    # Most names have one holder, and only the others are looked up once more.
    return select(named.c.place, named.c.customer_id, named.c.profile_id).where(
        or_(named.c.holders == 1, named.c.verified_at.is_not(None), ~is_doubtful)
    )


def _by_id() -> Select[int, UUID, UUID]:
    asked = aliased(Customer)
    return select(STAGED.c.place, counts_today_as(asked).label("customer_id"), col(asked.id).label("profile_id")).join(
        asked, col(asked.id) == STAGED.c.asked_id
    )


def _there(found: Whose) -> Any:
    """Return whose the rows are, of customers who are there."""
    named = found.subquery()
    # Not a join: SQLite would begin with all customers who are part of no other.
    is_there = exists().where(col(Customer.id) == named.c.customer_id, _is_there())
    return select(named.c.place, named.c.customer_id, named.c.profile_id).where(is_there).subquery()


def _held(found: Whose) -> Any:
    """Return whose the rows are, of customers who are there and are kept from being merged or erased.

    They are held in the order of their ids, as by whoever writes about customers. Each step is taken by itself: where
    PostgreSQL knows nothing of the staged rows, it would begin with all customers.
    """
    named = found.cte("named").prefix_with("MATERIALIZED")
    return (
        select(named.c.place, col(Customer.id).label("customer_id"), named.c.profile_id)
        .join(Customer, col(Customer.id) == named.c.customer_id)
        .where(_is_there())
        .order_by(col(Customer.id))
        .with_for_update(of=Customer, read=True, key_share=True)
        .cte("held")
        .prefix_with("MATERIALIZED")
    )


def _written() -> Any:
    """Return the staged rows with the customers of their touchpoints, none for those that were not written.

    Each is looked up by its id. A join would be one of many rows with all touchpoints, which PostgreSQL likes to read
    from the first to the last.
    """
    whose_it_is = select(col(Touchpoint.customer_id)).where(col(Touchpoint.id) == STAGED.c.id).scalar_subquery()
    columns = (STAGED.c.id, STAGED.c.event_id, STAGED.c.type, whose_it_is.label("customer_id"))
    return select(*columns).cte("written").prefix_with("MATERIALIZED")


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


def _moment(now: datetime) -> ColumnElement[datetime]:
    return literal(now, UtcDateTime())


def _shown(id: ColumnElement[UUID], dialect: str) -> ColumnElement[str]:
    """Return an id as people see it; SQLite keeps it without its hyphens."""
    text = cast(id, String)
    if dialect == "postgresql":
        return text
    shown: ColumnElement[str] = func.substr(text, 1, 8)
    for begin, length in ((9, 4), (13, 4), (17, 4), (21, 12)):
        shown = shown + literal("-") + func.substr(text, begin, length)
    return shown
