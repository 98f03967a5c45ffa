"""The promises are kept by a sound plugin, and each is seen to fail once."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
import strawberry
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlmodel import Field as ColumnField
from sqlmodel import col
from strawberry.types.base import get_object_definition
from tests.core.testing.seals import READ, CustomerSeals, SealCard, SealCardNode, Seals, seals

from regulars import (
    Customer,
    ErasureReceipt,
    FieldContext,
    GraphQLPart,
    InvalidInput,
    JsonColumn,
    Migrations,
    PluginContext,
    Table,
    batch,
    hookimpl,
    new_id,
    pii,
    relation,
    resolver,
    value_type,
)
from regulars.access.actors import Actor
from regulars.customers.graphql import CustomerNode
from regulars.plugins.states import PluginWithheld
from regulars.testing.app import App
from regulars.testing.conformance import conformance
from regulars.testing.databases import TestDatabases
from regulars.testing.fixtures import MakeApp
from regulars.testing.making import Configured, GivenPlugin
from regulars.testing.promises.customers import check_export_and_erasure, check_merges
from regulars.testing.promises.faults import check_broken_fields, check_broken_hooks, check_missing_tables
from regulars.testing.promises.fields import check_costs, check_permissions, check_statements
from regulars.testing.promises.loading import (
    check_disabled,
    check_loads_alone,
    check_loads_with_others,
    check_manifest,
    check_type_names,
)
from regulars.testing.promises.preparation import Candidate
from regulars.testing.promises.tables import check_annotations, check_migrations


class NeedySettings(BaseModel):
    colour: str = Field(description="The colour of the cards.")


TestASoundPlugin = conformance(Configured(seals(settings=NeedySettings), {"colour": "red"}))

Bad = Callable[[object], Candidate]


@pytest.fixture
def bad(make_app: MakeApp) -> Bad:
    """Give the plugin with other hooks, as a candidate."""
    return lambda hooks: Candidate(seals(hooks), make_app, installed=lambda: ())


class WordlessSettings(BaseModel):
    colour: str = "red"


async def test_a_setting_without_description_is_seen(make_app: MakeApp) -> None:
    with pytest.raises(AssertionError, match="The settings colour have no description"):
        await check_manifest(Candidate(seals(settings=WordlessSettings), make_app))


async def test_a_manifest_that_is_refused_is_seen(make_app: MakeApp) -> None:
    with pytest.raises(AssertionError, match="hook"):
        await check_manifest(Candidate(seals(hook_api=">=9"), make_app))


class SilentCard(Table, table=True):
    __tablename__ = "silent_card"

    id: UUID = ColumnField(default_factory=new_id, primary_key=True)
    note: str
    wishes: dict[str, Any] = ColumnField(sa_type=JsonColumn)
    kind: str = ColumnField(sa_column_kwargs=pii("none"))


class Unsaying(Seals):
    @hookimpl
    def models(self) -> Sequence[type[Table]]:
        return [SilentCard]


def test_a_column_that_does_not_say_what_it_holds_of_a_person_is_seen() -> None:
    with pytest.raises(AssertionError, match=r"what silent_card\.note, silent_card\.wishes of seal holds"):
        check_annotations(seals(Unsaying()))


class Unloadable(Seals):
    @hookimpl
    def traits(self) -> Any:
        raise ValueError("sour")


async def test_a_plugin_that_does_not_load_is_seen(bad: Bad) -> None:
    with pytest.raises(Exception, match="cannot be enabled: traits: It raised ValueError: sour"):
        await check_loads_alone(bad(Unloadable()))


async def test_a_collision_with_another_plugin_is_seen(make_app: MakeApp) -> None:
    other = seals(object(), id="other", permissions=(), graphql_types=("SealCard",))

    with pytest.raises(Exception, match="It claims the type SealCard, which"):
        await check_loads_with_others(Candidate(seals(), make_app, installed=lambda: (other,)))


@pytest.mark.parametrize(
    ("folder", "fault"),
    [("forgetful_versions", "After a downgrade to base there is still seal_card"), ("half_versions", "seals")],
)
async def test_migrations_that_forget_something_are_seen(databases: TestDatabases, folder: str, fault: str) -> None:
    class Forgetful(Seals):
        @hookimpl
        def migrations(self) -> Migrations:
            return Migrations(f"tests.core.testing:{folder}")

    with pytest.raises(AssertionError, match=fault):
        await check_migrations(databases, seals(Forgetful()))


class Hoarding(Seals):
    @hookimpl
    async def personal_data_erase(self, ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
        one = select(SealCard).where(col(SealCard.customer_id) == customer_id).limit(1)
        ctx.session.add(SealCard(customer_id=customer_id))
        await ctx.session.delete((await ctx.session.scalars(one)).one())
        return ErasureReceipt({"seal_card": 1})


class Greedy(Seals):
    @hookimpl
    async def personal_data_erase(self, ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
        cards = (await ctx.session.scalars(select(SealCard))).all()
        for card in cards:
            await ctx.session.delete(card)
        return ErasureReceipt({"seal_card": len(cards)})


class Boasting(Seals):
    @hookimpl
    async def personal_data_erase(self, ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
        await super().personal_data_erase(ctx, customer_id)
        return ErasureReceipt({"seal_card": 0})


class Silent(Seals):
    @hookimpl
    async def personal_data_export(self, ctx: PluginContext, customer_id: UUID) -> Mapping[str, Any]:
        return {}


class Idle(Seals):
    @hookimpl
    def events(self) -> Any:
        return {}


@pytest.mark.parametrize(
    ("hooks", "fault"),
    [
        (Hoarding(), "left 1 of 1 rows about an erased customer"),
        (Greedy(), "erased rows about other customers"),
        (Boasting(), "its receipt says"),
        (Silent(), "its export says nothing of them"),
        (Idle(), "neither its jobs nor its event handlers filled them"),
    ],
    ids=lambda given: type(given).__name__,
)
async def test_an_erasure_or_export_that_is_not_whole_is_seen(bad: Bad, hooks: object, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        await check_export_and_erasure(bad(hooks))


class Loyal(Seals):
    @hookimpl
    async def customer_merged(self, ctx: PluginContext) -> None:  # type: ignore[override]  # a hook takes what it needs
        """Leave the rows where they are."""


async def test_rows_that_do_not_follow_a_merge_are_seen(bad: Bad) -> None:
    with pytest.raises(AssertionError, match="left 1 rows with a customer who became part of another"):
        await check_merges(bad(Loyal()))


def with_fields(fields: type[Any]) -> Seals:
    """Return hooks whose customers gain these fields."""

    class Fields(Seals):
        @hookimpl
        def graphql(self) -> GraphQLPart:
            return GraphQLPart({"Customer": fields})

    return Fields()


@strawberry.type
class OneByOne:
    @resolver(permission=READ, description="Asks the database for each customer.")
    async def seals(self, info: strawberry.Info) -> int | None:
        return len((await info.context.session.scalars(select(SealCard))).all())


async def test_a_field_that_asks_for_each_parent_is_seen(bad: Bad) -> None:
    with pytest.raises(AssertionError, match=r"Customer\.seals takes \d statements for one and \d\d+ for 50"):
        await check_statements(bad(with_fields(OneByOne)))


@strawberry.type
class Unpriced:
    seal_colour: str | None = strawberry.field(description="The colour of cards.")


@strawberry.type
class Unsized:
    seal_cards: list[SealCardNode] | None = relation(SealCard.customer_id, permission=READ, description="Cards.")


@pytest.mark.parametrize(
    ("fields", "fault"), [(Unpriced, "has no price"), (Unsized, "does not say how many items it is counted as")]
)
async def test_a_field_without_a_price_is_seen(bad: Bad, fields: type[Any], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        await check_costs(bad(with_fields(fields)))


@value_type(description="A wish.")
class Wish:
    seals: int = strawberry.field(description="What it costs.")


async def no_wishes(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[Wish | None]:
    return [None for _ in parents]


@strawberry.type
class Unclaimed:
    wish: Wish | None = batch(no_wishes, requires=[Customer.id], permission=READ, description="Their wish.")


async def test_a_type_that_the_manifest_does_not_claim_is_seen(bad: Bad) -> None:
    with pytest.raises(PluginWithheld, match=r"The type Wish is claimed by no plugin\. Name it in graphql_types"):
        await check_type_names(bad(with_fields(Unclaimed)))


class Careless(App):
    """A server that lets everybody do everything."""

    async def ask(self, query: str, variables: Any = None, *, as_: str | Actor = "admin") -> dict[str, Any]:
        return await super().ask(query, variables)


async def test_a_field_that_is_not_denied_is_seen(make_app: MakeApp) -> None:
    async def careless(*plugins: GivenPlugin) -> App:
        app = await make_app(*plugins)
        app.__class__ = Careless
        return app

    with pytest.raises(AssertionError) as caught:
        await check_permissions(Candidate(seals(), careless))

    assert "Customer.sealWish answers without the permission seal:read." in str(caught.value)
    assert "customers(where: {sealCards: {some: {seals: {isNull: true}}}}) answers" in str(caught.value)
    assert "customers(where: {traits: {sealSeals: {isNull: true}}}) answers" in str(caught.value)


@pytest.fixture
def stains() -> Iterator[list[Any]]:
    """Give the fields of the core's own class of customers, and clean them afterwards."""
    fields = get_object_definition(CustomerNode, strict=True).fields
    before = list(fields)
    yield fields
    fields[:] = before


