"""The tests that every plugin passes: two lines in its own test folder run them all, on both databases.

TestConformance = conformance(manifest)
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from regulars.plugins.joining.discovery import FoundPlugin
from regulars.testing.databases import TestDatabases
from regulars.testing.fixtures import MakeApp
from regulars.testing.making import GivenPlugin, as_configured
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
from regulars.testing.promises.preparation import Candidate, Prepare
from regulars.testing.promises.tables import check_annotations, check_migrations

__all__ = ["Conformance", "conformance"]


@pytest.mark.asyncio
class Conformance:
    """The promises of one plugin, each tested by itself."""

    plugin: ClassVar[FoundPlugin]
    settings: ClassVar[Mapping[str, Any]] = {}
    prepare: ClassVar[tuple[Prepare, ...]] = ()

    @pytest.fixture
    def candidate(self, make_app: MakeApp) -> Candidate:
        """Give the plugin with a maker of servers."""
        return Candidate(self.plugin, make_app, next(iter(self.prepare), None), settings=self.settings)

    async def test_its_manifest_and_settings_are_sound(self, candidate: Candidate) -> None:
        """Check ``check_manifest``."""
        await check_manifest(candidate)

    async def test_it_loads_alone(self, candidate: Candidate) -> None:
        """Check ``check_loads_alone``."""
        await check_loads_alone(candidate)

    async def test_it_loads_with_all_others(self, candidate: Candidate) -> None:
        """Check ``check_loads_with_others``."""
        await check_loads_with_others(candidate)

    async def test_its_tables_go_up_down_and_up(self, databases: TestDatabases) -> None:
        """Check ``check_migrations``."""
        await check_migrations(databases, self.plugin)

    async def test_its_columns_say_what_they_hold_of_a_person(self) -> None:
        """Check ``check_annotations``."""
        check_annotations(self.plugin)

    async def test_it_tells_and_erases_all_that_it_knows_of_a_customer(self, candidate: Candidate) -> None:
        """Check ``check_export_and_erasure``."""
        await check_export_and_erasure(candidate)

    async def test_it_follows_merges_and_their_undoing(self, candidate: Candidate) -> None:
        """Check ``check_merges``."""
        await check_merges(candidate)

    async def test_its_fields_take_as_many_statements_for_fifty_as_for_one(self, candidate: Candidate) -> None:
        """Check ``check_statements``."""
        await check_statements(candidate)

    async def test_its_broken_fields_leave_the_rest_of_the_answer(self, candidate: Candidate) -> None:
        """Check ``check_broken_fields``."""
        await check_broken_fields(candidate)

    async def test_its_missing_tables_leave_the_rest_of_the_answer(self, candidate: Candidate) -> None:
        """Check ``check_missing_tables``."""
        await check_missing_tables(candidate)

    async def test_its_broken_hooks_leave_the_core_as_it_was(self, candidate: Candidate) -> None:
        """Check ``check_broken_hooks``."""
        await check_broken_hooks(candidate)

    async def test_disabled_it_leaves_the_schema_clean(self, candidate: Candidate) -> None:
        """Check ``check_disabled``."""
        await check_disabled(candidate)

    async def test_it_claims_its_types(self, candidate: Candidate) -> None:
        """Check ``check_type_names``."""
        await check_type_names(candidate)

    async def test_its_fields_filters_and_orders_are_denied_without_permission(self, candidate: Candidate) -> None:
        """Check ``check_permissions``."""
        await check_permissions(candidate)

    async def test_its_fields_say_what_they_cost(self, candidate: Candidate) -> None:
        """Check ``check_costs``."""
        await check_costs(candidate)


def conformance(plugin: GivenPlugin, *, prepare: Prepare | None = None) -> type[Conformance]:
    """Return the class of tests for a plugin, to be named ``Test…`` in a module of tests.

    Each test has a shop of fifty customers who bought; the plugin's handlers hear of it and its jobs run once. Where
    that does not fill its tables, ``prepare`` does: it gets the ``App``. A plugin that cannot do without settings is
    given as ``Configured(manifest, {…})``.
    """
    given = as_configured(plugin)
    prepared = () if prepare is None else (prepare,)
    own = {"plugin": given.found, "settings": given.settings, "prepare": prepared}
    return type("Conformance", (Conformance,), own)
