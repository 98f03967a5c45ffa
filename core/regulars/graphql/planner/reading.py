"""Run the statement of a plan; where SQL of a plugin fails or hangs, do without the fields that it stands behind."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError

from regulars.driver_errors import driver_errors
from regulars.fields.context import APART_PATIENCE_S
from regulars.graphql.executor.plugin_calls import PluginFieldFailed, hook_of, note_failure
from regulars.graphql.planner.asking import Asking
from regulars.graphql.planner.planning import Planning
from regulars.graphql.planner.plans import Plan
from regulars.graphql.planner.statements import Compiled

__all__ = ["Failures", "read"]

PATIENCE_S = 10.0
CANCELLED = "57014"
FAULTLESS = frozenset({"08", "40", "53", "54", "57"})
"""Lost connections, deadlocks, want of memory or disk, statements too large, operators: no fault of a plugin's SQL."""

TOO_LARGE = ("parser stack overflow", "Expression tree is too large", "too many", "at most")
"""How SQLite says that a statement as a whole is too deep or too wide for it."""

Failures = Mapping[str, PluginFieldFailed]
"""What is told of plugins' fields that failed, by their paths in the schema."""


Texts = Sequence[str | None]
"""The JSON of a query, or that of each row that a mutation returned; None for a row that is gone."""


async def read(planning: Planning, asking: Asking) -> tuple[Plan, Texts, Failures]:
    """Return the plan of what is asked, the JSON that its statement returns, and what failed in it.

    Raises ``NotPlanned``, what the arguments raise, and what the database does where no plugin has a part in it.
    """
    made = await planning.statement(asking)
    plan = made[0]
    failures: Failures = {}
    try:
        texts = await _run(planning, asking, *made)
    except Exception as error:
        if not plan.suspects or not _is_a_fault_of_sql(error):
            raise
        plan, texts, failures = await _read_without_culprits(planning, asking, plan, error)
    caller = asking.context.services.plugin_fields
    if caller.breakers.has_failures:
        for owned in plan.suspects.values():
            caller.succeeded(owned.owner, hook_of(owned))
    return plan, texts, failures


async def _read_without_culprits(
    planning: Planning, asking: Asking, failed: Plan, error: Exception
) -> tuple[Plan, Texts, dict[str, PluginFieldFailed]]:
    """Leave out every field that may have failed; then take them in again one by one, but those with which it fails.

    So with one such field the statement runs once more, and with several each is found out.
    """
    failures = {}
    left_out = frozenset(failed.suspects)
    made = await planning.statement(asking, left_out)
    plan, texts = made[0], await _run(planning, asking, *made)
    for path, owned in failed.suspects.items():
        tried = left_out - {path}
        if tried:
            made = await planning.statement(asking, tried)
            try:
                plan, texts = made[0], await _run(planning, asking, *made)
            except Exception as found:
                if not _is_a_fault_of_sql(found):
                    raise
                error = found
            else:
                left_out = tried
                continue
        # Without ``tried``, it is the statement that failed at first.
        failures[path] = note_failure(asking.context, owned, error)
    return plan, texts, failures


async def _run(planning: Planning, asking: Asking, plan: Plan, compiled: Compiled, values: tuple[Any, ...]) -> Texts:
    context = asking.context
    asking.report.statements += 1
    asking.report.sql_hash = compiled.hash
    if asking.returned is not None:
        # A statement that the database has not seen may be too large for it.
        may_fail = bool(plan.suspects) or not asking.report.is_known
        return planning.in_order(asking, await context.read_rows(compiled.text, values, may_fail=may_fail))
    patience_s = APART_PATIENCE_S if plan.suspects else PATIENCE_S
    return [await context.services.database.read_text(compiled.text, values, patience_s=patience_s)]


def _is_a_fault_of_sql(error: Exception) -> bool:
    """Tell whether SQL in the statement may be wrong or take too long, which leaving some of it out would mend."""
    if isinstance(error, TimeoutError):
        return True
    if isinstance(error, driver_errors()):
        cause: Any = error
    elif isinstance(error, DBAPIError) and not error.connection_invalidated:
        cause = error.orig
    else:
        return False
    state = getattr(cause, "sqlstate", None)
    if state is None:
        return not str(cause).startswith(TOO_LARGE)
    return state == CANCELLED or state[:2] not in FAULTLESS
