"""Plugins in the API: what is installed, in which state and why, and how an admin changes that."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.errors import InvalidInput
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation, resolver
from regulars.fields.types import value_type
from regulars.fields.values import MutationInput, Payload
from regulars.plugins.health import health_of
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.admission import manifest_of
from regulars.plugins.joining.configuration import settings_schema
from regulars.plugins.states import PluginState, PluginWithheld

__all__ = ["PluginMutations", "PluginQueries"]


@value_type(name="PluginProblem", description="Something that went wrong in a plugin, counted rather than repeated.")
class PluginProblemView:
    """Something that went wrong in a plugin."""

    key: str = strawberry.field(description="What kind of problem; equal keys are counted together.")
    message: str = strawberry.field(description="What happened the last time.")
    is_critical: bool = strawberry.field(description="Whether the plugin cannot do its work because of it.")
    count: int = strawberry.field(description="How often it happened.")
    first_seen: datetime = strawberry.field(description="When it happened first.")
    last_seen: datetime = strawberry.field(description="When it happened last.")


@value_type(description="A plugin that is installed or remembered.")
class Plugin:
    """A plugin that is installed or remembered."""

    id: str = strawberry.field(description="Its id, which begins the names of all that it adds.")
    title: str = strawberry.field(description="What it is called.")
    version: str | None = strawberry.field(description="The version that is installed; null when it is gone.")
    state: str = strawberry.field(description="incompatible, needs_config, disabled, failed or enabled.")
    reason: str | None = strawberry.field(description="Why it is in that state, in a sentence.")
    since: datetime = strawberry.field(description="Since when.")
    health: str = strawberry.field(
        description="well, degraded while one of its hooks rests or something critical is wrong, or off."
    )
    hooks: list[str] = strawberry.field(description="Which hooks it implements; empty unless it is enabled.")
    jobs: list[str] = strawberry.field(description="Which work in the background it does.")
    routes: list[str] = strawberry.field(description="Which pages it serves.")
    grants: list[str] = strawberry.field(description="What it asked for, and an admin accepted by enabling it.")
    problems: list[PluginProblemView] = strawberry.field(description="What went wrong in it.")
    settings_schema: JSON | None = strawberry.field(description="Its settings as a JSON Schema.")


def _view(host: PluginHost, plugin_id: str) -> Plugin:
    status, enabled = host.statuses[plugin_id], host.plugins.get(plugin_id)
    try:
        manifest = manifest_of(host.installed(plugin_id))
    except PluginWithheld:
        manifest = None
    schema: Any = None if manifest is None else settings_schema(manifest)
    given = enabled.contributions if enabled is not None else None
    return Plugin(
        id=plugin_id,
        title=plugin_id if manifest is None else manifest.title,
        version=None if manifest is None else manifest.version,
        state=status.state.value,
        reason=status.reason,
        since=status.since,
        health=health_of(host, plugin_id).value,
        hooks=list(enabled.hooks) if enabled is not None else [],
        jobs=[job.id for job in given.jobs] if given is not None else [],
        routes=[str(getattr(route, "path", "")) for route in given.pages.routes] if given and given.pages else [],
        grants=[]
        if manifest is None
        else [f"{kind}:{name}" for kind, names in vars(manifest.grants).items() for name in names],
        problems=[
            PluginProblemView(
                key=problem.key,
                message=problem.message,
                is_critical=problem.is_critical,
                count=problem.count,
                first_seen=problem.first_seen_at,
                last_seen=problem.last_seen_at,
            )
            for problem in host.problems.known(plugin_id)
        ],
        settings_schema=schema,
    )


@strawberry.type
class PluginQueries:
    """What can be asked about plugins."""

    @resolver(
        permission="plugins:read", description="Plugins that are installed or remembered, by id.", assumed_size=10
    )
    async def plugins(self, info: Info[RequestContext, None]) -> list[Plugin] | None:
        """Return the plugins."""
        host = info.context.services.host
        return [_view(host, plugin_id) for plugin_id in host.statuses]


@strawberry.input(description="A plugin, named by id.")
class PluginRefInput(MutationInput):
    """A plugin, named by id."""

    id: str = strawberry.field(description="The plugin's id.")


@strawberry.input(description="Changes to a plugin's settings.")
class PluginConfigureInput(PluginRefInput):
    """Changes to a plugin's settings."""

    settings: JSON = strawberry.field(description="Values by name; null takes a value away, what is left out stays.")


@value_type(description="The plugin after the change.")
class PluginPayload(Payload):
    """The plugin after the change."""

    plugin: Plugin | None = strawberry.field(default=None, description="The plugin; null after an error.")


async def _changed(context: RequestContext, plugin_id: str) -> PluginPayload:
    await context.services.refresh_schema()
    host = context.services.host
    view = _view(host, plugin_id)
    if view.state == PluginState.FAILED:
        raise PluginWithheld(plugin_id, PluginState.FAILED, view.reason or "it failed.")
    return PluginPayload(plugin=view)


@strawberry.type
class PluginMutations:
    """What can be changed about plugins."""

    @mutation(
        permission="plugins:manage",
        description="Accept what a plugin asks for and let it take part; the schema changes at once.",
        has_own_transactions=True,
    )
    async def plugin_enable(self, info: Info[RequestContext, None], input: PluginRefInput) -> PluginPayload | None:
        """Let a plugin take part."""
        await info.context.services.host.enable(input.id)
        return await _changed(info.context, input.id)

    @mutation(
        permission="plugins:manage",
        description="Let a plugin no longer take part; its data stays.",
        has_own_transactions=True,
    )
    async def plugin_disable(self, info: Info[RequestContext, None], input: PluginRefInput) -> PluginPayload | None:
        """Let a plugin no longer take part."""
        await info.context.services.host.disable(input.id)
        return await _changed(info.context, input.id)

    @mutation(permission="plugins:manage", description="Change a plugin's settings.", has_own_transactions=True)
    async def plugin_configure(
        self, info: Info[RequestContext, None], input: PluginConfigureInput
    ) -> PluginPayload | None:
        """Change a plugin's settings."""
        changes: Any = input.settings
        if not isinstance(changes, dict):
            raise InvalidInput("`settings` is an object: names with their values.", path=("settings",))
        await info.context.services.host.configure(input.id, changes)
        return await _changed(info.context, input.id)
