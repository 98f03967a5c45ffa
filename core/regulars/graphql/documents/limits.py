"""Refuse an operation that is too large, too deep or too dear, before it is validated."""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)

from regulars.graphql.documents.flattening import read_definitions
from regulars.graphql.documents.pricing import OperationPrice
from regulars.graphql.documents.refusals import (
    IntrospectionRefused,
    LimitExceeded,
    QueryTooDeep,
    TooManyAliases,
    TooManyComparisons,
    TooManyDirectives,
    TooManyMutations,
    TooManyRootFields,
    TooManySelections,
)
from regulars.graphql.documents.shapes import PageRules, Shape, measure

__all__ = ["CUSTOMER_LIMITS", "Limits", "compile_price"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for.

    ``cost`` is in points, ``nodes`` in objects of the answer. ``selections``, ``depth``, ``nesting``, ``aliases``,
    ``directives`` and ``comparisons`` count what is written, with every fragment put in its places. Of these,
    ``comparisons`` bounds what validation does in quadratic time, and ``nesting`` counts fragments beside fields.
    ``introspection_depth`` holds below ``__schema`` and ``__type``, where ``depth`` does not.
    """

    cost: int = 5_000
    nodes: int = 10_000
    depth: int = 10
    aliases: int = 30
    directives: int = 20
    root_fields: int = 10
    mutations: int = 4
    page_size: int = 25
    largest_page: int = 100
    selections: int = 2_000
    nesting: int = 50
    comparisons: int = 10_000
    introspection_depth: int = 20
    introspection_lists: int = 2
    document_bytes: int = 16 * 1024
    tokens: int = 4_000
    comments: int = 500
    body_bytes: int = 1024 * 1024


CUSTOMER_LIMITS = Limits(cost=1_000)


def compile_price(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, limits: Limits
) -> OperationPrice:
    """Return the price of an operation as a function of its variables, once all that needs no variables is checked.

    Every operation and fragment of the document must keep within the limits, since validation reads them all.
    Fragments are measured once each before anything is walked with fragments in their places, so the time is linear in
    the document, and bounded by ``limits.selections`` after that.
    Raises a ``DocumentRefused``.
    """
    definitions = read_definitions(document)
    if definitions.flattened_size > limits.selections:
        raise TooManySelections("The document", actual=definitions.flattened_size, allowed=limits.selections)
    chosen = definitions.operation(operation_name)
    pages = PageRules(ordinary=limits.page_size, largest=limits.largest_page)
    priced = Shape()
    comparisons = 0
    for top in definitions.tops:
        shape = measure(schema, top, definitions.fragments, pages=pages if top is chosen else None)
        _check(top, shape, limits)
        comparisons += shape.comparisons
        if top is chosen:
            priced = shape
    _check_count(TooManyComparisons, "The document", comparisons, limits.comparisons)
    return OperationPrice(
        _subject(chosen), frozenset(priced.sizes), priced.terms, cost_limit=limits.cost, node_limit=limits.nodes
    )


def _check(top: ExecutableDefinitionNode, shape: Shape, limits: Limits) -> None:
    subject = _subject(top)
    _check_count(QueryTooDeep, subject, shape.depth, limits.depth)
    _check_count(QueryTooDeep, f"{subject}, with fragments,", shape.nesting, limits.nesting)
    _check_count(TooManyAliases, subject, shape.aliases, limits.aliases)
    _check_count(TooManyDirectives, subject, shape.directives, limits.directives)
    if isinstance(top, OperationDefinitionNode):
        if top.operation is OperationType.MUTATION:
            _check_count(TooManyMutations, subject, shape.root_fields, limits.mutations)
        _check_count(TooManyRootFields, subject, shape.root_fields, limits.root_fields)
    _check_introspection(shape, limits)


def _check_count(refusal: type[LimitExceeded], subject: str, actual: int, allowed: int) -> None:
    if actual > allowed:
        raise refusal(subject, actual=actual, allowed=allowed)


def _check_introspection(shape: Shape, limits: Limits) -> None:
    if shape.schema_reads > 1:
        raise IntrospectionRefused(f"The schema is asked for {shape.schema_reads} times in one operation.")
    if shape.introspection_aliases:
        raise IntrospectionRefused("Fields below __schema and __type cannot be renamed.")
    if shape.introspection_lists > limits.introspection_lists:
        raise IntrospectionRefused(
            f"Lists of types and of their fields stand inside one another {shape.introspection_lists} deep;"
            f" at most {limits.introspection_lists} may."
        )
    if shape.introspection_depth > limits.introspection_depth:
        raise IntrospectionRefused(
            f"The introspection is {shape.introspection_depth} levels deep;"
            f" at most {limits.introspection_depth} are allowed."
        )


def _subject(definition: ExecutableDefinitionNode) -> str:
    kind = "Fragment" if isinstance(definition, FragmentDefinitionNode) else "Operation"
    return "The operation" if definition.name is None else f"{kind} {definition.name.value[:40]}"
