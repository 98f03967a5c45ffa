import pytest

from regulars.graphql.documents.flattening import read_definitions
from regulars.graphql.documents.inputs import MAX_INPUT_DEPTH, MAX_INPUT_VALUES, check_variables
from regulars.graphql.documents.limits import Limits
from regulars.graphql.documents.parsing import parse_document
from regulars.graphql.documents.refusals import (
    DocumentTooLarge,
    InputRefused,
    NestingRefused,
    SyntaxRefused,
    TooManyTokens,
)


def test_a_document_of_the_longest_length_is_read() -> None:
    text = "{ a }".ljust(Limits().document_bytes)

    assert len(parse_document(text).definitions) == 1


def test_a_byte_more_is_refused() -> None:
    with pytest.raises(DocumentTooLarge, match="takes 16,385 bytes; at most 16,384"):
        parse_document("{ a }".ljust(Limits().document_bytes + 1))


def test_bytes_are_counted_and_not_characters() -> None:
    with pytest.raises(DocumentTooLarge):
        parse_document("{ a } #" + "é" * (Limits().document_bytes // 2))


def test_half_a_surrogate_pair_is_refused_before_anybody_encodes_it() -> None:
    with pytest.raises(SyntaxRefused, match="surrogate pair"):
        parse_document('{ a(b: "\ud800") }')


@pytest.mark.parametrize("text", ["{ " + "a " * 4_100 + "}", "#\n" * 600 + "{ a }"])
def test_too_many_words_or_comments_are_refused(text: str) -> None:
    with pytest.raises(TooManyTokens) as refusal:
        parse_document(text)

    assert refusal.value.code == "TOO_MANY_TOKENS"


@pytest.mark.parametrize("text", ["{a" * 1_000, "{ a(b: " + "[" * 2_000, "query ($a: " + "[" * 2_000])
def test_deep_nesting_is_refused_and_not_followed(text: str) -> None:
    with pytest.raises(NestingRefused) as refusal:
        parse_document(text)

    assert refusal.value.code == "QUERY_TOO_DEEP"


@pytest.mark.parametrize(
    ("text", "problem", "place"),
    [
        ("{", "Expected Name, found <EOF>.", (1, 2)),
        ("{\n  a(b: }", "Unexpected '}'.", (2, 8)),
        ("secret { a }", "Unexpected Name.", (1, 1)),
        ('{ a "ada@example.com" }', "Expected Name, found String.", (1, 5)),
        ('{ a """it\'s\nada@example.com""" }', "Expected Name, found BlockString.", (1, 5)),
        ("{ a 4242 }", "Expected Name, found Int.", (1, 5)),
        ("{ a \x00 }", "Unexpected character: U+0000.", (1, 5)),
    ],
)
def test_a_syntax_error_says_where_and_quotes_no_word(text: str, problem: str, place: tuple[int, int]) -> None:
    with pytest.raises(SyntaxRefused) as refusal:
        parse_document(text)

    assert refusal.value.problem == problem
    assert refusal.value.locations == [place]
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize(
    "text",
    [
        "{ a(b: " + "[" * 33 + "]" * 33 + ") }",
        "{ a(b: " + "{c: " * 33 + "1" + "}" * 33 + ") }",
        "query ($v: " + "[" * 33 + "Int" + "]" * 33 + ") { a }",
        "query ($v: [Int] = " + "[" * 33 + "]" * 33 + ") { a }",
        "{ a @b(c: " + "[" * 33 + "]" * 33 + ") }",
        "{ a(b: " + "9" * 41 + ") }",
        "{ a(b: 0." + "9" * 41 + ") }",
        '{ a(b: ["\\u0000"]) }',
        "fragment F on T { a(b: {c: " + "9" * 41 + "}) }",
    ],
)
def test_strange_values_in_a_document_are_refused(text: str) -> None:
    with pytest.raises(InputRefused) as refusal:
        read_definitions(parse_document(text))

    assert refusal.value.code == "INPUT_REFUSED"


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"AND": [value]}
    return value


@pytest.mark.parametrize(
    "value",
    [
        nested(MAX_INPUT_DEPTH // 2 + 1),
        [1] * (MAX_INPUT_VALUES + 1),
        [[1] * 10] * (MAX_INPUT_VALUES // 10),
        10**40,
        -(10**40),
        float("inf"),
        "a\x00b",
        {"a\x00b": 1},
        "\ud800",
    ],
)
def test_strange_variables_are_refused(value: object) -> None:
    with pytest.raises(InputRefused):
        check_variables({"value": value})


@pytest.mark.parametrize(
    "value",
    [nested(MAX_INPUT_DEPTH // 2), [1] * (MAX_INPUT_VALUES - 2), 10**39, 1.5, True, None, "Zoë 🏃\u2028", [[[]]], {}],
)
def test_ordinary_variables_pass(value: object) -> None:
    check_variables({"value": value})
