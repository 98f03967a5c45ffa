"""Say how an operation would be answered: each field's kind and owner, the SQL, and what the database makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from regulars.database import Database
from regulars.graphql.planner.asking import Asking
from regulars.graphql.planner.drafts import Note
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.planner.planner import Planner

__all__ = ["Explanation", "explain"]

HOW = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}


@dataclass(frozen=True)
class Explanation:
    """How an operation is answered; ``obstacle`` tells why it is executed field by field, and then there is no SQL."""

    fields: Sequence[Note]
    sql: str | None = None
    database_plan: Sequence[str] = ()
    obstacle: str | None = None


async def explain(planner: Planner, database: Database, asking: Asking, *, analyze: bool = False) -> Explanation:
    """Return how an operation is answered for whoever asks.

    With ``analyze`` PostgreSQL runs the statement and tells what each step took. Raises what is wrong with the
    arguments.
    """
    try:
        plan, statement, values = await planner.planning.statement(asking)
    except NotPlanned as obstacle:
        return Explanation((), obstacle=str(obstacle))
    how = "EXPLAIN (ANALYZE, BUFFERS) " if analyze and database.dialect == "postgresql" else HOW[database.dialect]
    async with database.engine.connect() as connection:
        rows = (await connection.exec_driver_sql(how + statement.text, values)).all()
    return Explanation(plan.notes, statement.text, [str(row[-1]) for row in rows])
