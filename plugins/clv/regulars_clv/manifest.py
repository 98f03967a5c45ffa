"""What the clv plugin says about itself."""

from regulars import Grants, Permission, PluginManifest
from regulars_clv.settings import ClvSettings

__all__ = ["manifest"]

manifest = PluginManifest(
    id="clv",
    version="0.1.0",
    title="Customer lifetime value",
    summary="What each customer is expected to bring in: profit, as a range, with its model and its date.",
    hook_api=">=1.0,<2",
    implementation="regulars_clv.plugin",
    graphql_types=("Clv", "ClvModel", "ClvModelFitInput"),
    settings=ClvSettings,
    permissions=(
        Permission("clv:read", "See what customers are worth", ("admin", "analyst")),
        Permission("clv:manage", "Fit models of customer value", ("admin", "analyst")),
    ),
    grants=Grants(
        read=(
            *("customer.id", "suppression.kind", "touchpoint.amount", "touchpoint.cost", "touchpoint.occurred_at"),
            "trait_objection.key",
        ),
        events=("suppression.added", "touchpoint.recorded", "trait.deleted"),
    ),
)
