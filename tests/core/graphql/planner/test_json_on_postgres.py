"""What PostgreSQL joins to make JSON: no more pieces than it has to."""

import pytest
from sqlalchemy import Column, Dialect, Integer, MetaData, Table, Text, make_url

from regulars.graphql.planner.json_on_postgres import json_on_postgres
from regulars.graphql.planner.json_sql import SQL, JsonSql, text

ROWS = Table(
    "r", MetaData(), Column("id", Integer, nullable=False), Column("name", Text), Column("kind", Text, nullable=False)
)
DIALECT: Dialect = make_url("postgresql+asyncpg://").get_dialect()()


@pytest.fixture
def json() -> JsonSql:
    return json_on_postgres(DIALECT)


def written(sql: SQL) -> str:
    return str(sql.compile(dialect=DIALECT))


def test_constants_beside_one_another_are_one(json: JsonSql) -> None:
    sql = written(json.object([("__typename", json.plain(text("Row"))), ("id", json.leaf(ROWS.c.id, "integer"))]))

    assert sql == """CAST('{"__typename":"Row","id":' || CAST(r.id AS TEXT) || '}' AS TEXT)"""


def test_only_what_can_be_null_is_asked_whether_it_is(json: JsonSql) -> None:
    members = [("name", json.leaf(ROWS.c.name, "text")), ("kind", json.leaf(ROWS.c.kind, "text"))]

    assert written(json.object(members)).count("coalesce") == 1


def test_a_list_is_never_null(json: JsonSql) -> None:
    sql = written(json.object([("all", json.list(json.leaf(ROWS.c.kind, "text"), order_by=[ROWS.c.id]))]))

    assert sql.startswith("""CAST('{"all":[' || coalesce(string_agg(""")
    assert sql.endswith(""", '') || ']}' AS TEXT)""")


def test_an_object_without_members_is_empty(json: JsonSql) -> None:
    assert written(json.object([])) == "'{}'"


def test_few_texts_are_joined_at_once(json: JsonSql) -> None:
    sql = written(json.object([(f"k{number}", json.leaf(ROWS.c.kind, "text")) for number in range(100)]))

    assert max(part.count(" || ") for part in sql.split("CAST('")) <= 6
