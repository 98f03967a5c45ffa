"""Section 1: who the page belongs to, and the way out for whoever that is not."""

import re
from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any

from regulars import KnownAddress, addresses_of
from regulars_preference_centre.page.section import Section
from regulars_preference_centre.page.visit import Visit

__all__ = ["SECTION", "masked"]

DOTS = "•••••"
SHOWN_DIGITS = 2


async def _read(visit: Visit) -> Mapping[str, Any]:
    held = await addresses_of(visit.ctx.session, customer_id=visit.customer_id)
    left = timedelta(0) if visit.session is None else visit.session.expires_at - visit.now
    return {
        "address": masked(held[0]) if held else None,
        "is_phone": bool(held) and held[0].kind == "phone",
        "minutes": max(1, ceil(left / timedelta(minutes=1))),
    }


def masked(address: KnownAddress) -> str:
    """Return as much of an address as its owner needs to know it by: ``a•••••@example.com``, or two last digits."""
    if address.kind == "phone":
        return re.sub(r"\D", "", address.value)[-SHOWN_DIGITS:]
    local, _, domain = address.value.rpartition("@")
    return f"{local[:1]}{DOTS}@{domain}"


SECTION = Section("who", "preferences/who.html", _read, is_for_all=True, is_listed=False)
