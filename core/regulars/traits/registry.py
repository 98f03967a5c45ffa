"""The traits that this installation knows: those of plugins, and those that the company defined."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from regulars.owned_names import OwnedNames, add_owned_names
from regulars.plugins.contributions import Provenance, Trait, TraitType
from regulars.traits.models import TraitDefinition

__all__ = ["COMPANY", "PROVENANCES", "TRAIT_TYPES", "TraitRegistry", "trait_registry"]

COMPANY = "the company"
PROVENANCES: tuple[str, ...] = get_args(Provenance)
TRAIT_TYPES: tuple[str, ...] = get_args(TraitType)


@dataclass(frozen=True)
class TraitRegistry:
    """Traits by key: ``plugin_traits`` lie in tables of plugins, ``company_traits`` in the core's; each has one owner.

    ``owners`` maps a key to the plugin's id, or to ``the company``.
    """

    plugin_traits: Mapping[str, Trait]
    company_traits: Mapping[str, TraitDefinition]
    owners: OwnedNames

    def with_definitions(self, definitions: Iterable[TraitDefinition]) -> "TraitRegistry":
        """Return these and what the company defined; raise ``NameTaken`` naming both owners of a double."""
        added = {definition.key: definition for definition in definitions}
        return TraitRegistry(
            plugin_traits=self.plugin_traits,
            company_traits=MappingProxyType({**self.company_traits, **added}),
            owners=add_owned_names("trait", self.owners, added, owner=COMPANY),
        )


def trait_registry(of_plugins: Mapping[str, Iterable[Trait]]) -> TraitRegistry:
    """Return the traits of plugins, given by plugin id; raise ``NameTaken`` naming both plugins of a double."""
    owners: OwnedNames = MappingProxyType({})
    traits: dict[str, Trait] = {}
    for plugin_id, contributed in of_plugins.items():
        own = list(contributed)
        owners = add_owned_names("trait", owners, [trait.key for trait in own], owner=plugin_id)
        traits.update({trait.key: trait for trait in own})
    return TraitRegistry(MappingProxyType(traits), MappingProxyType({}), owners)
