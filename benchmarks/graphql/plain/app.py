"""Strawberry with the ORM, a data loader for each relation, its caches on, and orjson; nobody is asked who they are."""

import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson
import strawberry
from sqlalchemy import select, true, tuple_
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from plain import tables

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=10, max_overflow=0
)
Session = async_sessionmaker(engine, expire_on_commit=False)


@strawberry.type
class Money:
    amount: Decimal
    currency: str


def money(amount: Decimal | None, currency: str | None) -> Money | None:
    return None if amount is None or currency is None else Money(amount=amount, currency=currency)


@strawberry.type
class Touchpoint:
    id: strawberry.ID
    type: str
    channel: str | None
    occurred_at: datetime
    source: str
    external_id: str | None
    amount: Money | None


@strawberry.type
class Touchpoints:
    nodes: list[Touchpoint]


@strawberry.type
class Consent:
    purpose: str
    channel: str
    topic: str
    status: str
    since: datetime


@strawberry.type
class Clv:
    value: Money | None
    tier: str | None
    model_version: str
    as_of: datetime


@strawberry.type
class Identity:
    value: str


@strawberry.type
class Customer:
    database_id: UUID
    display_name: str | None
    language: str | None
    time_zone: str | None
    jurisdiction: str | None
    status: str
    created_at: datetime

    @strawberry.field
    async def touchpoints(self, info: strawberry.Info, first: int = 25) -> Touchpoints:
        return Touchpoints(nodes=await info.context["touchpoints"].load((self.database_id, first)))

    @strawberry.field
    async def consents(self, info: strawberry.Info) -> list[Consent]:
        found: list[Consent] = await info.context["consents"].load(self.database_id)
        return found

    @strawberry.field
    async def clv(self, info: strawberry.Info) -> Clv | None:
        found: list[Clv] = await info.context["clv"].load(self.database_id)
        return found[0] if found else None

    @strawberry.field
    async def identities(self, info: strawberry.Info) -> list[Identity]:
        found: list[Identity] = await info.context["identities"].load(self.database_id)
        return found


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge:
    cursor: str
    node: Customer


@strawberry.type
class Customers:
    edges: list[Edge]
    page_info: PageInfo


def shown_customer(row: tables.Customer) -> Customer:
    return Customer(
        database_id=row.id,
        display_name=row.display_name,
        language=row.language,
        time_zone=row.time_zone,
        jurisdiction=row.jurisdiction,
        status=row.status,
        created_at=row.created_at,
    )


def shown_touchpoint(row: tables.Touchpoint) -> Touchpoint:
    return Touchpoint(
        id=strawberry.ID(str(row.id)),
        type=row.type,
        channel=row.channel,
        occurred_at=row.occurred_at,
        source=row.source,
        external_id=row.external_id,
        amount=money(row.amount, row.currency),
    )


def shown_consent(row: tables.Consent) -> Consent:
    return Consent(purpose=row.purpose, channel=row.channel, topic=row.topic, status=row.status, since=row.since)


def shown_clv(row: tables.Clv) -> Clv:
    return Clv(value=money(row.value, row.currency), tier=row.tier, model_version=row.model_version, as_of=row.as_of)


async def load_touchpoints(keys: Sequence[tuple[UUID, int]]) -> list[list[Touchpoint]]:
    found: dict[tuple[UUID, int], list[Touchpoint]] = defaultdict(list)
    async with Session() as session:
        for first in {size for _, size in keys}:
            ids = [id for id, size in keys if size == first]
            wanted = select(tables.Customer.id).where(tables.Customer.id.in_(ids)).subquery()
            rows = (
                select(tables.Touchpoint)
                .where(tables.Touchpoint.customer_id == wanted.c.id)
                .order_by(tables.Touchpoint.occurred_at.desc(), tables.Touchpoint.id.desc())
                .limit(first)
                .lateral()
            )
            newest = aliased(tables.Touchpoint, rows)
            for row in await session.scalars(select(newest).select_from(wanted).join(rows, true())):
                found[row.customer_id, first].append(shown_touchpoint(row))
    return [found[key] for key in keys]


def loading(table: Any, shown: Callable[[Any], Any]) -> Callable[[list[UUID]], Awaitable[list[Any]]]:
    async def load(ids: list[UUID]) -> list[Any]:
        found: dict[UUID, list[Any]] = defaultdict(list)
        async with Session() as session:
            for row in await session.scalars(select(table).where(table.customer_id.in_(ids))):
                found[row.customer_id].append(shown(row))
        return [found[id] for id in ids]

    return load


load_consents = loading(tables.Consent, shown_consent)
load_clv = loading(tables.Clv, shown_clv)
load_identities = loading(tables.Identity, lambda row: Identity(value=row.value))


@strawberry.type
class Query:
    @strawberry.field
    async def customer(self, id: strawberry.ID) -> Customer | None:
        async with Session() as session:
            row = await session.get(tables.Customer, UUID(id))
        return None if row is None else shown_customer(row)

    @strawberry.field
    async def customers(self, first: int = 25, after: str | None = None) -> Customers:
        order = tuple_(tables.Customer.created_at, tables.Customer.id)
        query = select(tables.Customer).order_by(tables.Customer.created_at.desc(), tables.Customer.id.desc())
        if after is not None:
            moment, id = after.split("_")
            query = query.where(order < (datetime.fromisoformat(moment), UUID(id)))
        async with Session() as session:
            rows = (await session.scalars(query.limit(first + 1))).all()
        edges = [
            Edge(cursor=f"{row.created_at.isoformat()}_{row.id}", node=shown_customer(row)) for row in rows[:first]
        ]
        end = edges[-1].cursor if edges else None
        return Customers(edges=edges, page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=end))


@strawberry.input
class TouchpointRecordInput:
    customer_id: strawberry.ID
    type: str
    occurred_at: datetime
    source: str = "api"
    channel: str | None = None


@strawberry.type
class UserError:
    message: str


@strawberry.type
class TouchpointRecordPayload:
    touchpoint: Touchpoint
    errors: list[UserError]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def touchpoint_record(self, input: TouchpointRecordInput) -> TouchpointRecordPayload:
        owner = UUID(input.customer_id)
        row = tables.Touchpoint(
            id=uuid4(),
            customer_id=owner,
            profile_id=owner,
            type=input.type,
            channel=input.channel,
            occurred_at=input.occurred_at,
            received_at=datetime.now(UTC),
            source=input.source,
        )
        async with Session() as session:
            session.add(row)
            await session.commit()
        return TouchpointRecordPayload(touchpoint=shown_touchpoint(row), errors=[])


class Plain(GraphQL[Any, Any]):
    async def get_context(self, request: Any, response: Any) -> Any:
        return {
            "touchpoints": DataLoader(load_touchpoints),
            "consents": DataLoader(load_consents),
            "clv": DataLoader(load_clv),
            "identities": DataLoader(load_identities),
        }

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


schema = strawberry.Schema(
    Query, Mutation, extensions=[lambda: ParserCache(maxsize=1000), lambda: ValidationCache(maxsize=1000)]
)
app = Plain(schema, allow_queries_via_get=False)
