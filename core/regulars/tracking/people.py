"""Decide which customer each message is about, and what that changes about customers; pure.

Only the names that a site or app gives itself lead to customers: its user ids, and its visitors' ids. An e-mail address
or a telephone number that somebody typed is a claim, and joins nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from regulars.customers.identities import Identity
from regulars.customers.service import SeveralCustomersMatch
from regulars.ingest.customer_upserts import KnownCustomers
from regulars.ingest.new_customers import NameKey, NewCustomer, NewIdentity, key_of
from regulars.tracking.messages import Message

__all__ = ["People", "names_of"]


def names_of(messages: Iterable[Message]) -> set[NameKey]:
    """Return every name by which a customer may be found for these messages."""
    return {
        key_of(name)
        for message in messages
        for name in (message.user, message.visitor, *message.former)
        if name is not None
    }


@dataclass
class People:
    """What messages, one after another, change about customers; each sees what those before it did.

    ``joins`` are pairs of a visitor who was unknown so far and the customer who they turned out to be; ``suspected``
    are pairs of customers who are both identified and said to be one.
    """

    known: KnownCustomers
    new: dict[UUID, NewCustomer] = field(default_factory=dict)
    identities: list[NewIdentity] = field(default_factory=list)
    joins: dict[tuple[UUID, UUID], None] = field(default_factory=dict)
    suspected: dict[tuple[UUID, UUID], None] = field(default_factory=dict)

    def customer_of(self, message: Message) -> UUID:
        """Return whom a message is about, and note what it says about names.

        Raises ``SeveralCustomersMatch`` when its user id leads to more than one customer.
        """
        if message.type == "alias":
            return self._aliased(message)
        if message.user is None:
            assert message.visitor is not None
            return self._holder(message.visitor) or self._create([message.visitor])
        id = self._user(message.user, message.visitor)
        if message.visitor is not None:
            self._visited(id, message.visitor)
        return id

    def claim(self, id: UUID, identities: Sequence[Identity]) -> None:
        """Note names that a customer is said to have."""
        for identity in identities:
            if key_of(identity) not in self.known.names[id]:
                self._name(id, identity)

    def forget(self, gone: set[UUID]) -> None:
        """Forget what was noted about people who are gone."""
        self.identities = [one for one in self.identities if one.customer_id not in gone]
        self.joins = {pair: None for pair in self.joins if not gone & set(pair)}
        self.suspected = {pair: None for pair in self.suspected if not gone & set(pair)}

    def _user(self, user: Identity, visitor: Identity | None) -> UUID:
        holders = self.known.claimants(user)
        if len(holders) > 1:
            raise SeveralCustomersMatch(holders[0], holders[1])
        if holders:
            return holders[0]
        visiting = None if visitor is None else self._holder(visitor)
        # Somebody who has another user id there is another person, though they use the same device.
        if visiting is None or user.source in self.known.systems[visiting]:
            return self._create([user])
        self._name(visiting, user)
        return visiting

    def _visited(self, id: UUID, visitor: Identity) -> None:
        holder = self._holder(visitor)
        if holder is None:
            self._name(id, visitor)
        elif holder != id and not self._is_identified(holder):
            self.joins[holder, id] = None

    def _aliased(self, message: Message) -> UUID:
        name = message.user or message.visitor
        assert name is not None
        former = next((id for one in message.former if (id := self._holder(one)) is not None), None)
        id = self._holder(name)
        if id is None and former is not None and name.source not in self.known.systems[former]:
            self._name(former, name)
            return former
        if id is None:
            id = self._create([name])
        if former is None:
            self._name(id, message.former[-1])
        elif former != id and self._is_identified(former) and self._is_identified(id):
            self.suspected[min(former, id), max(former, id)] = None
        elif former != id:
            self.joins[(former, id) if self._is_identified(id) else (id, former)] = None
        return id

    def _holder(self, name: Identity) -> UUID | None:
        holders = self.known.claimants(name)
        return min(holders) if holders else None

    def _is_identified(self, id: UUID) -> bool:
        return bool(self.known.systems[id]) or any(
            self.known.claims[key].get(id, False) for key in self.known.names[id] if key in self.known.claims
        )

    def _create(self, names: Sequence[Identity]) -> UUID:
        new = NewCustomer()
        self.new[new.id] = new
        for name in names:
            self._name(new.id, name)
        return new.id

    def _name(self, id: UUID, identity: Identity) -> None:
        self.known.add_name(id, key_of(identity), is_verified=identity.kind == "external")
        if id in self.new:
            self.new[id].identities.append(identity)
        else:
            self.identities.append(NewIdentity(id, id, identity))
