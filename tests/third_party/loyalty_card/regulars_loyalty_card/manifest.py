"""What the loyalty_card plugin says about itself."""

from pydantic import BaseModel, Field

from regulars import Grants, Permission, PluginManifest

__all__ = ["LoyaltySettings", "manifest"]


class LoyaltySettings(BaseModel):
    """What an admin can set about loyalty cards."""

    points_per_order: int = Field(default=10, ge=1, description="How many points an order earns.")
    gold_from: int = Field(default=100, ge=1, description="From how many points on a card is golden.")


manifest = PluginManifest(
    id="loyalty_card",
    version="0.1.0",
    title="Loyalty cards",
    summary="Points on every order, and a page that counts them.",
    hook_api=">=1.0,<2",
    implementation="regulars_loyalty_card.plugin",
    graphql_types=("LoyaltyCard", "LoyaltyCardCountInput", "LoyaltyCardCountPayload"),
    settings=LoyaltySettings,
    permissions=(
        Permission("loyalty_card:read", "See loyalty cards", ("admin", "analyst", "frontline")),
        Permission("loyalty_card:count", "Count points anew", ("admin", "frontline")),
    ),
    grants=Grants(read=("touchpoint.type",), events=("touchpoint.recorded",)),
)
