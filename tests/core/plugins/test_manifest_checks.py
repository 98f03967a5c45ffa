from typing import Any

import pytest
from tests.core.plugins.fakes import manifest

from regulars.plugins.joining.manifest_checks import check_manifest, grant_names
from regulars.plugins.manifest import Grants, Permission
from regulars.plugins.states import PluginState, PluginWithheld


@pytest.mark.parametrize("plugin_id", ["Gold", "gold-card", "_gold", "gold_", "2gold", "gold__card", "g" * 31, ""])
def test_an_id_is_lower_snake_case(plugin_id: str) -> None:
    with pytest.raises(PluginWithheld, match="lower snake case"):
        check_manifest(manifest(plugin_id), plugin_id=plugin_id)


@pytest.mark.parametrize("plugin_id", ["core", "alembic", "db", "serve"])
def test_an_id_of_the_server_is_refused(plugin_id: str) -> None:
    with pytest.raises(PluginWithheld, match="belongs to the server"):
        check_manifest(manifest(plugin_id), plugin_id=plugin_id)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"version": "one"}, "'one' is no version"),
        ({"version": None}, "version must be text"),
        ({"hook_api": "about 1"}, "hook_api must be a range"),
        ({"depends": {"silver": "new"}}, "the version of silver in depends must be a range"),
        ({"depends": None}, "cannot be understood"),
        ({"implementation": "gold plugin"}, "implementation must name a module"),
        ({"settings": dict}, "settings must be a pydantic model"),
        ({"grants": ("read",)}, "grants must be Grants"),
        ({"grants": Grants(network="api.example")}, "tuples of texts"),  # type: ignore[arg-type]  # wrong on purpose
        ({"graphql_types": ("card",)}, "must begin with a capital"),
        ({"graphql_types": ("Card", "Card")}, "the type name Card is there twice"),
        ({"permissions": (Permission("silver:read", "Read"),)}, "must start with 'gold:'"),
        ({"permissions": (Permission("gold:read", "Read", ("king",)),)}, "unknown roles: king"),
        ({"permissions": (Permission("gold:read", "A"), Permission("gold:read", "B"))}, "gold:read is there twice"),
        ({"permissions": ("gold:read",)}, "must be of type Permission"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_fault(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(PluginWithheld, match=fault) as refused:
        check_manifest(manifest("gold", **changes), plugin_id="gold")

    assert refused.value.state is PluginState.FAILED


@pytest.mark.parametrize("hook_api", [">=1.0,<2", "~=1.0", "==1.*", ">=0.9"])
def test_a_range_with_this_version_of_the_hooks_fits(hook_api: str) -> None:
    check_manifest(manifest("gold", hook_api=hook_api), plugin_id="gold")


@pytest.mark.parametrize("hook_api", [">=1.1", "<1.0", ">=2,<3"])
def test_a_range_without_this_version_is_incompatible(hook_api: str) -> None:
    with pytest.raises(PluginWithheld) as refused:
        check_manifest(manifest("gold", hook_api=hook_api), plugin_id="gold")

    assert refused.value.state is PluginState.INCOMPATIBLE


def test_grants_are_told_in_words() -> None:
    grants = Grants(read=("customer.email",), network=("api.example",), events=("customer.*",))

    assert grant_names(grants) == ("events:customer.*", "network:api.example", "read:customer.email")
