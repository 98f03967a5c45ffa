"""Read, price and validate a document once, and remember the outcome for the next time it comes."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_operation_ast,
    validate,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails

from regulars.errors import ExpectedError
from regulars.graphql.documents.limits import Limits, compile_price
from regulars.graphql.documents.parsing import parse_document
from regulars.graphql.documents.pricing import OperationPrice
from regulars.graphql.documents.variables import OperationVariables

__all__ = ["InvalidDocument", "Prepared", "Preparing", "operation_names"]

REMEMBERED = 1_000
REMEMBERED_BYTES = 256 * 1024  # of text; a syntax tree takes about a hundred times as much
TOLD_ERRORS = 20
LONGEST_MESSAGE = 300
SCHEMA_FIELD = "__schema"
CONDITIONS = ("skip", "include")

Outcome = TypeVar("Outcome")


class InvalidDocument(ExpectedError):
    """A document asks for what the schema does not have."""

    code = "VALIDATION_FAILED"

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__(errors[0].message)


@dataclass(frozen=True, eq=False)
class Prepared:
    """An operation that may run: its document, its price, its variables, and the names of all fields in the document.

    ``conditions`` are the variables that ``@skip`` and ``@include`` look at, ``fragments`` those of the document.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    price: OperationPrice
    variables: OperationVariables
    field_names: frozenset[str]
    hash: str
    conditions: tuple[str, ...] = ()
    fragments: Mapping[str, FragmentDetails] = field(default_factory=dict)

    @cached_property
    def reads_schema(self) -> bool:
        """Tell whether it asks for ``__schema``, which cannot be null."""
        return SCHEMA_FIELD in self.field_names

    @cached_property
    def is_introspection(self) -> bool:
        """Tell whether it asks for the schema and for nothing else."""
        selections = self.operation.selection_set.selections
        return all(isinstance(node, FieldNode) and node.name.value.startswith("__") for node in selections)

    @cached_property
    def has_lone_field(self) -> bool:
        """Tell whether it asks for one thing and no other."""
        selections = self.operation.selection_set.selections
        return len(selections) == 1 and isinstance(selections[0], FieldNode)

    @cached_property
    def is_mutation(self) -> bool:
        """Tell whether the operation writes."""
        return self.operation.operation is OperationType.MUTATION

    @cached_property
    def is_subscription(self) -> bool:
        """Tell whether the operation goes on."""
        return self.operation.operation is OperationType.SUBSCRIPTION


class Preparing:
    """Prepares documents for one schema; what was refused stays refused without being read again."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._limits = schema, limits
        self._known = _Remembered[Prepared]()
        self._refused = _Remembered[ExpectedError]()

    def prepare(self, query: str, operation_name: str | None) -> Prepared:
        """Return the operation, ready to run.

        Raises what the limits raise, and ``InvalidDocument``. The limits come before validation, whose rule on
        overlapping fields is quadratic.
        """
        key = (query, operation_name)
        known = self._known.get(key)
        if known is not None:
            return known
        refused = self._refused.get(key)
        if refused is not None:
            raise refused.with_traceback(None)
        try:
            prepared = self._read(query, operation_name)
        except ExpectedError as error:
            self._refused.keep(key, error.with_traceback(None))
            raise
        self._known.keep(key, prepared)
        return prepared

    def _read(self, query: str, operation_name: str | None) -> Prepared:
        document = parse_document(query, self._limits)
        price = compile_price(self._schema, document, operation_name, self._limits)
        errors = validate(self._schema, document, max_errors=TOLD_ERRORS, hide_suggestions=True)
        if errors:
            raise InvalidDocument([_without_document(error) for error in errors])
        operation = get_operation_ast(document, operation_name)
        assert operation is not None
        names = _Names()
        visit(document, names)
        hash = hashlib.sha256(query.encode()).hexdigest()[:12]
        variables = OperationVariables(self._schema, operation)
        fields, conditions = frozenset(names.fields), tuple(sorted(names.conditions))
        return Prepared(document, operation, price, variables, fields, hash, conditions, _fragments(document))


def _fragments(document: DocumentNode) -> Mapping[str, FragmentDetails]:
    nodes = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    return {node.name.value: FragmentDetails(node, None) for node in nodes}


def operation_names(schema: GraphQLSchema, text: str, limits: Limits) -> tuple[str, ...]:
    """Return the names of a document's operations, each of which may run; those without a name are left out.

    Raises what ``Preparing`` raises for a document that may not.
    """
    operations = [
        node for node in parse_document(text, limits).definitions if isinstance(node, OperationDefinitionNode)
    ]
    names = [None if node.name is None else node.name.value for node in operations]
    preparing = Preparing(schema, limits)
    for name in names or [None]:
        preparing.prepare(text, name)
    return tuple(name for name in names if name is not None)


class _Remembered(Generic[Outcome]):
    """Keeps what was used last, bounded by number and by the bytes of the texts."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str | None], Outcome] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[str, str | None]) -> Outcome | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: tuple[str, str | None], outcome: Outcome) -> None:
        self._kept[key] = outcome
        self._bytes += len(key[0])
        while len(self._kept) > REMEMBERED or self._bytes > REMEMBERED_BYTES:
            oldest, _ = self._kept.popitem(last=False)
            self._bytes -= len(oldest[0])


def _without_document(error: GraphQLError) -> GraphQLError:
    """Return an error that tells where it is, and neither holds the document nor quotes it at length."""
    message = error.message if len(error.message) <= LONGEST_MESSAGE else f"{error.message[:LONGEST_MESSAGE]}…"
    told = GraphQLError(message)
    told.locations = error.locations
    return told


class _Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.fields: set[str] = set()
        self.conditions: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.fields.add(node.name.value)

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value in CONDITIONS:
            values = [argument.value for argument in node.arguments or ()]
            self.conditions |= {value.name.value for value in values if isinstance(value, VariableNode)}
