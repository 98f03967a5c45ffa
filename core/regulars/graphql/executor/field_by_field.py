"""Execute an operation field by field, but for rows that a mutation returned and a statement can show."""

import asyncio
from functools import cached_property
from inspect import isawaitable
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLField, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from regulars.fields.context import RequestContext
from regulars.graphql.planner.asking import ReturnedRows

__all__ = ["SCHEMA_READ", "Execution"]

SCHEMA_READ = "schema:read"
TYPE_FIELD = "__type"


class Execution(StrawberryGraphQLCoreExecutionContext):
    """One operation that is executed."""

    @cached_property
    def _lists(self) -> dict[tuple[Any, ...], tuple[ReturnedRows, asyncio.Future[Any]]]:
        return {}

    def build_resolve_info(
        self, field_def: GraphQLField, field_nodes: list[FieldNode], parent_type: GraphQLObjectType, path: Path
    ) -> Any:
        """Tell those who may not read the schema, when they ask for a type by name, that there is none."""
        info: Any = super().build_resolve_info(field_def, field_nodes, parent_type, path)
        context: RequestContext = info.context
        if info.field_name == TYPE_FIELD and not context.actor.may(SCHEMA_READ):
            return info._replace(schema=_NoTypes())
        return info

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: list[FieldDetails],
        info: Any,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Show rows that a mutation returned by one statement for each place, and everything else field by field."""
        usual = super().complete_object_value

        def completed() -> Any:
            return usual(return_type, field_details_list, info, path, result, position_context)

        context: RequestContext = self.context_value
        show = context.show_rows
        if show is None or not self._is_returned(return_type, path, result):
            return completed()
        way = path.as_list()
        place = tuple([None if isinstance(key, int) else key for key in way])
        returned = ReturnedRows(return_type, field_details_list, place, [result], [way])
        listed = self._among_others(returned) if returned.are_listed else None

        async def shown() -> Any:
            if listed is None:
                [answered] = await show(self, returned)
            else:
                answers, number = listed
                answered = (await asyncio.shield(answers))[number]  # giving up one row gives up no other
            if answered is None:
                done = completed()
                return await done if isawaitable(done) else done
            for error in answered.errors:
                self.collected_errors.add(error, _path(error))
            return answered.json

        return shown()

    def _among_others(self, returned: ReturnedRows) -> tuple[asyncio.Future[Any], int]:
        """Return what the rows of a list become, which are shown together, and which of them this one is.

        They are met one after another, and nothing is waited for between: when the task begins, all have come.
        """
        key = (returned.kind.name, returned.place)
        if key in self._lists:
            every, answers = self._lists[key]
            every.rows.extend(returned.rows)
            every.paths.extend(returned.paths)
            return answers, len(every.rows) - 1

        async def show() -> Any:
            del self._lists[key]
            return await self.context_value.show_rows(self, returned)

        answers = asyncio.ensure_future(show())
        self._lists[key] = (returned, answers)
        return answers, 0

    def _is_returned(self, kind: GraphQLObjectType, path: Path, result: object) -> bool:
        """Tell whether a row stands in a payload itself or in its lists, and not inside another row."""
        tables = self.context_value.schema.tables
        rules = tables.get(kind.name)
        if rules is None or not isinstance(result, rules.rows):
            return False
        way: Path | None = path
        while way is not None and way.typename not in tables:
            way = way.prev
        return way is None


class _NoTypes:
    """A schema for whom it is none of their business."""

    def get_type(self, name: str) -> None:
        """Know no type."""


def _path(error: GraphQLError) -> Path | None:
    way: Path | None = None
    for step in error.path or ():
        way = Path(way, step, None)
    return way
