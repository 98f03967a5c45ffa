"""What an admin can set about lifetime value."""

from typing import Literal

from pydantic import BaseModel, Field

__all__ = ["ClvSettings"]


class ClvSettings(BaseModel):
    """How value is computed; each score keeps the settings that it was made with."""

    model: Literal["mbgnbd", "bgnbd", "paretonbd", "nbd"] = Field(
        default="mbgnbd", description="The model of purchases; mbgnbd lets customers without repeats have left."
    )
    currency: str | None = Field(
        default=None, pattern="^[A-Z]{3}$", description="The currency of the purchases; the company's unless set."
    )
    margin: float | None = Field(
        default=None, gt=0, le=1, description="The share of an order that is profit; without it revenue stands in."
    )
    order_cost: float = Field(default=0.0, ge=0, description="What handling one order costs.")
    horizon_months: int = Field(default=12, ge=1, le=60, description="How many months ahead value is summed.")
    discount_per_month: float = Field(default=0.01, ge=0, lt=1, description="What a month's delay takes off a value.")
    used_for: dict[str, str] = Field(
        default={},
        description="What the company uses the scores for, in words that customers read, by language: `en`…",
    )
    tiers: dict[str, float] = Field(
        default={"top_1": 1, "top_10": 10, "top_30": 30, "top_70": 70},
        description="Tiers by name, each with the share of customers (in percent) down to which it reaches.",
    )
    rest_tier: str = Field(default="rest", description="The tier of everybody below.")
    unprofitable_tier: str = Field(
        default="unprofitable", description="The tier of customers who cost more than they bring."
    )
