"""Invent operations that a schema allows: any field, with any arguments, behind aliases, fragments and conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)

__all__ = ["Question", "Questions"]

PAGES = ("first", "last", "after", "before")
ODD_KEYS = ("__proto__", "constructor", "toString", "_")
CURSORS = "pageInfo { __typename startCursor endCursor hasNextPage hasPreviousPage }"
DEEPEST = 6
SIZES = (1, 2, 3, 5)


@dataclass(frozen=True)
class Question:
    """A document with its variables; ``cursors`` are those that want a cursor of an answer, each with its key."""

    document: str
    variables: Mapping[str, Any]
    kinds: Mapping[str, GraphQLInputType] = field(default_factory=dict)
    cursors: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Questions:
    """Invents operations; ``values`` are what arguments of each scalar type may be.

    ``touching`` names two mutations that change nothing: one takes the id of a customer and returns that customer, the
    other takes several and returns them in two lists.
    """

    schema: GraphQLSchema
    random: Random
    values: Mapping[str, Sequence[Any]]
    left_out: frozenset[str] = frozenset()
    touching: tuple[str, str] | None = None
    _variables: dict[str, tuple[GraphQLInputType, Any]] = field(default_factory=dict)
    _fragments: list[str] = field(default_factory=list)
    _cursors: dict[str, str] = field(default_factory=dict)
    _budget: int = 0

    def next(self) -> Question:
        """Return another operation."""
        self._variables, self._fragments, self._cursors = {}, [], {}
        self._budget = self.random.choice((4, 10, 25))
        kind, selected = ("query", self._query()) if self.random.random() < 0.85 else self._mutation()
        declared = ", ".join(f"${name}: {kind}" for name, (kind, _) in self._variables.items())
        head = f"{kind} Q({declared})" if declared else f"{kind} Q"
        given = {name: value for name, (_, value) in self._variables.items() if value is not _ABSENT}
        kinds = {name: kind for name, (kind, _) in self._variables.items()}
        return Question(" ".join([head, selected, *self._fragments]), given, kinds, self._cursors)

    def again(self, question: Question, answer: Mapping[str, Any]) -> Question:
        """Return the same document with other values for its variables, or with a cursor of the answer to it."""
        found = {name: _cursor(answer, key, self.random) for name, key in question.cursors.items()}
        if any(found.values()):
            return Question(question.document, {**question.variables, **found}, question.kinds)
        given = {
            name: self.random.choice(SIZES) if kind is GraphQLInt else self._value(kind, 0)
            for name, kind in question.kinds.items()
        }
        return Question(question.document, given, question.kinds)

    def _query(self) -> str:
        root = self.schema.query_type
        assert root is not None
        return self._selection(root, 0, most=self.random.choice((1, 1, 1, 2)))

    def _mutation(self) -> tuple[str, str]:
        if self.touching is None:
            return "query", self._query()
        kind = self.schema.type_map["Customer"]
        assert isinstance(kind, GraphQLObjectType)
        one, several = self.touching
        shown = self._selection(kind, 1, most=self.random.choice((2, 4)))
        if self.random.random() < 0.5:
            id = _quoted(self.random.choice(self.values["ID"]))
            return "mutation", f"{{ {one}(input: {{customerId: {id}}}) {{ errors {{ code }} customer {shown} }} }}"
        ids = ", ".join(map(_quoted, self.random.choices(self.values["ID"], k=self.random.randint(0, 6))))
        lists = f"customers {shown} results {{ index customer {self._selection(kind, 2, most=2)} }}"
        return "mutation", f"{{ {several}(input: {{customerIds: [{ids}]}}) {{ errors {{ code }} {lists} }} }}"

    def _selection(self, kind: GraphQLObjectType, depth: int, *, most: int, more: str = "") -> str:
        names = [name for name in kind.fields if f"{kind.name}.{name}" not in self.left_out]
        plain = [name for name in names if is_leaf_type(get_named_type(kind.fields[name].type))]
        chosen = self.random.sample(names, min(most, len(names)))
        if depth >= DEEPEST or self._budget <= 0:
            chosen = [name for name in chosen if name in plain]
        parts = [self._field(kind, name, depth) for name in chosen]
        parts += [more] if more else []
        if not parts or self.random.random() < 0.15:
            parts.append("__typename")
        written = f"{{ {' '.join(parts)} }}"
        if depth > 0 and self.random.random() < 0.15:
            return self._behind_fragment(kind, written)
        return written

    def _behind_fragment(self, kind: GraphQLObjectType, selected: str) -> str:
        interface = next((each for each in kind.interfaces if isinstance(each, GraphQLInterfaceType)), None)
        if interface is not None and self.random.random() < 0.5:
            return f"{{ ... on {interface.name} {{ id ... on {kind.name} {selected} }} }}"
        if self.random.random() < 0.5:
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {kind.name} {selected}")
            return f"{{ ...{name} ...{name} }}"
        return f"{{ ... {self._condition()} {selected} __typename }}"

    def _condition(self) -> str:
        word = self.random.choice(("skip", "include"))
        if self.random.random() < 0.5:
            return f"@{word}(if: ${self._variable(GraphQLNonNull(GraphQLBoolean), self.random.random() < 0.5)})"
        return f"@{word}(if: {self.random.choice(('true', 'false'))})"

    def _variable(self, kind: GraphQLInputType, value: Any) -> str:
        name = f"v{len(self._variables)}"
        self._variables[name] = (kind, value)
        return name

    def _field(self, kind: GraphQLObjectType, name: str, depth: int) -> str:
        self._budget -= 1
        definition = kind.fields[name]
        key = self._key(name)
        condition = f" {self._condition()}" if self.random.random() < 0.05 else ""
        written = f"{'' if key == name else f'{key}: '}{name}{self._arguments(definition)}"
        target = get_named_type(definition.type)
        if isinstance(target, GraphQLInterfaceType):
            return f"{written}{condition} {self._of_some_types(target, depth)}"
        if not isinstance(target, GraphQLObjectType):
            return f"{written}{condition}"
        more = ""
        if depth == 0 and "after" in definition.args and self.random.random() < 0.4:
            written, more = self._with_cursor(written, key), CURSORS
        selected = self._selection(target, depth + 1, most=self.random.choice((1, 2, 4)), more=more)
        if self.random.random() < 0.05:  # the same field twice, whose selections are merged
            selected += f" {written} {self._selection(target, depth + 1, most=1, more=more)}"
        return f"{written}{condition} {selected}"

    def _key(self, name: str) -> str:
        chance = self.random.random()
        if chance < 0.1:
            return f"a{self.random.randint(0, 99)}_{name}"
        return self.random.choice(ODD_KEYS) if chance < 0.12 else name

    def _with_cursor(self, written: str, key: str) -> str:
        side = "before" if "last: " in written else "after"
        name = self._variable(GraphQLString, _ABSENT)
        self._cursors[name] = key
        head, bracket, arguments = written.partition("(")
        return f"{head}({side}: ${name}, {arguments}" if bracket else f"{head}({side}: ${name})"

    def _of_some_types(self, interface: GraphQLInterfaceType, depth: int) -> str:
        kinds = self.schema.get_implementations(interface).objects
        parts = ["__typename id"]
        for kind in self.random.sample(kinds, min(len(kinds), 4)):
            self._budget = max(self._budget, 2)
            parts.append(f"... on {kind.name} {self._selection(kind, depth + 1, most=2)}")
        return f"{{ {' '.join(parts)} }}"

    def _arguments(self, definition: GraphQLField) -> str:
        given = []
        page = self.random.choice(PAGES[:2])
        for name, argument in definition.args.items():
            is_needed = isinstance(argument.type, GraphQLNonNull)
            if name in PAGES:
                if name == page and self.random.random() < 0.8:
                    given.append(f"{name}: {self._page()}")
            elif is_needed or self.random.random() < 0.3:
                given.append(f"{name}: {self._argument(argument)}")
        return f"({', '.join(given)})" if given else ""

    def _page(self) -> str:
        size = self.random.choice(SIZES)
        return f"${self._variable(GraphQLInt, size)}" if self.random.random() < 0.5 else str(size)

    def _argument(self, argument: GraphQLArgument) -> str:
        value = self._value(argument.type, 0)
        if self.random.random() < 0.5:
            given = _ABSENT if self.random.random() < 0.1 and not isinstance(argument.type, GraphQLNonNull) else value
            return f"${self._variable(argument.type, given)}"
        return _literal(value, argument.type)

    def _value(self, kind: GraphQLInputType, depth: int) -> Any:
        plain = get_nullable_type(kind)
        if kind is plain and self.random.random() < 0.03:
            return None
        if isinstance(plain, GraphQLList):
            return [self._value(plain.of_type, depth + 1) for _ in range(self.random.choice((0, 1, 2)))]
        if isinstance(plain, GraphQLEnumType):
            return self.random.choice(list(plain.values))
        if isinstance(plain, GraphQLInputObjectType):
            return self._object(plain, depth)
        return self.random.choice(self.values[plain.name])

    def _object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        needed = [name for name, each in kind.fields.items() if isinstance(each.type, GraphQLNonNull)]
        free = [name for name in kind.fields if name not in needed]
        if depth > 4:
            free = [name for name in free if is_leaf_type(get_named_type(kind.fields[name].type))]
        chosen = self.random.sample(free, min(len(free), self.random.choice((1, 1, 2))))
        return {name: self._value(kind.fields[name].type, depth + 1) for name in (*needed, *chosen)}


class _Absent:
    pass


_ABSENT = _Absent()


def _cursor(answer: Mapping[str, Any], key: str, random: Random) -> str | None:
    page = ((answer.get("data") or {}).get(key) or {}).get("pageInfo") or {}
    cursor: str | None = page.get(random.choice(("startCursor", "endCursor")))
    return cursor


def _literal(value: Any, kind: GraphQLInputType) -> str:
    plain = get_nullable_type(kind)
    if value is None:
        return "null"
    if isinstance(plain, GraphQLList):
        return f"[{', '.join(_literal(each, plain.of_type) for each in value)}]"
    if isinstance(plain, GraphQLEnumType):
        return str(value)
    if isinstance(plain, GraphQLInputObjectType):
        members = (f"{name}: {_literal(member, plain.fields[name].type)}" for name, member in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    return str(value)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each >= " " else f"\\u{ord(each):04x}" for each in escaped) + '"'
