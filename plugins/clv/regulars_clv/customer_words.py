"""What customers read about their score: words by language, what it is used for, and what a tier means."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from regulars import PluginContext, TraitWords
from regulars_clv.fits import newest_fit
from regulars_clv.settings import ClvSettings

__all__ = [
    "amount_words",
    "customer_words",
    "past_words",
    "percent_words",
    "probability_words",
    "score_words",
    "tier_words",
    "use_of_scores",
]

DECIMAL_COMMA = ("de",)


@cache
def customer_words(language: str) -> Mapping[str, Any]:
    """Return the words of a language, English where there are none."""
    content = tomllib.loads(files("regulars_clv").joinpath("customer_words.toml").read_text(encoding="utf-8"))
    found: Mapping[str, Any] = content.get(language) or content["en"]
    return found


def use_of_scores(ctx: PluginContext, language: str) -> str | None:
    """Return what an admin wrote down, else in the company's usual language or another; None where nobody did."""
    used_for = ctx.settings_as(ClvSettings).used_for
    tried = (language, *ctx.company.languages, *sorted(used_for))
    return next((used_for[one] for one in tried if used_for.get(one)), None)


async def score_words(ctx: PluginContext, language: str) -> TraitWords:
    """Return where a fact comes from, and what it is used for."""
    return TraitWords(used_for=use_of_scores(ctx, language), source=customer_words(language)["source"])


async def percent_words(ctx: PluginContext, language: str) -> TraitWords:
    """Return the same of a figure in percent."""
    return replace(await score_words(ctx, language), unit="%")


async def probability_words(ctx: PluginContext, language: str) -> TraitWords:
    """Return the same of a probability."""
    return replace(await score_words(ctx, language), is_share=True)


async def amount_words(ctx: PluginContext, language: str) -> TraitWords:
    """Return the same of an amount of money."""
    newest = await newest_fit(ctx.session)
    return replace(await score_words(ctx, language), unit=None if newest is None else newest.currency)


async def past_words(ctx: PluginContext, language: str) -> TraitWords:
    """Return the same of an amount of money that was seen, and not estimated."""
    return replace(await amount_words(ctx, language), source=customer_words(language)["source_seen"])


async def tier_words(ctx: PluginContext, language: str) -> TraitWords:
    """Return the same of a tier, and what each tier means by the settings that it was made with."""
    newest = await newest_fit(ctx.session)
    made_with = ctx.settings_as(ClvSettings) if newest is None else ClvSettings.model_validate(newest.settings)
    return replace(await score_words(ctx, language), values=_meanings(made_with, language))


def _meanings(settings: ClvSettings, language: str) -> Mapping[str, str]:
    words = customer_words(language)
    meanings = {name: words["tier"].format(share=_share(share, language)) for name, share in settings.tiers.items()}
    if settings.tiers:
        reach = max(settings.tiers.values())
        meanings[settings.rest_tier] = words["rest_tier"].format(share=_share(reach, language))
    meanings[settings.unprofitable_tier] = words["unprofitable_tier"]
    ours = _names_of_tiers(ClvSettings())
    # A company's own name for a tier may be one that its customers know: it stands before what it means.
    return {name: said if name in ours else f"{name} ({said})" for name, said in meanings.items()}


def _names_of_tiers(settings: ClvSettings) -> frozenset[str]:
    return frozenset((*settings.tiers, settings.rest_tier, settings.unprofitable_tier))


def _share(share: float, language: str) -> str:
    figures = f"{share:g}"
    return figures.replace(".", ",") if language in DECIMAL_COMMA else figures
