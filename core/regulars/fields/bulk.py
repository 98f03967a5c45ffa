"""Declare a mutation over many rows: one way for all of them, with three ways to deal with rows that fail.

```python
bulk_mutation(
    "customer_bulk_update", rows=CustomerUpdateInput, entity=("customer", CustomerNode), hold=_held, write=_written,
    permission="customers:write", description="Change many customers.",
)
```
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.types import Info

from regulars.errors import ExpectedError, Forbidden, OutOfRange
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.types import value_type
from regulars.fields.values import MutationInput, Payload, UserError, user_error

__all__ = ["MOST_ROWS", "BulkRejected", "ErrorPolicy", "bulk_mutation"]

MOST_ROWS = 500
COST = 200


@strawberry.enum(description="What becomes of the other rows when some fail.")
class ErrorPolicy(Enum):
    """What becomes of the other rows when some fail."""

    REJECT_EVERYTHING = strawberry.enum_value(
        "REJECT_EVERYTHING", description="Nothing is written unless every row can be."
    )
    REJECT_FAILED_ROWS = strawberry.enum_value(
        "REJECT_FAILED_ROWS", description="Rows that fail are not written, the others are."
    )
    IGNORE_FAILED = strawberry.enum_value(
        "IGNORE_FAILED",
        description="What fails of a row is left out of it where it is optional, and the rest of the row is written.",
    )


class BulkRejected(ExpectedError):
    """Some rows failed, so that nothing was written."""

    code = "BULK_REJECTED"

    def __init__(self, failed: int, rows: int) -> None:
        self.failed, self.rows = failed, rows
        self.path = ("rows",)
        super().__init__(
            f"{failed} of {rows} rows cannot be written, so none was. Correct those in `results`,"
            " or choose REJECT_FAILED_ROWS."
        )


class TooManyRows(OutOfRange):
    """More rows came than one request takes."""

    def __init__(self, rows: int) -> None:
        super().__init__(
            f"{rows} rows are too many at once. Send at most {MOST_ROWS}, or import a file (`importStart`).",
            path=("rows",),
        )


Hold = Callable[[RequestContext, Sequence[Any]], Awaitable[None]]
"""Keeps everything that the rows touch until the transaction ends, in an order that all writers share."""

Write = Callable[[RequestContext, Any], Awaitable[Any]]
"""Writes one row and returns what it is about; raises ``ExpectedError``."""

WriteAll = Callable[[RequestContext, Sequence[Any]], Awaitable[Sequence[Any]]]
"""Writes all rows that can be in a few statements, and returns what each is about, or its ``ExpectedError``."""


@dataclass
class _Outcome:
    entity: Any = None
    errors: Sequence[ExpectedError] = ()
    is_written: bool = False


def bulk_mutation(
    name: str,
    *,
    rows: type[Any],
    entity: tuple[str, type[Any]],
    permission: str,
    description: str,
    hold: Hold | None = None,
    write: Write | None = None,
    write_all: WriteAll | None = None,
) -> type[Any]:
    """Return a class for ``GraphQLPart({"Mutation": …})`` with one mutation over at most 500 rows.

    ``rows`` is the input of one row, usually that of the mutation for a single one. ``entity`` names what each result
    shows, and its GraphQL type. ``hold`` is called once before anything is written, so that two requests that touch the
    same rows wait for one another instead of in a ring. ``write`` is called for each row in the order given; what it
    wrote is undone when it raises. ``write_all`` takes its place where few statements do for many rows.
    """
    assert (write is None) != (write_all is None), f"{name} needs one of write and write_all"
    word = "".join(part.capitalize() for part in name.split("_"))
    entity_name, entity_type = entity
    input_type: Any = _input_type(word, rows, description)
    result_type: Any = _result_type(word, entity_name, entity_type)
    payload_type: Any = _payload_type(word, result_type)

    async def change(self: Any, info: Info[RequestContext, None], input: input_type) -> payload_type | None:  # pyright: ignore[reportInvalidTypeForm]
        given: Any = input
        outcomes, refusal = await _run(info.context, given.rows, given.error_policy, hold, write, write_all)
        results = [
            result_type(
                index=index,
                errors=[user_error(error) for error in outcome.errors],
                **{entity_name: outcome.entity if refusal is None else None},
            )
            for index, outcome in enumerate(outcomes)
        ]
        errors: list[UserError] = [] if refusal is None else [user_error(refusal)]
        return payload_type(results=results, errors=errors)

    change.__name__ = name
    field = mutation(permission=permission, description=description, cost=COST)(change)
    return strawberry.type(type(f"{word}Mutations", (), {"__doc__": description, name: field}))


async def _run(
    context: RequestContext,
    rows: Sequence[Any],
    policy: ErrorPolicy,
    hold: Hold | None,
    write: Write | None,
    write_all: WriteAll | None,
) -> tuple[list[_Outcome], BulkRejected | None]:
    if len(rows) > MOST_ROWS:
        raise TooManyRows(len(rows))
    session = context.session
    everything = await session.begin_nested()
    if hold is not None:
        await hold(context, rows)
    if write_all is not None:
        outcomes = [_outcome(one) for one in await write_all(context, rows)]
    else:
        assert write is not None
        optional = _optional_fields(rows) if policy is ErrorPolicy.IGNORE_FAILED else frozenset[str]()
        outcomes = [await _write(context, session, row, write, optional) for row in rows]
    failed = sum(not outcome.is_written for outcome in outcomes)
    if failed and policy is ErrorPolicy.REJECT_EVERYTHING:
        await everything.rollback()
        return outcomes, BulkRejected(failed, len(rows))
    await everything.commit()
    return outcomes, None


def _outcome(written: Any) -> _Outcome:
    if isinstance(written, ExpectedError):
        return _Outcome(errors=[written])
    return _Outcome(written, is_written=True)


async def _write(
    context: RequestContext, session: AsyncSession, row: Any, write: Write, optional: frozenset[str]
) -> _Outcome:
    """Write one row; what fails of it and is optional is left out, if that is wanted, and the rest is tried again."""
    errors: list[ExpectedError] = []
    while True:
        savepoint = await session.begin_nested()
        try:
            entity = await write(context, row)
            await session.flush()
        except ExpectedError as error:
            await savepoint.rollback()
            if isinstance(error, Forbidden):
                raise
            errors.append(error.with_traceback(None))
            field = _field_of(error)
            if field not in optional or getattr(row, field, strawberry.UNSET) is strawberry.UNSET:
                return _Outcome(errors=errors)
            setattr(row, field, strawberry.UNSET)
        else:
            await savepoint.commit()
            return _Outcome(entity, errors, is_written=True)


def _field_of(error: ExpectedError) -> str:
    name = error.path[0] if error.path else ""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _optional_fields(rows: Sequence[Any]) -> frozenset[str]:
    """Return the fields of a row that may be left out without clearing anything."""
    if not rows:
        return frozenset()
    fields = type(rows[0]).__strawberry_definition__.fields
    return frozenset(field.python_name for field in fields if field.default is strawberry.UNSET)


def _input_type(word: str, row: type[Any], description: str) -> type[Any]:
    class Input(MutationInput):
        rows: list[row] = strawberry.field(description=f"The rows, at most {MOST_ROWS}.")  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeForm]
        error_policy: ErrorPolicy = strawberry.field(
            default=ErrorPolicy.REJECT_EVERYTHING, description="What becomes of the other rows when some fail."
        )

    return strawberry.input(Input, name=f"{word}Input", description=description)


def _result_type(word: str, entity_name: str, entity_type: type[Any]) -> type[Any]:
    class Result:
        index: int = strawberry.field(description="Which row this is, from 0.")
        errors: list[UserError] = strawberry.field(
            default_factory=list, description="What was wrong with the row; empty when all of it was written."
        )

    Result.__annotations__[entity_name] = entity_type | None
    setattr(
        Result, entity_name, strawberry.field(default=None, description="What the row is about; null if not written.")
    )
    return value_type(name=f"{word}Result", description="What became of one row.")(Result)


def _payload_type(word: str, result_type: type[Any]) -> type[Any]:
    class Made(Payload):
        results: list[result_type] | None = strawberry.field(  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeForm]
            default=None, description="What became of each row, in the order given."
        )

    return value_type(name=f"{word}Payload", description="What became of the rows.")(Made)
