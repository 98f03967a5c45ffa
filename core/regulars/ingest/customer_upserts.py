"""Decide what many upserts in a row change; pure, and by the rules of ``upsert_customer``."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from regulars.customers.changes import NewValues
from regulars.customers.identities import Identity
from regulars.customers.service import SeveralCustomersMatch
from regulars.ingest.customer_rows import CustomerRow
from regulars.ingest.new_customers import NameKey, NewCustomer, NewIdentity, key_of
from regulars.suppressions.refusals import AddressErased

__all__ = ["Change", "KnownCustomers", "Upserts"]


@dataclass
class KnownCustomers:
    """What is known of the customers whom some names lead to.

    ``claims`` are their holders by name, the verified owner with True; ``names`` and ``systems`` are each one's names
    and the systems in which they have an external id.
    """

    values: dict[UUID, NewValues] = field(default_factory=dict)
    claims: defaultdict[NameKey, dict[UUID, bool]] = field(default_factory=lambda: defaultdict(dict))
    names: defaultdict[UUID, set[NameKey]] = field(default_factory=lambda: defaultdict(set))
    systems: defaultdict[UUID, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add_name(self, customer_id: UUID, key: NameKey, *, is_verified: bool, is_retired: bool = False) -> None:
        """Note that a customer has a name; a retired one leads to nobody."""
        kind, source, _ = key
        self.names[customer_id].add(key)
        if kind == "external":
            self.systems[customer_id].add(source)
        if not is_retired:
            claims = self.claims[key]
            claims[customer_id] = is_verified or claims.get(customer_id, False)

    def claimants(self, identity: Identity) -> Sequence[UUID]:
        """Return the verified owner alone, else all who claim the name."""
        claims = self.claims.get(key_of(identity), {})
        owners = [id for id, is_verified in claims.items() if is_verified]
        return owners or list(claims)


@dataclass
class Change:
    """What changes about a customer who was known: final values, and how many times something did."""

    values: NewValues = field(default_factory=dict)
    times: int = 0


@dataclass
class Upserts:
    """What upserts, one after another, change; each sees what those before it did.

    ``erased`` are names of people who were erased on request.
    """

    known: KnownCustomers
    erased: Collection[NameKey] = frozenset()
    new: dict[UUID, NewCustomer] = field(default_factory=dict)
    changes: defaultdict[UUID, Change] = field(default_factory=lambda: defaultdict(Change))
    identities: list[NewIdentity] = field(default_factory=list)
    updates: list[tuple[UUID, list[str]]] = field(default_factory=list)

    def upsert(self, row: CustomerRow) -> Literal["created", "updated", "unchanged"]:
        """Note what one row changes.

        Raises ``SeveralCustomersMatch`` when its names lead to more than one customer, and ``AddressErased`` when one
        belonged to somebody who was erased, and belongs to nobody else.
        """
        for identity in row.identities:
            if key_of(identity) in self.erased and not self.known.claims.get(key_of(identity)):
                raise AddressErased(identity.kind)
        id = self._customer_with(row.identities)
        if id is None:
            self._create(row)
            return "created"
        is_changed = self._change(id, row.values)
        is_renamed = self._name(id, row.identities)
        return "updated" if is_changed or is_renamed else "unchanged"

    def _customer_with(self, identities: Sequence[Identity]) -> UUID | None:
        external = [identity for identity in identities if identity.kind == "external"]
        owners = [id for identity in external for id in self.known.claimants(identity)]
        for other in owners:
            if other != owners[0]:
                raise SeveralCustomersMatch(owners[0], other)
        return owners[0] if owners else self._claimant_of(identities, {identity.source for identity in external})

    def _claimant_of(self, identities: Sequence[Identity], systems: set[str]) -> UUID | None:
        unclear: Sequence[UUID] = ()
        for identity in identities:
            claimants = self.known.claimants(identity)
            if len(claimants) == 1 and not self.known.systems[claimants[0]] & systems:
                return claimants[0]
            if len(claimants) > 1:
                unclear = claimants
        if unclear and not systems:
            raise SeveralCustomersMatch(unclear[0], unclear[1])
        return None

    def _create(self, row: CustomerRow) -> None:
        new = NewCustomer(values=dict(row.values))
        self.new[new.id] = new
        self.known.values[new.id] = dict(new.values)
        self._name(new.id, row.identities)

    def _change(self, id: UUID, values: NewValues) -> bool:
        before = self.known.values[id]
        changed: dict[str, Any] = {name: value for name, value in values.items() if before.get(name) != value}
        if not changed:
            return False
        before.update(changed)
        if id in self.new:
            self.new[id].values.update(changed)
            self.new[id].version += 1
        else:
            self.changes[id].values.update(changed)
            self.changes[id].times += 1
        self.updates.append((id, list(changed)))
        return True

    def _name(self, id: UUID, identities: Sequence[Identity]) -> bool:
        added = {key_of(identity): identity for identity in identities if key_of(identity) not in self.known.names[id]}
        for key, identity in added.items():
            self.known.add_name(id, key, is_verified=identity.kind == "external")
            if id in self.new:
                self.new[id].identities.append(identity)
            else:
                self.identities.append(NewIdentity(id, id, identity))
        return bool(added)
