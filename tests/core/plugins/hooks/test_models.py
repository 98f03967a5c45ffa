from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, ForeignKey, Uuid
from sqlmodel import Field
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import GoldCard, gold, plugin

from regulars.plugins.contributions import Migrations
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.states import PluginWithheld
from regulars.tables import Table


class TinNote(Table, table=True):
    __tablename__ = "tin_note"

    id: int = Field(primary_key=True)
    customer_id: UUID | None = Field(default=None, foreign_key="core_customer.id", ondelete="SET NULL")


class TinLoose(Table, table=True):
    __tablename__ = "tin_loose"

    id: int = Field(primary_key=True)
    customer_id: UUID


class TinStrict(Table, table=True):
    __tablename__ = "tin_strict"

    id: int = Field(primary_key=True)
    touchpoint_id: UUID = Field(foreign_key="core_touchpoint.id")


class TinNull(Table, table=True):
    __tablename__ = "tin_null"

    id: int = Field(primary_key=True)
    customer_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("core_customer.id", ondelete="SET NULL"), nullable=False)
    )


class TinOfGold(Table, table=True):
    __tablename__ = "tin_of_gold"

    id: int = Field(primary_key=True)
    card_id: UUID = Field(foreign_key="gold_card.id", ondelete="CASCADE")


class Unprefixed(Table, table=True):
    __tablename__ = "notes_of_tin"

    id: int = Field(primary_key=True)


class Tin:
    """A plugin with the tables that a test gives it."""

    def __init__(self, *tables: Any) -> None:
        self._tables = tables

    @hookimpl
    def models(self) -> Sequence[type[Table]]:
        return self._tables


class TinWithMigrations(Tin):
    @hookimpl
    def migrations(self) -> Migrations:
        return Migrations("tests.core.plugins:gold_versions")


async def test_the_tables_of_a_plugin_are_known_and_remembered(make_host: MakeHost) -> None:
    host = await make_host(gold())

    await host.enable("gold")

    assert host.plugins.plugins[0].contributions.models == (GoldCard,)
    assert host.records["gold"].tables == {"gold_card": {"customer_id": "CASCADE"}}


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        (Unprefixed, "the table notes_of_tin must start with 'tin_'"),
        (TinStrict, "tin_strict.touchpoint_id refers to core_touchpoint without ON DELETE CASCADE or SET NULL"),
        (TinNull, "tin_null.customer_id is ON DELETE SET NULL and does not allow null"),
        (TinOfGold, "tin_of_gold.card_id refers to gold_card, a table of another plugin"),
        (TinNote, "the table tin_note refers to a customer, which obliges it to have personal_data_export and"),
        (TinLoose, "the table tin_loose refers to a customer, which obliges it to have personal_data_export and"),
        (dict, "it returned dict, which is no Table"),
        (Table, "it returned Table, which is no Table"),
    ],
)
async def test_a_table_that_a_plugin_may_not_have_is_refused(make_host: MakeHost, table: Any, fault: str) -> None:
    host = await make_host(plugin("tin", TinWithMigrations(table)))

    with pytest.raises(PluginWithheld, match=fault):
        await host.enable("tin")

    assert host.records == {}


async def test_tables_without_migrations_are_refused(make_host: MakeHost) -> None:
    host = await make_host(plugin("tin", Tin(TinNote)))

    with pytest.raises(PluginWithheld, match="it has tables and no migrations"):
        await host.enable("tin")
