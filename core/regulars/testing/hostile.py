"""Requests that try to make a GraphQL server work hard, fail or talk: seeded, each with two tricks mixed."""

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zlib import _Compress

__all__ = ["TRICKS", "HostileRequest", "Vocabulary", "hostile_requests"]

_BOMB_BYTES = 64 * 1024 * 1024
_BATCH_BYTES = 2 * 1024 * 1024
_GZIP_WINDOW = 31  # zlib's way of saying: a gzip header, and the largest window
_PAGE_SIZES = (
    "1",
    "25",
    "100",
    "0",
    "-1",
    "101",
    "1000000",
    "2147483648",
    "9" * 19,
    "9" * 400,
    "9" * 5_000,
    "1e308",
    "1e99999",
)
_CATALOGUE_STEPS = ("fields{type", "inputFields{type", "interfaces", "possibleTypes", "ofType", "fields{args{type")


class Vocabulary(NamedTuple):
    """The words of a schema that the tricks are written in: a connection, its rows, a way round, and ids in bulk."""

    entity: str = "Customer"
    connection: str = "customers"
    rows: str = "nodes"
    leaf: str = "id"
    relation: str = "touchpoints"
    back: str = "customer"
    bulk: str = "nodes"

    def around(self, inside: str, page: str = "") -> str:
        """Return a selection on the entity that comes back to it."""
        return f"{self.relation}{page}{{{self.rows}{{{self.back}{{{inside}}}}}}}"


