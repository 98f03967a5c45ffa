"""What an admin can set about the preference centre."""

from typing import Literal

from pydantic import BaseModel, Field

__all__ = ["Language", "Partner", "PreferenceSettings"]

Language = Literal["en", "de", "ar"]


class Partner(BaseModel):
    """Another company that a customer may let write to them; ``id`` is the recipient in the ledger."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,49}$", description="The partner's name in the ledger of consents.")
    title: str = Field(min_length=1, max_length=100, description="The partner's name as customers read it.")


class PreferenceSettings(BaseModel):
    """What an admin can set about the preference centre."""

    languages: tuple[Language, ...] = Field(
        default=("en", "de", "ar"), min_length=1, description="The languages of the page, the preferred one first."
    )
    channels: tuple[str, ...] = Field(
        default=("email", "sms", "push", "voice", "post"),
        min_length=1,
        description="The channels that a customer may switch on and off.",
    )
    partners: tuple[Partner, ...] = Field(default=(), description="The partners that a customer may let write to them.")
    notice_version: str = Field(
        default="preferences-1",
        min_length=1,
        max_length=50,
        description="The version of the texts beside the page's buttons, as the ledger keeps it.",
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/]+)?$",
        description="The address under which customers reach this server, such as `https://shop.example.com`.",
    )
    house_limit: int | None = Field(
        default=3, ge=0, description="How many messages a customer gets at most within the house's window; empty: any."
    )
    house_window_h: int = Field(default=168, ge=1, description="The house's window, in hours.")