async def test_a_plugin_that_changes_the_cores_own_types_is_seen(bad: Bad, stains: list[Any]) -> None:
    class Staining(Seals):
        @hookimpl
        def graphql(self) -> GraphQLPart:
            stains.extend(get_object_definition(CustomerSeals, strict=True).fields[1:2])
            return GraphQLPart()

    with pytest.raises(AssertionError, match="The schema differs"):
        await check_disabled(bad(Staining()))


async def refuse_without_table(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[int]:
    try:
        await context.session.execute(select(SealCard))
    except Exception as error:
        raise InvalidInput("No cards today.") from error
    return [1 for _ in parents]


@strawberry.type
class Excusing:
    seals: int | None = batch(refuse_without_table, requires=[Customer.id], permission=READ, description="Seals.")


async def test_a_plugin_that_blames_its_fault_on_the_caller_is_seen(bad: Bad) -> None:
    with pytest.raises(AssertionError, match=r"Customer\.seals failed in another way than PLUGIN_FAILED"):
        await check_missing_tables(bad(with_fields(Excusing)))


def unheard(*_arguments: object) -> None:
    """Take note of nothing."""


@pytest.mark.parametrize("check", [check_broken_fields, check_broken_hooks])
async def test_a_failure_that_nobody_is_told_of_is_seen(
    make_app: MakeApp, check: Callable[[Candidate], Awaitable[None]]
) -> None:
    async def deaf(*plugins: GivenPlugin) -> App:
        app = await make_app(*plugins)
        app.server.host.problems.report = unheard  # type: ignore[method-assign, assignment]
        return app

    with pytest.raises(AssertionError, match="Nobody was told"):
        await check(Candidate(seals(), deaf))
