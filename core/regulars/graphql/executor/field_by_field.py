"""Execute an operation field by field, but for rows that a mutation returned and a statement can show."""

from inspect import isawaitable
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLField, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from regulars.fields.context import RequestContext, ShowRow
from regulars.graphql.planner.asking import ReturnedRow

__all__ = ["SCHEMA_READ", "Execution"]

SCHEMA_READ = "schema:read"
TYPE_FIELD = "__type"


class Execution(StrawberryGraphQLCoreExecutionContext):
    """One operation that is executed."""

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
        """Show a single row that a mutation returned by one statement, and everything else field by field."""
        usual = super().complete_object_value

        def completed() -> Any:
            return usual(return_type, field_details_list, info, path, result, position_context)

        context: RequestContext = self.context_value
        if context.show_row is None or not self._is_returned(return_type, info, path, result):
            return completed()
        row = ReturnedRow(return_type, field_details_list, tuple(map(str, path.as_list())), result)

        async def shown(show: ShowRow) -> Any:
            answered = await show(self, row)
            if answered is None:
                done = completed()
                return await done if isawaitable(done) else done
            for error in answered.errors:
                self.collected_errors.add(error, _path(error))
            return answered.json

        return shown(context.show_row)

    def _is_returned(self, kind: GraphQLObjectType, info: Any, path: Path, result: object) -> bool:
        """Tell whether a row stands in a payload itself: neither in a list nor inside another row."""
        tables = self.context_value.schema.tables
        rules = tables.get(kind.name)
        if rules is None or info.parent_type.name in tables or not isinstance(result, rules.rows):
            return False
        return not any(isinstance(key, int) for key in path.as_list())


class _NoTypes:
    """A schema for whom it is none of their business."""

    def get_type(self, name: str) -> None:
        """Know no type."""


def _path(error: GraphQLError) -> Path | None:
    way: Path | None = None
    for step in error.path or ():
        way = Path(way, step, None)
    return way
