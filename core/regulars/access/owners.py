"""Who a key can belong to, and whether that owner may still come in."""

from dataclasses import dataclass
from uuid import UUID

from regulars.access.models import StaffMember
from regulars.customers.models import Customer

__all__ = [
    "ForCustomer",
    "ForService",
    "ForSource",
    "ForStaffMember",
    "KeyOwner",
    "is_active_customer",
    "is_active_staff_member",
]


@dataclass(frozen=True)
class ForStaffMember:
    """The key is a staff member's, and may do what that person's role may do."""

    id: UUID


@dataclass(frozen=True)
class ForService:
    """The key is another system's, which has a role of its own."""

    role: str


@dataclass(frozen=True)
class ForCustomer:
    """The key is a customer's, who sees only their own rows."""

    id: UUID


@dataclass(frozen=True)
class ForSource:
    """The key is a site's or an app's, which sends events in this name and can do nothing else."""

    name: str


KeyOwner = ForStaffMember | ForService | ForCustomer | ForSource


def is_active_staff_member(staff_member: StaffMember) -> bool:
    """Tell whether this person may come in."""
    return staff_member.disabled_at is None


def is_active_customer(customer: Customer) -> bool:
    """Tell whether this customer may come in.

    A customer who became part of another one may not: the old key must not show the survivor's rows.
    """
    gone = customer.deleted_at is not None or customer.merged_into_id is not None
    return not gone and customer.status not in {"deceased", "erased"}
