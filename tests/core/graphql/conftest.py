from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio

from regulars.access.permissions import CORE_PERMISSIONS
from regulars.clock import SettableClock
from regulars.consents.registry import ConsentRegistry, core_consent_registry
from regulars.database import Database
from regulars.graphql.execution import Executor
from regulars.graphql.holder import SchemaHolder
from regulars.plugins.context import Company
from regulars.plugins.plugin_set import PluginSet
from regulars.testing.app import App
from regulars.touchpoints.types import TouchpointTypes, core_touchpoint_types


@dataclass
class CoreServer:
    """The core without plugins, workers and web."""

    database: Database
    clock: SettableClock
    company: Company = field(default_factory=lambda: Company("The bookshop", "Europe/Berlin", "EUR"))
    touchpoint_types: TouchpointTypes = field(default_factory=core_touchpoint_types)
    consent_registry: ConsentRegistry = field(default_factory=core_consent_registry)
    plugins: PluginSet = field(default_factory=PluginSet)
    job_kinds: dict[str, Any] = field(default_factory=dict)
    permissions = CORE_PERMISSIONS
    plugin_fields: Any = None
    holder: SchemaHolder | None = None

    def plugin_settings(self, plugin_id: str) -> Any:
        return None

    async def fail(self, plugin_id: str, reason: str) -> None:
        raise AssertionError(reason)

    async def executor(self) -> Executor:
        self.holder = self.holder or SchemaHolder(self, self)
        return await self.holder.refresh()


@pytest_asyncio.fixture
async def core(database: Database, clock: SettableClock) -> AsyncIterator[App]:
    yield App(CoreServer(database, clock), clock)
