"""The entries of the consent ledger as the rules see them, and when profiles became one customer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal, get_args
from uuid import UUID

from regulars.consents.scopes import Scope

__all__ = [
    "ACTIONS",
    "BASES",
    "ORIGINS",
    "Action",
    "Basis",
    "LedgerEntry",
    "Merge",
    "MergeHistory",
    "Origin",
]

Action = Literal["grant", "withdraw"]
Origin = Literal["customer", "staff", "import"]
Basis = Literal["express", "express_written", "soft_opt_in", "implied"]

ACTIONS: tuple[str, ...] = get_args(Action)
ORIGINS: tuple[str, ...] = get_args(Origin)
BASES: tuple[str, ...] = get_args(Basis)


@dataclass(frozen=True)
class LedgerEntry:
    """One grant or withdrawal.

    ``at`` is when it holds from, ``recorded_at`` when we learned of it. ``recipient`` names the one partner it is
    about; None means ourselves, and for a withdrawal everybody.
    """

    id: UUID
    profile_id: UUID
    action: str
    scope: Scope
    at: datetime
    recorded_at: datetime
    expires_at: datetime | None = None
    origin: str = "customer"
    basis: str = "express"
    recipient: str | None = None
    is_up_session: bool = False
    needs_confirmation: bool = False
    confirmed_at: datetime | None = None
    is_proven: bool = True
    notice_version: str | None = None

    def is_confirmed_by(self, moment: datetime) -> bool:
        """Tell whether a double opt-in was completed by then."""
        return self.confirmed_at is not None and self.confirmed_at <= moment

    def time_by(self, moment: datetime) -> datetime:
        """Return when it was made, seen from ``moment``: when it was confirmed, else when it holds from."""
        return self.confirmed_at if self.confirmed_at is not None and self.confirmed_at <= moment else self.at


@dataclass(frozen=True)
class Merge:
    """One profile that became part of another."""

    survivor_id: UUID
    merged_id: UUID
    at: datetime


@dataclass(frozen=True)
class MergeHistory:
    """The merges that hold, out of which follows when two profiles became one customer."""

    merges: tuple[Merge, ...] = field(default=())

    def joined_at(self, one: UUID, other: UUID) -> datetime | None:
        """Return since when the two profiles are one customer; None where no merge says that they are."""
        ours, theirs = self._path(one), self._path(other)
        return min((max(ours[id], theirs[id]) for id in ours.keys() & theirs.keys()), default=None)

    @cached_property
    def _steps(self) -> Mapping[UUID, Merge]:
        return {merge.merged_id: merge for merge in self.merges}

    def _path(self, profile_id: UUID) -> dict[UUID, datetime]:
        """Return the profile and those it became part of, each with the time since when that was so."""
        reached = {profile_id: datetime.min.replace(tzinfo=UTC)}
        while (step := self._steps.get(profile_id)) is not None and step.survivor_id not in reached:
            reached[step.survivor_id] = max(reached[profile_id], step.at)
            profile_id = step.survivor_id
        return reached
