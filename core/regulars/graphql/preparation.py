"""Read, price and validate a document once, and remember the outcome for the next time it comes."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    get_operation_ast,
    validate,
    visit,
)

from regulars.errors import ExpectedError
from regulars.graphql.documents import parse_document
from regulars.graphql.limits import Limits, compile_price
from regulars.graphql.pricing import OperationPrice

__all__ = ["InvalidDocument", "Prepared", "Preparing"]

REMEMBERED = 1_000
TOLD_ERRORS = 20
SCHEMA_FIELDS = ("__schema", "__type")


class InvalidDocument(ExpectedError):
    """A document asks for what the schema does not have."""

    code = "VALIDATION_FAILED"

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__(errors[0].message)


@dataclass(frozen=True)
class Prepared:
    """An operation that may run: its document, its price, and what kind it is."""

    document: DocumentNode
    operation: OperationDefinitionNode
    price: OperationPrice
    reads_schema: bool
    hash: str

    @property
    def is_mutation(self) -> bool:
        """Tell whether the operation writes."""
        return self.operation.operation is OperationType.MUTATION

    @property
    def is_subscription(self) -> bool:
        """Tell whether the operation goes on."""
        return self.operation.operation is OperationType.SUBSCRIPTION


class Preparing:
    """Prepares documents for one schema; what was refused stays refused without being read again."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._limits = schema, limits
        self._known: OrderedDict[tuple[str, str | None], Prepared | ExpectedError] = OrderedDict()

    def prepare(self, query: str, operation_name: str | None) -> Prepared:
        """Return the operation, ready to run.

        Raises what the limits raise, and ``InvalidDocument``. The limits come before validation, whose rule on
        overlapping fields is quadratic.
        """
        key = (query, operation_name)
        if key in self._known:
            self._known.move_to_end(key)
        else:
            self._known[key] = self._outcome(query, operation_name)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        outcome = self._known[key]
        if isinstance(outcome, ExpectedError):
            raise outcome.with_traceback(None)
        return outcome

    def _outcome(self, query: str, operation_name: str | None) -> Prepared | ExpectedError:
        try:
            document = parse_document(query, self._limits)
            price = compile_price(self._schema, document, operation_name, self._limits)
        except ExpectedError as error:
            return error
        errors = validate(self._schema, document, max_errors=TOLD_ERRORS, hide_suggestions=True)
        if errors:
            return InvalidDocument(errors)
        operation = get_operation_ast(document, operation_name)
        assert operation is not None
        looking = _SchemaFields()
        visit(document, looking)
        return Prepared(document, operation, price, looking.found, hashlib.sha256(query.encode()).hexdigest()[:12])


class _SchemaFields(Visitor):
    found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found = self.found or node.name.value in SCHEMA_FIELDS
