from datetime import UTC, datetime

import pytest
from sqlalchemy import literal

from regulars.owned_names import NameTaken
from regulars.plugins.contributions import Trait
from regulars.traits.models import TraitDefinition
from regulars.traits.registry import trait_registry

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def trait(key: str) -> Trait:
    return Trait(key, "Size", "text", "inferred", literal("M"), literal(1), "shoes:read")


def definition(key: str) -> TraitDefinition:
    return TraitDefinition(key=key, title="Size", type="text", provenance="declared", created_at=NOW)


def test_traits_of_plugins_and_of_the_company_are_found_by_key_with_their_owner() -> None:
    registry = trait_registry({"shoes": [trait("shoes.size")]}).with_definitions([definition("hat")])

    assert registry.plugin_traits["shoes.size"].title == "Size"
    assert registry.company_traits["hat"].provenance == "declared"
    assert dict(registry.owners) == {"shoes.size": "shoes", "hat": "the company"}


def test_a_trait_of_two_plugins_is_refused_naming_both() -> None:
    with pytest.raises(NameTaken, match=r"trait 'shoes\.size' is defined by shoes and by boots"):
        trait_registry({"shoes": [trait("shoes.size")], "boots": [trait("shoes.size")]})


def test_a_trait_that_one_plugin_brings_twice_is_refused() -> None:
    with pytest.raises(NameTaken, match="defined by shoes and by shoes"):
        trait_registry({"shoes": [trait("shoes.size"), trait("shoes.size")]})


def test_a_trait_of_a_plugin_that_the_company_defined_before_is_refused_naming_both() -> None:
    with pytest.raises(NameTaken, match="defined by shoes and by the company"):
        trait_registry({"shoes": [trait("shoes.size")]}).with_definitions([definition("shoes.size")])
