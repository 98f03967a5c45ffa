"""Draw numbers for units, always the same ones: on any machine, in any order, however often it is asked."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hashlib import _Hash as HASH

__all__ = ["Arm", "Draw", "arm_of", "drawing", "in_order_of_entry", "slicing"]

WHOLE_BITS = 53
"""A double holds so many bits exactly, so both databases and every language keep the number as it is."""

SHIFT = 64 - WHOLE_BITS
STEP = 2.0**-WHOLE_BITS


class Arm(NamedTuple):
    """One way to treat units, and the share of them that is treated so."""

    name: str
    share: float


class Draw(NamedTuple):
    """Two numbers of [0, 1) that know nothing of each other: one orders entry, the other picks the arm."""

    entry: float
    arm: float


def drawing(seed: str, programme: str) -> Callable[[str], Draw]:
    """Return what draws for units of this programme.

    Each number is the first 53 bits of SHA-256 over the seed, what the number is for, the programme and the unit. Each
    part follows its own length, so that the parts of ("ab", "c") are not those of ("a", "bc").
    """
    entry, arm = (_begun(seed, purpose, programme) for purpose in ("entry", "arm"))
    copy_entry, copy_arm, number = entry.copy, arm.copy, int.from_bytes

    def draw(unit: str) -> Draw:
        part = _part(unit)
        of_entry, of_arm = copy_entry(), copy_arm()
        of_entry.update(part)
        of_arm.update(part)
        return Draw(
            (number(of_entry.digest()[:8], "big") >> SHIFT) * STEP, (number(of_arm.digest()[:8], "big") >> SHIFT) * STEP
        )

    return draw


def arm_of(value: float, arms: Sequence[Arm]) -> str:
    """Return the name of the arm into whose share the number falls; shares lie side by side in the order given."""
    end = 0.0
    for arm in arms:
        end += arm.share
        if value < end:
            return arm.name
    return arms[-1].name


def slicing(seed: str, *, share: float) -> Callable[[str], bool]:
    """Return what tells whether a unit lies in a slice of this size; a larger slice holds all of a smaller one."""
    copy, number, end = _begun(seed, "slice", "").copy, int.from_bytes, share / STEP

    def is_in_slice(unit: str) -> bool:
        begun = copy()
        begun.update(_part(unit))
        return number(begun.digest()[:8], "big") >> SHIFT < end

    return is_in_slice


def in_order_of_entry(seed: str, programme: str, units: Iterable[str]) -> list[str]:
    """Return the units in the order in which they enter: the first 100 of a cap are among the first 200."""
    draw = drawing(seed, programme)
    return sorted(units, key=lambda unit: (draw(unit).entry, unit))


def _begun(seed: str, purpose: str, programme: str) -> "HASH":
    return sha256(b"".join(map(_part, (seed, purpose, programme))))


def _part(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(4, "big") + encoded
