"""The enabled plugins and all that they contribute, as one value that never changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from regulars.contact.rules import ContactRule
from regulars.messages.templates import MessageTemplate
from regulars.plugins.contributions import EventHandler, GraphQLPart, Job, Migrations, Pages, Trait
from regulars.plugins.manifest import Permission, PluginManifest
from regulars.revisions import MigrationOwner
from regulars.tables import Table

__all__ = ["Contributions", "EnabledPlugin", "PluginSet"]


@dataclass(frozen=True)
class Contributions:
    """What the collected hooks of a plugin returned, checked.

    ``customer_references`` maps a table to its columns that refer to a customer, each with what happens when the
    customer is deleted.
    """

    models: tuple[type[Table], ...] = ()
    migrations: Migrations | None = None
    graphql: GraphQLPart = field(default_factory=GraphQLPart)
    traits: tuple[Trait, ...] = ()
    events: Mapping[str, EventHandler] = field(default_factory=dict)
    contact_rules: tuple[ContactRule, ...] = ()
    message_templates: tuple[MessageTemplate, ...] = ()
    jobs: tuple[Job, ...] = ()
    pages: Pages | None = None
    customer_references: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class EnabledPlugin:
    """A plugin that takes part: its manifest, settings, hooks by name, and contributions."""

    manifest: PluginManifest
    settings: BaseModel
    hooks: tuple[str, ...]
    contributions: Contributions

    @property
    def id(self) -> str:
        """Return the plugin's id."""
        return self.manifest.id

    @property
    def migration_owner(self) -> MigrationOwner | None:
        """Return the owner whose tables are migrated; None for a plugin without tables."""
        migrations = self.contributions.migrations
        return None if migrations is None else MigrationOwner(self.id, migrations.location)


@dataclass(frozen=True)
class PluginSet:
    """The enabled plugins in the order of their names.

    ``revision`` is the number in the database at which they were read; it grows whenever an admin enables, disables or
    configures one. A plugin that fails makes a new set at the same revision, so tell sets apart by identity.
    """

    revision: int = 0
    plugins: tuple[EnabledPlugin, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of the enabled plugins."""
        return tuple(plugin.id for plugin in self.plugins)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Return the permissions that the plugins define."""
        return tuple(permission for plugin in self.plugins for permission in plugin.manifest.permissions)

    @property
    def traits(self) -> tuple[Trait, ...]:
        """Return the traits of every plugin."""
        return tuple(trait for plugin in self.plugins for trait in plugin.contributions.traits)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of every plugin; a job's id starts with its plugin's."""
        return tuple(job for plugin in self.plugins for job in plugin.contributions.jobs)

    @property
    def contact_rules(self) -> tuple[ContactRule, ...]:
        """Return the rules of contact of every plugin, each with its owner."""
        return tuple(rule for plugin in self.plugins for rule in plugin.contributions.contact_rules)

    @property
    def message_templates(self) -> Mapping[str, MessageTemplate]:
        """Return the templates of messages of every plugin, by id, which starts with the plugin's."""
        return {template.id: template for plugin in self.plugins for template in plugin.contributions.message_templates}

    @property
    def event_types(self) -> frozenset[str]:
        """Return the types of events that some plugin handles."""
        return frozenset(type for plugin in self.plugins for type in plugin.contributions.events)

    def get(self, plugin_id: str) -> EnabledPlugin | None:
        """Return the plugin when it is enabled."""
        return next((plugin for plugin in self.plugins if plugin.id == plugin_id), None)
