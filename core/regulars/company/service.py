"""Read what the company says about itself, and change it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.company.colours import checked_accent
from regulars.company.logos import checked_logo, logo_parts
from regulars.company.models import THE_COMPANY, CompanySettings
from regulars.currencies import check_currency
from regulars.errors import Conflict, InvalidInput
from regulars.events.service import record_event
from regulars.plugins.context import Company
from regulars.settings import Settings
from regulars.unset import UNSET, Unset

__all__ = ["CompanyChanges", "read_company", "read_logo", "read_version", "update_company", "usual_company"]

LONGEST_NAME = 100
MOST_LANGUAGES = 30
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
MAIL_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}\.[^\s@<>.]{2,}")


@dataclass(frozen=True)
class CompanyChanges:
    """What is to be changed: ``UNSET`` leaves, ``None`` goes back to what the operator's settings say."""

    name: str | Unset | None = UNSET
    time_zone: str | Unset | None = UNSET
    currency: str | Unset | None = UNSET
    languages: Sequence[str] | Unset | None = UNSET
    support_address: str | Unset | None = UNSET
    accent: str | Unset | None = UNSET
    logo: str | Unset | None = UNSET


def usual_company(settings: Settings) -> Company:
    """Return the company as the operator's settings say, which holds wherever the company said nothing itself."""
    return Company(settings.company_name, settings.company_time_zone, settings.company_currency)


async def read_company(session: AsyncSession, *, usual: Company) -> Company:
    """Return the company as it is now."""
    return _company(await session.get(CompanySettings, THE_COMPANY, populate_existing=True), usual)


async def read_version(session: AsyncSession) -> int:
    """Return the number that grows with each change, so that every process can follow."""
    return await session.scalar(select(col(CompanySettings.version))) or 0


async def read_logo(session: AsyncSession) -> tuple[str, bytes] | None:
    """Return media type and content of the logo; None where there is none."""
    logo = await session.scalar(select(col(CompanySettings.logo)))
    return None if logo is None else logo_parts(logo)


async def update_company(
    session: AsyncSession,
    *,
    changes: CompanyChanges,
    usual: Company,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Company:
    """Change what the company says about itself and return the company.

    Raises an ``InvalidInput`` for a value that cannot be, ``AccentRefused`` for a colour that cannot be read, and
    ``Conflict`` when somebody changed it since.
    """
    row = await _row_for_change(session, now)
    if expected_version is not None and expected_version != row.version:
        raise Conflict("company", usual.name, expected=expected_version, actual=row.version)
    values = {name: value for name, value in vars(changes).items() if value is not UNSET}
    for name, value in values.items():
        setattr(row, name, None if value is None else _CHECKS[name](value))
    row.version, row.updated_at = row.version + 1, now
    await session.flush()
    await record_event(
        session,
        type="company.updated",
        subject="company",
        actor=actor.label,
        data={"version": row.version, "changed": sorted(values)},
        now=now,
    )
    return _company(row, usual)


async def _row_for_change(session: AsyncSession, now: datetime) -> CompanySettings:
    row = await session.get(CompanySettings, THE_COMPANY, with_for_update=True, populate_existing=True)
    if row is not None:
        return row
    try:
        async with session.begin_nested():
            session.add(CompanySettings(updated_at=now))
            await session.flush()
    except IntegrityError:
        pass  # somebody else made it at the same moment
    return await session.get_one(CompanySettings, THE_COMPANY, with_for_update=True, populate_existing=True)


def _company(row: CompanySettings | None, usual: Company) -> Company:
    if row is None:
        return usual
    return Company(
        name=row.name or usual.name,
        time_zone=row.time_zone or usual.time_zone,
        currency=row.currency or usual.currency,
        languages=tuple(row.languages) if row.languages else usual.languages,
        support_address=row.support_address,
        accent=row.accent,
        has_logo=row.logo is not None,
        version=row.version,
    )


def _checked_name(name: str) -> str:
    if not name.strip() or len(name.strip()) > LONGEST_NAME or not name.strip().isprintable():
        raise InvalidInput(f"A name has 1 to {LONGEST_NAME} characters, in one line.", path=("name",))
    return name.strip()


def _checked_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise InvalidInput(f"{zone[:80]!r} is no IANA time zone, such as Europe/Berlin.", path=("timeZone",))
    return zone


def _checked_currency(currency: str) -> str:
    return check_currency(currency, path=("currency",))


def _checked_languages(languages: Sequence[str]) -> list[str]:
    wrong = next((language for language in languages if not LANGUAGE.fullmatch(language)), None)
    if wrong is not None or not languages or len(languages) > MOST_LANGUAGES:
        raise InvalidInput(
            f"Give 1 to {MOST_LANGUAGES} languages by their tags, such as en or pt-BR, the usual one first.",
            path=("languages",),
        )
    return list(dict.fromkeys(languages))


def _checked_support_address(address: str) -> str:
    if not MAIL_ADDRESS.fullmatch(address.strip()):
        raise InvalidInput(
            "The support address is an e-mail address, such as help@example.com.", path=("supportAddress",)
        )
    return address.strip()


_CHECKS = {
    "name": _checked_name,
    "time_zone": _checked_zone,
    "currency": _checked_currency,
    "languages": _checked_languages,
    "support_address": _checked_support_address,
    "accent": checked_accent,
    "logo": checked_logo,
}
