"""Search customers by the beginnings of words, and keep the words in step with the customers."""

from sqlalchemy import ColumnElement, and_, delete, false, insert, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.customers.models import Customer, CustomerIdentity, CustomerWord
from regulars.customers.words import after_beginning, searchable_words, words_to_find

__all__ = ["refresh_words", "search_predicate"]


def search_predicate(text: str) -> ColumnElement[bool]:
    """Return, as SQL over ``Customer``, whether every word of ``text`` begins a word of the customer.

    Each word is one range of the index, so the cost follows the matches and not the number of customers. An empty text
    holds for everybody. Raises ``InvalidInput`` for more than ten words.
    """
    if not text.strip():
        return true()
    beginnings = words_to_find(text)
    if not beginnings:
        return false()
    found: list[ColumnElement[bool]] = []
    for beginning in beginnings:
        matching = select(col(CustomerWord.customer_id)).where(col(CustomerWord.word) >= beginning)
        end = after_beginning(beginning)
        if end is not None:
            matching = matching.where(col(CustomerWord.word) < end)
        found.append(col(Customer.id).in_(matching))
    return and_(*found)


async def refresh_words(session: AsyncSession, *, customer: Customer) -> None:
    """Bring the words of a customer in step with their name and identities.

    The names of those who were merged into the customer count too. Whoever is deleted, or part of another, has none.
    """
    await session.flush()
    wanted = searchable_words(await _texts_about(session, customer))
    kept = set(
        await session.scalars(select(col(CustomerWord.word)).where(col(CustomerWord.customer_id) == customer.id))
    )
    stale = kept - wanted
    if stale:
        mine = col(CustomerWord.customer_id) == customer.id
        await session.execute(
            delete(CustomerWord).where(mine, col(CustomerWord.word).in_(stale)),
            execution_options={"synchronize_session": False},
        )
    missing = [{"word": word, "customer_id": customer.id} for word in sorted(wanted - kept)]
    if missing:
        await session.execute(insert(CustomerWord), missing)


async def _texts_about(session: AsyncSession, customer: Customer) -> list[str]:
    if customer.deleted_at is not None or customer.merged_into_id is not None:
        return []
    is_one_of_them = (col(Customer.id) == customer.id) | (col(Customer.merged_into_id) == customer.id)
    names = await session.scalars(select(col(Customer.display_name)).where(is_one_of_them))
    identities = await session.execute(
        select(col(CustomerIdentity.value), col(CustomerIdentity.normalised)).where(
            col(CustomerIdentity.customer_id) == customer.id,
            col(CustomerIdentity.retired_at).is_(None),
            col(CustomerIdentity.kind) != "visitor",  # nobody looks for the number of a device
        )
    )
    return [name for name in names if name] + [text for row in identities for text in row]
