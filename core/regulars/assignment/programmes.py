"""Set up programmes and the holdout: which arms there are, which layer they stand in, and when they are over."""

from collections.abc import Sequence
from datetime import datetime
from math import isclose, isfinite
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.assignment.draws import Arm
from regulars.assignment.models import AssignedUnit, AssignmentHoldout, AssignmentProgramme
from regulars.checks import check_text
from regulars.errors import InvalidInput, NotFound, NotUnique, OutOfRange

__all__ = [
    "CUSTOMER",
    "arms_of",
    "change_arms",
    "close_programme",
    "create_programme",
    "find_programme",
    "read_holdout",
    "set_holdout",
]

CUSTOMER = "customer"
LARGEST_SHARE = 0.5
MOST_ARMS = 20


async def create_programme(
    session: AsyncSession,
    *,
    owner: str,
    key: str,
    arms: Sequence[Arm],
    seed: str,
    unit_kind: str = CUSTOMER,
    layer: str | None = None,
    has_holdout: bool = True,
    now: datetime,
) -> AssignmentProgramme:
    """Return a new programme; ``owner`` is the plugin's id, ``key`` its own name for it.

    ``seed`` is a secret, best ``secrets.token_hex(32)``. A unit takes part in one programme of a ``layer`` at most.
    With ``has_holdout`` those who are held out of everything are never assigned. Raises ``InvalidInput`` for arms that
    are none or whose shares do not sum to 1, ``NotUnique`` for a key that is taken.
    """
    for name, text in (("owner", owner), ("key", key), ("seed", seed), ("unitKind", unit_kind)):
        check_text(text, path=(name,))
    if await find_programme(session, owner=owner, key=key) is not None:
        raise NotUnique(f"{owner} has a programme {key!r} already. Choose another key, or use that one.", path=("key",))
    programme = AssignmentProgramme(
        owner=owner,
        key=key,
        unit_kind=unit_kind,
        layer=None if layer is None else check_text(layer, path=("layer",)),
        seed=seed,
        arms=_checked_arms(arms),
        has_holdout=has_holdout,
        created_at=now,
    )
    session.add(programme)
    await session.flush()
    return programme


async def find_programme(session: AsyncSession, *, owner: str, key: str) -> AssignmentProgramme | None:
    """Return the programme of that name, or None."""
    return (
        await session.scalars(
            select(AssignmentProgramme).where(
                col(AssignmentProgramme.owner) == owner, col(AssignmentProgramme.key) == key
            )
        )
    ).one_or_none()


def arms_of(programme: AssignmentProgramme) -> list[Arm]:
    """Return the arms of a programme in their order."""
    return [Arm(name, share) for name, share in programme.arms]


async def change_arms(session: AsyncSession, *, programme_id: UUID, arms: Sequence[Arm]) -> AssignmentProgramme:
    """Let units that are assigned from now on fall into these arms; who is assigned stays where they are."""
    programme = await _read(session, programme_id)
    programme.arms = _checked_arms(arms)
    return programme


async def close_programme(session: AsyncSession, *, programme_id: UUID, now: datetime) -> AssignmentProgramme:
    """Assign nobody any more, and free the layer for other programmes; who was assigned stays known."""
    programme = await _read(session, programme_id)
    programme.closed_at = programme.closed_at or now
    await session.execute(
        update(AssignedUnit)
        .where(col(AssignedUnit.programme_id) == programme_id, col(AssignedUnit.layer).is_not(None))
        .values(layer=None)
        .execution_options(synchronize_session=False)
    )
    return programme


async def read_holdout(session: AsyncSession, *, unit_kind: str = CUSTOMER, now: datetime) -> AssignmentHoldout | None:
    """Return the holdout that stands at this moment, or None."""
    holdout = await session.get(AssignmentHoldout, unit_kind)
    if holdout is None or holdout.share == 0 or (holdout.until is not None and holdout.until <= now):
        return None
    return holdout


async def set_holdout(
    session: AsyncSession,
    *,
    share: float,
    until: datetime | None,
    seed: str,
    unit_kind: str = CUSTOMER,
    now: datetime,
) -> AssignmentHoldout:
    """Hold a share of all units out of everything until that moment.

    A larger share later holds out all of a smaller one, for the ``seed`` of the first time stays. Who was assigned
    before stays assigned. Raises ``OutOfRange`` for more than a half.
    """
    if not (isfinite(share) and 0 <= share <= LARGEST_SHARE):
        raise OutOfRange(f"A holdout is a share between 0 and {LARGEST_SHARE}, not {share}.", path=("share",))
    holdout = await session.get(AssignmentHoldout, unit_kind)
    if holdout is None:
        holdout = AssignmentHoldout(
            unit_kind=unit_kind, seed=check_text(seed, path=("seed",)), share=share, until=until, set_at=now
        )
        session.add(holdout)
    holdout.share, holdout.until, holdout.set_at = share, until, now
    return holdout


async def _read(session: AsyncSession, programme_id: UUID) -> AssignmentProgramme:
    programme = await session.get(AssignmentProgramme, programme_id)
    if programme is None:
        raise NotFound("programme", programme_id, path=("programmeId",))
    return programme


def _checked_arms(arms: Sequence[Arm]) -> list[list[str | float]]:
    names = [check_text(arm.name, path=("arms",)) for arm in arms]
    if not 0 < len(names) <= MOST_ARMS or len(set(names)) < len(names):
        raise InvalidInput(f"A programme has 1 to {MOST_ARMS} arms, each with a name of its own.", path=("arms",))
    if not all(isfinite(arm.share) and arm.share >= 0 for arm in arms):
        raise InvalidInput("Each arm has a share of 0 or more.", path=("arms",))
    whole = sum(arm.share for arm in arms)
    if not isclose(whole, 1, abs_tol=1e-9):
        raise InvalidInput(f"The shares of all arms sum to {whole:g}, not to 1.", path=("arms",))
    return [[arm.name, float(arm.share)] for arm in arms]
