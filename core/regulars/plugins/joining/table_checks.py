"""Check a plugin's tables: whose they are, and what becomes of them when a customer is deleted."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import ForeignKey
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.schema import Column
from sqlalchemy.sql.schema import Table as SqlTable

from regulars.plugins.calling.results import WrongResult
from regulars.tables import Table

__all__ = ["check_obligations", "check_tables", "customer_references", "tables_in"]

CUSTOMER = "core_customer"
CUSTOMER_COLUMN = "customer_id"
UNREFERENCED = "nothing"
DUTIES = ("personal_data_export", "personal_data_erase")


def check_tables(plugin_id: str, models: Iterable[type[Table]]) -> None:
    """Accept tables that carry the plugin's name, and whose references to the core never hold up a deletion.

    Raises ``WrongResult`` naming table and column.
    """
    for model in models:
        table = _table(model)
        if not table.name.startswith(f"{plugin_id}_"):
            raise WrongResult(f"the table {table.name} must start with '{plugin_id}_'")
        for column in table.columns:
            for key in column.foreign_keys:
                _check_reference(plugin_id, table, column, key)


def _check_reference(plugin_id: str, table: SqlTable, column: Column[object], key: ForeignKey) -> None:
    target = key.target_fullname.partition(".")[0]
    place = f"{table.name}.{column.name}"
    if target.startswith(f"{plugin_id}_"):
        return
    if not target.startswith("core_"):
        raise WrongResult(f"{place} refers to {target}, a table of another plugin")
    rule = (key.ondelete or "").upper()
    if rule not in ("CASCADE", "SET NULL"):
        raise WrongResult(f"{place} refers to {target} without ON DELETE CASCADE or SET NULL")
    if rule == "SET NULL" and not column.nullable:
        raise WrongResult(f"{place} is ON DELETE SET NULL and does not allow null")


def customer_references(models: Iterable[type[Table]]) -> dict[str, dict[str, str]]:
    """Return every table with its columns that refer to a customer, and what happens on the customer's deletion.

    A column called ``customer_id`` counts even without a foreign key; then nothing happens.
    """
    return {
        table.name: {column.name: rule for column in table.columns if (rule := _customer_rule(column)) is not None}
        for table in map(_table, models)
    }


def _customer_rule(column: Column[object]) -> str | None:
    for key in column.foreign_keys:
        if key.target_fullname == f"{CUSTOMER}.id":
            return (key.ondelete or UNREFERENCED).upper()
    return UNREFERENCED if column.name == CUSTOMER_COLUMN else None


def check_obligations(
    references: Mapping[str, Mapping[str, str]], *, hooks: Collection[str], has_migrations: bool
) -> None:
    """Accept tables whose plugin can export and erase what they hold of a customer, and can make them.

    Raises ``WrongResult`` naming what is missing.
    """
    if references and not has_migrations:
        raise WrongResult("it has tables and no migrations that make them")
    holding = sorted(table for table, columns in references.items() if columns)
    missing = [duty for duty in DUTIES if duty not in hooks]
    if holding and missing:
        raise WrongResult(
            f"the table {holding[0]} refers to a customer, which obliges it to have {' and '.join(missing)}"
        )


def tables_in(expression: object) -> list[str]:
    """Return the names of the tables whose columns an expression uses.

    Raises ``WrongResult`` for what is no expression of SQLAlchemy.
    """
    attribute = getattr(expression, "__clause_element__", None)
    clause = expression if attribute is None else attribute()
    if not isinstance(clause, ColumnElement):
        raise WrongResult(f"it names {type(expression).__name__} where a column belongs")
    return sorted(
        {
            part.table.name
            for part in visitors.iterate(clause)
            if isinstance(part, Column) and isinstance(getattr(part, "table", None), SqlTable)
        }
    )


def _table(model: type[Table]) -> SqlTable:
    table = getattr(model, "__table__")  # noqa: B009 - SQLModel does not declare it
    assert isinstance(table, SqlTable)
    return table
