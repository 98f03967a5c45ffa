"""Let plugins erase and tell what they know of a customer, those included that are gone and left their tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, column, delete, inspect, or_, table
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.plugins.calling.calls import PluginUnavailable
from regulars.plugins.calling.hook_calls import erase_personal_data
from regulars.plugins.host import PluginHost
from regulars.privacy.erasure import Erased, ErasePlugins

__all__ = ["plugin_eraser"]


def plugin_eraser(host: PluginHost, *, actor: str) -> ErasePlugins:
    """Return what asks every plugin to erase a customer; who cannot be asked loses the rows that refer to them.

    A plugin that is installed and did not answer may hold more than its tables, so it remains a problem.
    """

    async def erase(session: AsyncSession, customer_id: UUID, erased: Erased) -> None:
        for outcome in await erase_personal_data(host, session, customer_id=customer_id, actor=actor):
            id = outcome.plugin_id
            known = Counter(erased.plugins.get(id, {}))
            if outcome.value is not None:
                known.update(outcome.value.rows)
            else:
                record = host.records.get(id)
                left = {} if record is None else record.tables
                known.update(
                    await _erase_left(session, {name: list(columns) for name, columns in left.items()}, customer_id)
                )
                is_gone = isinstance(outcome.failure, PluginUnavailable) and id not in host.found
                if not is_gone:
                    erased.problems.append(str(outcome.failure))
            erased.plugins[id] = dict(known)

    return erase


async def _erase_left(session: AsyncSession, tables: Mapping[str, Sequence[str]], customer_id: UUID) -> dict[str, int]:
    """Delete the rows about a customer from tables whose plugin does not answer, by the map that was kept of them."""
    connection = await session.connection()
    there: set[str] = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    rows: dict[str, int] = {}
    for name, columns in tables.items():
        if name in there and columns:
            left: Any = table(name, *(column(each, Uuid()) for each in columns))
            theirs = or_(*(left.c[each] == customer_id for each in columns))
            rows[name] = (await connection.execute(delete(left).where(theirs))).rowcount
    return rows
