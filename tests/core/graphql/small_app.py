"""A small strawberry schema behind the real transport, with the plainest executor that keeps the rules.

``uvicorn tests.core.graphql.small_app:app`` serves it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import strawberry
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationDefinitionNode, execute_sync, validate
from graphql.execution import get_variable_values
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from regulars.fields.prices import FieldPrice
from regulars.graphql.documents.limits import Limits, compile_price
from regulars.graphql.documents.parsing import parse_document
from regulars.graphql.protocol.transport import GraphQLAnswer, GraphQLOperation, GraphQLOverHttp

__all__ = ["SCHEMA", "app", "code_of", "small_app", "small_client", "stored_names"]

stored_names: list[str] = []


@strawberry.type
class Touchpoint:
    id: strawberry.ID

    @strawberry.field
    def customer(self) -> "Customer":
        return Customer(id=self.id, name="Ada")


@strawberry.type
class TouchpointConnection:
    nodes: list[Touchpoint]
    total_count: int


@strawberry.type
class Customer:
    id: strawberry.ID
    name: str

    @strawberry.field
    def touchpoints(self, first: int | None = 25) -> TouchpointConnection:
        nodes = [Touchpoint(id=strawberry.ID(str(number))) for number in range(first or 25)]
        return TouchpointConnection(nodes=nodes, total_count=43_000)


@strawberry.type
class CustomerEdge:
    node: Customer


@strawberry.type
class CustomerConnection:
    nodes: list[Customer]
    edges: list[CustomerEdge]
    total_count: int


@strawberry.input
class PageInput:
    first: int = 10


@strawberry.type
class Query:
    @strawberry.field
    def customer(self, id: strawberry.ID) -> Customer:
        return Customer(id=id, name="Ada")

    @strawberry.field
    def customers(
        self, first: int | None = None, last: int | None = None, page: PageInput | None = None
    ) -> CustomerConnection:
        size = first or last or (page.first if page else 25)
        rows = [Customer(id=strawberry.ID(str(number)), name="Ada") for number in range(size)]
        return CustomerConnection(nodes=rows, edges=[CustomerEdge(node=row) for row in rows], total_count=len(rows))

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Customer | None]:
        return [None for _ in ids]

    @strawberry.field
    def tags(self) -> list[str]:
        return ["loyal"]

    @strawberry.field
    def purposes(self) -> list[Customer]:
        return []


@strawberry.type
class Mutation:
    @strawberry.mutation
    def rename(self, name: str) -> Customer:
        stored_names.append(name)
        return Customer(id=strawberry.ID("1"), name=name)


def _priced_schema() -> GraphQLSchema:
    schema = strawberry.Schema(Query, Mutation)._schema
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    schema.query_type.fields["nodes"].extensions["regulars"] = FieldPrice(counted_argument="ids")
    schema.query_type.fields["purposes"].extensions["regulars"] = FieldPrice(cost=2, assumed_size=7)
    schema.mutation_type.fields["rename"].extensions["regulars"] = FieldPrice(cost=10)
    return schema


SCHEMA = _priced_schema()


class SmallExecutor:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    async def __call__(self, operation: GraphQLOperation, request: Request) -> GraphQLAnswer:
        document = parse_document(operation.query, self._limits)
        price = compile_price(SCHEMA, document, operation.operation_name, self._limits)
        problems = validate(SCHEMA, document, hide_suggestions=True, max_errors=5)
        if problems:
            return _refused(problems)
        chosen = next(
            node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
            and (operation.operation_name is None or (node.name and node.name.value == operation.operation_name))
        )
        coerced = get_variable_values(
            SCHEMA, chosen.variable_definitions or (), dict(operation.variables), max_errors=5, hide_suggestions=True
        )
        if isinstance(coerced, list):
            return _refused(coerced)
        price.price(operation.variables)
        result = execute_sync(
            SCHEMA, document, variable_values=dict(operation.variables), operation_name=operation.operation_name
        )
        return GraphQLAnswer(orjson.dumps(_formatted(result)), "executed")


def _refused(problems: list[GraphQLError]) -> GraphQLAnswer:
    errors = [{"message": problem.message[:300]} for problem in problems]
    return GraphQLAnswer(orjson.dumps({"errors": errors}), "request_error")


def _formatted(result: ExecutionResult) -> dict[str, Any]:
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [{"message": error.message[:300], "path": error.path} for error in result.errors]
    return answer


def small_app(limits: Limits | None = None) -> Starlette:
    chosen = limits or Limits()
    return Starlette(routes=[Route("/graphql", GraphQLOverHttp(SmallExecutor(chosen), limits=chosen))])


app = small_app()


@asynccontextmanager
async def small_client(*, body_bytes: int = 1024 * 1024) -> AsyncIterator[httpx.AsyncClient]:
    """Yield an in-process client of a fresh small app, which declares its bodies as JSON."""
    stored_names.clear()
    transport = httpx.ASGITransport(app=small_app(Limits(body_bytes=body_bytes)))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://regulars.test", headers={"content-type": "application/json"}
    ) as client:
        yield client


def code_of(answer: httpx.Response) -> str:
    """Return the code of a refusal, which holds no data."""
    told = answer.json()
    assert "data" not in told
    code: str = told["errors"][0]["extensions"]["code"]
    return code
