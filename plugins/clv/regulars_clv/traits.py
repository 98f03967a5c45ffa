"""The facts about customers that clv offers to segments, pilots and other plugins."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from sqlmodel import col

from regulars import PluginContext, Trait, TraitWords
from regulars_clv.customer_words import (
    amount_words,
    past_words,
    percent_words,
    probability_words,
    score_words,
    tier_words,
)
from regulars_clv.models import ClvScore

__all__ = ["TRAITS"]


def _trait(
    name: str,
    title: str,
    type: Literal["boolean", "number", "text"],
    column: Any,
    *,
    sortable: bool = False,
    is_seen: bool = False,
    words: Callable[[PluginContext, str], Awaitable[TraitWords]] = score_words,
    **titles: str,
) -> Trait:
    return Trait(
        key=f"clv.{name}",
        title=title,
        titles=titles,
        type=type,
        provenance="observed" if is_seen else "inferred",
        column=col(column),
        customer_id=col(ClvScore.customer_id),
        as_of=col(ClvScore.as_of),
        permission="clv:read",
        sortable=sortable,
        words=words,
    )


TRAITS = (
    _trait(
        "value",
        "Expected profit of the coming months",
        "number",
        ClvScore.value,
        sortable=True,
        words=amount_words,
        de="Erwarteter Gewinn der nächsten Monate",
        ar="الربح المتوقع في الأشهر القادمة",
    ),
    _trait(
        "tier",
        "Tier by expected profit",
        "text",
        ClvScore.tier,
        words=tier_words,
        de="Stufe nach erwartetem Gewinn",
        ar="الفئة حسب الربح المتوقع",
    ),
    _trait(
        "percentile",
        "Share of customers worth at most as much",
        "number",
        ClvScore.percentile,
        words=percent_words,
        de="Anteil der Kunden, die höchstens so viel bringen",
        ar="نسبة الزبائن الذين لا يزيد ربحهم المتوقع على هذا",
    ),
    _trait(
        "p_alive",
        "Probability of not having left",
        "number",
        ClvScore.p_alive,
        words=probability_words,
        de="Wahrscheinlichkeit, noch Kunde zu sein",
        ar="احتمال البقاء زبونًا",
    ),
    _trait(
        "expected_orders",
        "Expected purchase days",
        "number",
        ClvScore.expected_orders,
        de="Erwartete Tage mit Einkäufen",
        ar="عدد أيام الشراء المتوقعة",
    ),
    _trait(
        "past_profit",
        "Profit so far",
        "number",
        ClvScore.past_profit,
        sortable=True,
        words=past_words,
        is_seen=True,
        de="Gewinn bisher",
        ar="الربح حتى الآن",
    ),
    _trait(
        "overdue",
        "Has waited longer than usual",
        "boolean",
        ClvScore.is_overdue,
        de="Wartet länger als sonst",
        ar="انتظر أطول من المعتاد",
    ),
)
