"""A plugin whose fields go wrong in as many ways as they are told."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import strawberry

from regulars import Customer, FieldContext, GraphQLPart, PluginManifest, batch, hookimpl, resolver
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.testing.app import App
from regulars.testing.shop import Happening

__all__ = [
    "Answer",
    "asked",
    "by_async_resolver",
    "by_batch",
    "by_plain_resolver",
    "by_waiting_resolver",
    "fill_shop",
    "glitching",
    "told_without",
]

Answer = Callable[[], Any]
"""What a field does when it is asked."""

SHOP = "customers(first: 3) {{ nodes {{ id displayName touchpoints(first: 2) {{ nodes {{ type }} }} {} }} }}"


def by_batch(answer: Answer) -> Any:
    """Make a field whose batch does as it is told, for as many parents as come."""

    async def load(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> Any:
        return [answer() for _ in parents]

    return batched(load)


def batched(load: Any, *, timeout: timedelta = timedelta(seconds=2)) -> Any:
    return batch(load, requires=[Customer.id], permission="customers:read", description="Glitches.", timeout=timeout)


def by_async_resolver(answer: Answer) -> Any:
    async def resolve() -> float | None:
        value: float | None = answer()
        return value

    return resolver(permission="customers:read", description="Glitches.")(resolve)


def by_waiting_resolver(answer: Callable[[], Awaitable[Any]]) -> Any:
    async def resolve() -> float | None:
        value: float | None = await answer()
        return value

    return resolver(permission="customers:read", description="Glitches.")(resolve)


def by_plain_resolver(answer: Answer) -> Any:
    def resolve() -> float | None:
        value: float | None = answer()
        return value

    return resolver(permission="customers:read", description="Glitches.")(resolve)


def glitching(fields: Mapping[str, Any], type: Any = float) -> FoundPlugin:
    """Return a plugin that adds these fields to customers, each of which may be null."""
    namespace = {"__annotations__": dict.fromkeys(fields, type | None), **fields}
    added = strawberry.type(_class("Glitches", namespace))

    class Hooks:
        @hookimpl
        def graphql(self) -> GraphQLPart:
            return GraphQLPart({"Customer": added})

    return found_plugin(
        PluginManifest(
            id="glitch",
            version="1.0.0",
            title="Glitch",
            summary="Goes wrong.",
            hook_api=">=1.0,<2",
            implementation="regulars_glitch.plugin",
            graphql_types=("Score",),
        ),
        hooks=Hooks(),
    )


def _class(name: str, namespace: dict[str, Any]) -> type[Any]:
    return type(name, (), namespace)


async def fill_shop(app: App) -> None:
    await app.ingest({name: [Happening(app.clock.now(), "10.00")] * 2 for name in ("Ada", "Bo", "Cy")})


async def asked(app: App, *fields: str) -> dict[str, Any]:
    """Return the answer of a page of customers with these fields beside the core's."""
    return await app.ask(f"{{ {SHOP.format(' '.join(fields))} }}")


def told_without(answer: Mapping[str, Any], *fields: str) -> tuple[bytes, list[Any]]:
    """Return the answer's data without these fields, in bytes, and what the fields were."""
    taken = [node.pop(field) for node in answer["data"]["customers"]["nodes"] for field in fields]
    return orjson.dumps(answer["data"]), taken