@dataclass(frozen=True, slots=True)
class HostileRequest:
    """A POST to send as it is; ``tricks`` names what it tries."""

    number: int
    tricks: tuple[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class _Draft:
    """A request in the making, which each trick spoils in its own way."""

    words: Vocabulary
    page: str = "(first: 2)"
    operation_directives: str = ""
    variables: list[tuple[str, str]] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    selections: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    padding: str = ""
    members: list[str] = field(default_factory=list)
    garbage: bytes = b""
    copies: int = 1
    is_bomb: bool = False

    def text(self) -> str:
        words = self.words
        defined = f"({' '.join(definition for definition, _ in self.variables)})" if self.variables else ""
        inside = " ".join([words.leaf, *self.selections])
        roots = " ".join([*self.roots, f"{words.connection}{self.page}{{{words.rows}{{{inside}}}}}"])
        operation = f"query Main{defined}{self.operation_directives}{{{roots}}}"
        return "\n".join([self.padding, operation, *self.definitions])

    def body(self) -> bytes:
        variables = ",".join(value for _, value in self.variables if value)
        members = [f'"query":{json.dumps(self.text())}', f'"variables":{{{variables}}}', *self.members]
        body = f"{{{','.join(members)}}}".encode()
        if self.garbage:
            middle = len(body) // 2
            body = body[:middle] + self.garbage + body[middle:]
        if self.copies > 1:
            body = b"[" + b",".join([body] * min(self.copies, 2 + _BATCH_BYTES // len(body))) + b"]"
        return _bomb_with(body) if self.is_bomb else body


def hostile_requests(count: int, *, seed: int, words: Vocabulary | None = None) -> Iterator[HostileRequest]:
    """Yield ``count`` requests, the same for the same seed, each trying two different tricks at once."""
    random = Random(seed)  # noqa: S311  repeatable on purpose, and nothing secret
    for number in range(count):
        first, second = random.sample(sorted(TRICKS), 2)
        draft = _Draft(words or Vocabulary())
        TRICKS[first](draft, random)
        TRICKS[second](draft, random)
        headers = {"content-type": "application/json", "accept": "application/graphql-response+json"}
        if draft.is_bomb:
            headers["content-encoding"] = "gzip"
        yield HostileRequest(number, (first, second), headers, draft.body())


def _fragment_bomb(draft: _Draft, random: Random) -> None:
    depth, spread = random.randint(5, 120), random.randint(2, 4)
    for level in range(depth):
        spreads = " ".join(f"a{place}: {draft.words.around(f'...Bomb{level + 1}')}" for place in range(spread))
        plain = " ".join(f"...Bomb{level + 1}" for _ in range(spread))
        inside = random.choice([spreads, plain, f"... {{ {plain} }}"])
        draft.definitions.append(f"fragment Bomb{level} on {draft.words.entity}{{{inside}}}")
    draft.definitions.append(f"fragment Bomb{depth} on {draft.words.entity}{{{draft.words.leaf}}}")
    draft.selections.append("...Bomb0")


def _fragment_cycle(draft: _Draft, random: Random) -> None:
    length = random.randint(1, 40)
    for place in range(length):
        inside = draft.words.around(f"...Ring{(place + 1) % length}")
        draft.definitions.append(f"fragment Ring{place} on {draft.words.entity}{{{inside}}}")
    draft.selections.append("...Ring0")


def _page_as_literal(draft: _Draft, random: Random) -> None:
    draft.page = f"({random.choice(['first', 'last'])}: {random.choice(_PAGE_SIZES)})"
    draft.selections.append(_nested_pages(draft.words, random.randint(1, 8), "(first: 100)"))


def _page_as_variable(draft: _Draft, random: Random) -> None:
    value = random.choice([*_PAGE_SIZES, '"100"', "true", "[100]", "{}", "null", "100.0"])
    draft.variables.append(("$size: Int", f'"size":{value}'))
    draft.page = "(first: $size)"
    draft.selections.append(_nested_pages(draft.words, random.randint(1, 8), "(first: $size)"))


def _page_as_default(draft: _Draft, random: Random) -> None:
    draft.variables.append((f"$size: Int = {random.choice([*_PAGE_SIZES, 'null', '100'])}", ""))
    draft.selections.append(_nested_pages(draft.words, random.randint(1, 8), "(first: $size)"))


def _page_in_input(draft: _Draft, random: Random) -> None:
    number = random.choice(_PAGE_SIZES)
    if random.random() < 0.5:
        draft.page = f"(page: {{first: {number}}})"
    else:
        draft.variables.append(("$page: PageInput", f'"page":{{"first":{number}}}'))
        draft.page = "(page: $page)"


def _aliases(draft: _Draft, random: Random) -> None:
    target = random.choice([draft.selections, draft.roots])
    target.extend(f"a{number}: __typename" for number in range(random.choice([5, 9, 30, 31, 300, 900])))


def _repeated_fields(draft: _Draft, random: Random) -> None:
    around = draft.words.around(draft.words.leaf)
    draft.selections.extend([random.choice([draft.words.leaf, around])] * random.choice([50, 140, 150, 900]))


def _directives(draft: _Draft, random: Random) -> None:
    directive = random.choice([" @skip(if: false)", " @include(if: true)", " @unknown", " @deprecated"])
    many = directive * random.choice([1, 20, 21, 300])
    if random.random() < 0.5:
        draft.selections.append(f"name: __typename{many}")
    else:
        draft.operation_directives += many


def _many_operations(draft: _Draft, random: Random) -> None:
    draft.definitions.extend(f"query Other{number}{{__typename}}" for number in range(150))
    if random.random() < 0.5:
        draft.members.append('"operationName":"Main"')


def _introspection_loop(draft: _Draft, random: Random) -> None:
    inside = "name"
    for _ in range(random.choice([1, 2, 3, 12, 40])):
        step = random.choice(_CATALOGUE_STEPS)
        inside = f"{step}{{{inside}}}" + "}" * step.count("{")
    repeats = random.choice([1, 1, 3])
    draft.roots.extend(f"s{number}: __schema{{types{{{inside}}}}}" for number in range(repeats))


def _comments(draft: _Draft, random: Random) -> None:
    line = random.choice(["#\n", f"# {'x' * 200}\n", ",,,,,,,,\n", "\ufeff"])
    draft.padding = line * (random.choice([10_000, 16_000, 200_000]) // len(line))


def _deep_variable(draft: _Draft, random: Random) -> None:
    depth = random.choice([33, 200, 900, 3_000, 100_000])
    opening, closing = random.choice([("[", "]"), ('{"AND":', "}")])
    draft.variables.append(("$deep: [[[String]]]", f'"deep":{opening * depth}1{closing * depth}'))


def _wide_variable(draft: _Draft, random: Random) -> None:
    values = ",".join(
        [random.choice(["1", '"x"', "{}", "null"])] * random.choice([100, 10_000, 19_000, 100_000, 250_000])
    )
    draft.variables.append(("$wide: [ID!]!", f'"wide":[{values}]'))
    draft.roots.append(f"{draft.words.bulk}(ids: $wide){{{draft.words.leaf}}}")


def _deep_literal(draft: _Draft, random: Random) -> None:
    depth = random.choice([33, 150, 1_000, 4_000])
    opening, closing = random.choice([("[", "]"), ("{AND:", "}"), ("[{OR:", "}]")])
    draft.page = f"(where: {opening * depth}1{closing * depth})"


def _deep_selection(draft: _Draft, random: Random) -> None:
    depth = random.choice([4, 40, 150, 2_000])
    step = random.choice(["... { ", f"... on {draft.words.entity} {{ ", f"{draft.words.back} {{ "])
    draft.selections.append(step * depth + draft.words.leaf + " }" * depth)


def _huge_number(draft: _Draft, random: Random) -> None:
    number = random.choice(["9", "-9", "0."]) + "7" * random.choice([20, 400, 5_000, 15_000])
    if random.random() < 0.5:
        draft.variables.append(("$number: Float", f'"number":{number}'))
    else:
        draft.selections.append(f"{draft.words.relation}(first: {number}){{{draft.words.rows}{{id}}}}")


def _huge_text(draft: _Draft, random: Random) -> None:
    unit = random.choice(["x", "'; DROP TABLE core_customer; --", "\\u202e", "\\ud83d\\ude00", "\\u0000", "\\ud800"])
    draft.variables.append(
        ("$text: String", f'"text":"{unit * (random.choice([1, 15_000, 900_000]) // len(unit) + 1)}"')
    )
    draft.roots.append("__type(name: $text){name}")


def _invalid_utf8(draft: _Draft, random: Random) -> None:
    draft.garbage += random.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])


def _nul(draft: _Draft, random: Random) -> None:
    if random.random() < 0.5:
        draft.garbage += b"\x00"
    else:
        draft.padding += random.choice(["\x00", "\ud800", "\x07"])


def _batch(draft: _Draft, random: Random) -> None:
    draft.copies = random.choice([2, 10, 100])


def _gzip_bomb(draft: _Draft, random: Random) -> None:
    draft.is_bomb = random.random() < 0.9
    if not draft.is_bomb:
        draft.garbage += b"\x1f\x8b\x08\x00"


def _repeated_keys(draft: _Draft, random: Random) -> None:
    name = random.choice(["query", "variables", "operationName"])
    draft.members.extend([f'"{name}":null', f'"{name}":"{{__typename}}"'])


TRICKS: dict[str, Callable[[_Draft, Random], None]] = {
    "aliases": _aliases,
    "batch": _batch,
    "comments": _comments,
    "deep literal": _deep_literal,
    "deep selection": _deep_selection,
    "deep variable": _deep_variable,
    "directives": _directives,
    "fragment bomb": _fragment_bomb,
    "fragment cycle": _fragment_cycle,
    "gzip bomb": _gzip_bomb,
    "huge number": _huge_number,
    "huge text": _huge_text,
    "introspection loop": _introspection_loop,
    "invalid UTF-8": _invalid_utf8,
    "many operations": _many_operations,
    "NUL": _nul,
    "page as default": _page_as_default,
    "page as literal": _page_as_literal,
    "page as variable": _page_as_variable,
    "page in input": _page_in_input,
    "repeated fields": _repeated_fields,
    "repeated keys": _repeated_keys,
    "wide variable": _wide_variable,
}


def _nested_pages(words: Vocabulary, levels: int, page: str) -> str:
    selection = words.leaf
    for _ in range(levels):
        selection = words.around(selection, page)
    return selection


def _bomb_with(body: bytes) -> bytes:
    """Return a gzip stream of the body after a great many spaces, which JSON allows before a value."""
    swallowed, compressor = _swallowed_spaces()
    rest = compressor.copy()
    return swallowed + rest.compress(body) + rest.flush()


@cache
def _swallowed_spaces() -> "tuple[bytes, _Compress]":
    compressor = zlib.compressobj(9, zlib.DEFLATED, _GZIP_WINDOW)
    spaces = b" " * (1024 * 1024)
    return b"".join(compressor.compress(spaces) for _ in range(_BOMB_BYTES // len(spaces))), compressor
