"""How large a document becomes when every fragment is put in its places, told without putting them there."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from regulars.graphql.documents.inputs import check_literal, check_type
from regulars.graphql.documents.refusals import FragmentCycle, OperationNameRequired, OperationNotFound

__all__ = ["Definitions", "read_definitions"]


@dataclass(frozen=True, slots=True)
class Definitions:
    """What a document defines.

    ``tops`` are the definitions that no other one spreads; ``flattened_size`` is the number of fields, spreads and
    inline fragments that they select together once every fragment is put in its places.
    """

    operations: Sequence[OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    tops: Sequence[ExecutableDefinitionNode]
    flattened_size: int

    def operation(self, operation_name: str | None) -> OperationDefinitionNode:
        """Return the operation to run.

        Raises ``OperationNotFound``, or ``OperationNameRequired`` when several could be meant.
        """
        if operation_name is None and len(self.operations) > 1:
            raise OperationNameRequired(len(self.operations))
        for operation in self.operations:
            if operation_name is None or (operation.name is not None and operation.name.value == operation_name):
                return operation
        raise OperationNotFound(operation_name)


@dataclass(frozen=True, slots=True)
class _Written:
    """A definition as it is written: how much it selects itself, and how often it spreads which fragment."""

    selections: int
    spreads: Counter[str]

    def flattened(self, sizes: Mapping[str, int]) -> int:
        return self.selections + sum(times * sizes.get(name, 0) for name, times in self.spreads.items())


def read_definitions(document: DocumentNode) -> Definitions:
    """Return the definitions of a document, in time linear in what is written and without recursion.

    Each fragment is measured once, however often it is spread; arguments, defaults and types are checked on the way.
    Raises ``FragmentCycle`` and ``InputRefused``.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    defined = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    fragments: dict[str, FragmentDefinitionNode] = {}
    for node in defined:
        fragments.setdefault(node.name.value, node)
    repeated = [node for node in defined if fragments[node.name.value] is not node]

    written = {name: _read(fragment) for name, fragment in fragments.items()}
    sizes = _fragment_sizes(written)
    outer = [(node, _read(node)) for node in (*operations, *repeated)]
    spread = {name for one in (*written.values(), *(one for _, one in outer)) for name in one.spreads}
    unused = [name for name in fragments if name not in spread]
    return Definitions(
        operations=operations,
        fragments=fragments,
        tops=[*(node for node, _ in outer), *(fragments[name] for name in unused)],
        flattened_size=sum(one.flattened(sizes) for _, one in outer) + sum(sizes[name] for name in unused),
    )


def _read(definition: ExecutableDefinitionNode) -> _Written:
    for variable in definition.variable_definitions or ():
        check_type(variable.type)
        _check_directives(variable.directives)
        if variable.default_value is not None:
            check_literal(variable.default_value)
    _check_directives(definition.directives)
    selections, spreads = 0, Counter[str]()
    waiting: list[SelectionSetNode] = [definition.selection_set]
    while waiting:
        for node in waiting.pop().selections:
            selections += 1
            _check_directives(node.directives)
            if isinstance(node, FragmentSpreadNode):
                spreads[node.name.value] += 1
            if isinstance(node, FieldNode):
                _check_arguments(node.arguments)
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                waiting.append(node.selection_set)
    return _Written(selections, spreads)


def _check_directives(directives: Sequence[DirectiveNode] | None) -> None:
    for directive in directives or ():
        _check_arguments(directive.arguments)


def _check_arguments(arguments: Sequence[ArgumentNode] | None) -> None:
    for argument in arguments or ():
        check_literal(argument.value)


def _fragment_sizes(written: Mapping[str, _Written]) -> dict[str, int]:
    """Return the flattened size of each fragment, walking the spreads depth first with a stack of our own."""
    sizes: dict[str, int] = {}
    for start in written:
        path: dict[str, Iterator[str]] = {}
        following: str | None = None if start in sizes else start
        while following is not None:
            path[following] = iter(written[following].spreads)
            following = _next_fragment(path, written, sizes)
    return sizes


def _next_fragment(
    path: dict[str, Iterator[str]], written: Mapping[str, _Written], sizes: dict[str, int]
) -> str | None:
    """Settle the fragments at the end of the path that hold nothing new, and return the next one to enter."""
    while path:
        name, spreads = next(reversed(path.items()))
        for spread in spreads:
            if spread in path:
                names = list(path)
                raise FragmentCycle([*names[names.index(spread) :], spread])
            if spread in written and spread not in sizes:
                return spread
        sizes[name] = written[name].flattened(sizes)
        del path[name]
    return None
