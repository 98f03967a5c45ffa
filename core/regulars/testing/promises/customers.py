"""A plugin promises to tell all that it knows of a customer, to forget it, and to follow merges."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from regulars.tables import Table
from regulars.testing.app import App
from regulars.testing.promises.preparation import Candidate, enabled_in

__all__ = ["check_export_and_erasure", "check_merges", "known_customers", "rows_about"]


async def check_export_and_erasure(candidate: Candidate) -> None:
    """Check that a customer's rows are told, and that all of them are erased and nobody else's; twice is no error."""
    app = await candidate.prepared_app()
    references = _references(app, candidate)
    if not references:
        return
    customer, *others = await known_customers(app, candidate)
    plugin_id = candidate.plugin.id
    exported = (await app.export_personal_data(customer)).get(plugin_id)
    assert exported, f"{plugin_id} keeps rows about a customer and its export says nothing of them."
    before, of_others = await rows_about(app, candidate, [customer]), await rows_about(app, candidate, others)
    receipt = (await app.erase_personal_data(customer))[plugin_id]
    left = await rows_about(app, candidate, [customer])
    assert left == 0, f"{plugin_id} left {left} of {before} rows about an erased customer."
    assert sum(receipt.values()) >= before, f"{plugin_id} erased {before} rows and its receipt says {receipt}."
    assert await rows_about(app, candidate, others) == of_others, f"{plugin_id} erased rows about other customers."
    await app.erase_personal_data(customer)


async def check_merges(candidate: Candidate) -> None:
    """Check that no row stays with an id that nobody sees any more, that merging can be undone, and is then erased."""
    app = await candidate.prepared_app()
    if not _references(app, candidate):
        return
    survivor, merged, *_ = await known_customers(app, candidate)
    plugin_id = candidate.plugin.id
    merge_id = await app.merge(survivor=survivor, merged=merged)
    left = await rows_about(app, candidate, [merged])
    assert left == 0, (
        f"{plugin_id} left {left} rows with a customer who became part of another."
        " Implement customer_merged and move or drop them."
    )
    await app.unmerge(merge_id)
    await app.export_personal_data(survivor)
    await app.export_personal_data(merged)
    await app.merge(survivor=survivor, merged=merged)
    for customer in (survivor, merged):
        await app.erase_personal_data(customer)
    left = await rows_about(app, candidate, [survivor, merged])
    assert left == 0, f"{plugin_id} left {left} rows about customers who were merged, parted, merged and erased."


async def known_customers(app: App, candidate: Candidate) -> list[UUID]:
    """Return the customers of whom the plugin keeps something; fails when there are not two at least."""
    columns = _references(app, candidate)
    asked = union_all(*(select(column.label("customer_id")).where(column.is_not(None)) for column in columns))
    async with app.database.reading() as session:
        found = sorted(set((await session.execute(asked)).scalars()))
    assert len(found) > 1, (
        f"{candidate.plugin.id} has tables about customers, and neither its jobs nor its event handlers filled them"
        " for fifty customers with orders. Fill them: conformance(manifest, prepare=…)."
    )
    return found


async def rows_about(app: App, candidate: Candidate, customers: Collection[UUID]) -> int:
    """Return how many rows of the plugin's tables refer to these customers."""
    total = 0
    async with app.database.reading() as session:
        for column in _references(app, candidate):
            counted = select(func.count()).select_from(column.table).where(column.in_(customers))
            total += (await session.execute(counted)).scalar_one()
    return total


def _references(app: App, candidate: Candidate) -> list["ColumnElement[UUID]"]:
    references = enabled_in(app, candidate.plugin).contributions.customer_references
    tables = Table.metadata.tables
    return [tables[table].c[column] for table, columns in references.items() for column in columns]
