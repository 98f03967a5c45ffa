"""What customers may know, correct and ask of their own data: what a plugin's pages do for them, in their name."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import ANONYMOUS, Actor
from regulars.consents.registry import ConsentRegistry
from regulars.customers.identities import Identity
from regulars.plugins.contributions import TraitWords
from regulars.privacy.archives import archive_path
from regulars.privacy.requests import KnownRequest, create_privacy_request, requests_of
from regulars.selfservice.service import end_sessions
from regulars.suppressions.kinds import NO_LINK, NO_SCORING
from regulars.suppressions.lookups import suppressions_of_customers
from regulars.suppressions.service import add_suppression, opt_in_to_scoring, opt_out_of_scoring
from regulars.traits.models import TraitObjection
from regulars.traits.objections import delete_trait, dispute_trait, lift_objection
from regulars.traits.readings import TRAITS_READ, TraitReading, read_traits
from regulars.traits.registry import TraitRegistry
from regulars.traits.service import known_traits, set_traits
from regulars.traits.values import TraitInput

__all__ = ["CustomerRights", "FactWords"]

ERASURE = "erasure"


@dataclass(frozen=True)
class FactWords:
    """How a customer reads a fact: its title, what it is used for (None where nobody said), and words for its values.

    A value that is not in ``values`` is shown as it is. ``source`` stands in place of the plugin's id, and ``unit``
    behind a number; None where nobody said. A number that ``is_share`` is one of 1, to be shown in percent.
    """

    title: str
    used_for: str | None = None
    source: str | None = None
    unit: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    is_share: bool = False


@dataclass(frozen=True)
class CustomerRights:
    """Acts for customers who were let in, each time in their own name and on their own data alone.

    What a plugin may write this way its manifest must name among ``grants.write``: ``trait``, ``suppression``,
    ``suppressed_identity``, ``privacy_request``, ``job`` and ``customer_session``.
    """

    _traits: Callable[[], TraitRegistry]
    _words_of_plugins: Callable[[Collection[str], str], Awaitable[Mapping[str, TraitWords]]]
    _registry: ConsentRegistry
    _uploads: Path = field(repr=False)

    async def facts(self, session: AsyncSession, *, customer_id: UUID, now: datetime) -> Sequence[TraitReading]:
        """Return everything that is held of the customer as a fact, by key, whatever permission staff need for it."""
        registry = self._traits()
        everything = {TRAITS_READ, *(trait.permission for trait in registry.plugin_traits.values())}
        found = await read_traits(
            session, customer_ids=[customer_id], registry=registry, permissions=everything, now=now
        )
        return found[customer_id]

    async def words(self, session: AsyncSession, *, keys: Collection[str], language: str) -> Mapping[str, "FactWords"]:
        """Return what the facts with these keys are called and used for, in the language where somebody said so.

        A fact that is defined no longer is called by its key.
        """
        if not keys:
            return {}
        registry = await known_traits(session, registry=self._traits())
        said = await self._words_of_plugins(keys, language)
        return {key: _fact_words(key, registry, said.get(key, TraitWords()), language) for key in keys}

    async def set_fact(self, session: AsyncSession, *, customer_id: UUID, given: TraitInput, now: datetime) -> None:
        """Keep what the customer says of a fact; raises as ``set_traits``, for whatever they did not declare too."""
        await set_traits(
            session,
            customer_id=customer_id,
            values=[given],
            registry=self._traits(),
            actor=_in_name_of(customer_id),
            now=now,
        )

    async def delete_facts(
        self, session: AsyncSession, *, customer_id: UUID, keys: Collection[str], now: datetime
    ) -> None:
        """Delete facts, so that a guess is not made again by its method; raises ``NotFound``."""
        for key in sorted(keys):
            await delete_trait(
                session,
                customer_id=customer_id,
                key=key,
                registry=self._traits(),
                actor=_in_name_of(customer_id),
                now=now,
            )

    async def dispute_fact(
        self, session: AsyncSession, *, customer_id: UUID, key: str, reason: str | None, now: datetime
    ) -> None:
        """Note that the customer calls a fact wrong; raises ``NotFound``."""
        await dispute_trait(
            session,
            customer_id=customer_id,
            key=key,
            reason=reason,
            registry=self._traits(),
            actor=_in_name_of(customer_id),
            now=now,
        )

    async def lift_objection(
        self, session: AsyncSession, *, customer_id: UUID, objection_id: UUID, now: datetime
    ) -> TraitObjection:
        """Let a deleted guess be made again, or end a dispute; raises ``NotFound``."""
        return await lift_objection(
            session, objection_id=objection_id, only_of=customer_id, actor=_in_name_of(customer_id), now=now
        )

    async def is_scored(self, session: AsyncSession, *, customer_id: UUID) -> bool:
        """Tell whether scores and guesses may be made of the customer."""
        standing = await suppressions_of_customers(session, customer_ids=[customer_id])
        return all(entry.kind != NO_SCORING for entry in standing.get(customer_id, ()))

    async def stop_scoring(self, session: AsyncSession, *, customer_id: UUID, reason: str, now: datetime) -> None:
        """Let no score and no guess be made of the customer; a second time changes nothing."""
        await opt_out_of_scoring(
            session,
            customer_id=customer_id,
            reason=reason,
            registry=self._registry,
            actor=_in_name_of(customer_id),
            now=now,
        )

    async def stop_scoring_of_address(
        self, session: AsyncSession, *, address: Identity, reason: str, now: datetime
    ) -> None:
        """Let no score, guess or link be made of whoever has this address, a customer or not; nobody is created.

        The address must have been proved. Of it only a keyed hash is kept.
        """
        for kind in (NO_SCORING, NO_LINK):
            await add_suppression(
                session,
                kind=kind,
                identity=address,
                reason=reason,
                registry=self._registry,
                actor=ANONYMOUS,
                now=now,
            )

    async def allow_scoring(self, session: AsyncSession, *, customer_id: UUID, reason: str, now: datetime) -> None:
        """Let scores be made of the customer again, by their addresses too."""
        await opt_in_to_scoring(
            session, customer_id=customer_id, reason=reason, actor=_in_name_of(customer_id), now=now
        )

    async def ask(
        self, session: AsyncSession, *, customer_id: UUID, kind: str, reason: str, now: datetime
    ) -> KnownRequest:
        """Take in what the customer asks of their own data, and return it: ``export``, ``portability``, ``erasure``.

        The work begins once the transaction is committed. An erasure ends every open session of the customer. Raises
        ``UnknownValue`` and ``ForbiddenTransition``.
        """
        request = await create_privacy_request(
            session, kind=kind, customer_id=customer_id, reason=reason, actor=_in_name_of(customer_id), now=now
        )
        if kind == ERASURE:
            await end_sessions(session, customer_id=customer_id, now=now)
        return KnownRequest.of(request)

    async def requests(self, session: AsyncSession, *, customer_id: UUID) -> Sequence[KnownRequest]:
        """Return what the customer asked so far, the newest first."""
        return await requests_of(session, customer_id=customer_id)

    async def archive(self, session: AsyncSession, *, customer_id: UUID, request_id: UUID) -> Path | None:
        """Return the file of a request that is done; None where there is none, not yet or not any more."""
        asked = await requests_of(session, customer_id=customer_id)
        name = next((one.archive for one in asked if one.id == request_id), None)
        path = None if name is None else archive_path(self._uploads, name)
        return path if path is not None and path.is_file() else None


def _fact_words(key: str, registry: TraitRegistry, said: TraitWords, language: str) -> FactWords:
    trait, definition = registry.plugin_traits.get(key), registry.company_traits.get(key)
    if trait is not None:
        title = said.title or trait.titles.get(language, trait.title)
        return FactWords(title, said.used_for or trait.used_for, said.source, said.unit, said.values, said.is_share)
    if definition is not None:
        return FactWords(definition.title, definition.used_for)
    return FactWords(key)


def _in_name_of(customer_id: UUID) -> Actor:
    return Actor("customer", customer_id, customer_id=customer_id)
