import json
import shlex
from urllib.parse import parse_qs, urlsplit

import pytest
from graphql import parse, print_ast

from regulars.demo.preparation import CDNOW, History
from regulars.demo.welcome import EXAMPLE_QUERY, welcome

SERVER = "http://127.0.0.1:8000"
KEY = "rgl_1234"


@pytest.fixture
def text(history: History) -> str:
    return welcome(SERVER, key=KEY, history=History(CDNOW, history.purchases), place="demo-data")


def graphiql_line(text: str) -> str:
    return next(line.strip() for line in text.splitlines() if "/graphql#" in line)


def test_the_address_of_graphiql_brings_the_example_query_and_the_key_behind_the_hash(text: str) -> None:
    address = urlsplit(graphiql_line(text))

    given = parse_qs(address.fragment)
    assert (address.netloc, address.path, address.query) == ("127.0.0.1:8000", "/graphql", "")
    assert given["key"] == [KEY]
    assert print_ast(parse(given["query"][0])) == print_ast(parse(EXAMPLE_QUERY))


def test_the_command_for_a_shell_sends_the_same_query(text: str) -> None:
    command = shlex.split(text[text.index("curl") : text.index("API key")])

    body = json.loads(command[command.index("-d") + 1])
    assert f"Authorization: Bearer {KEY}" in command
    assert print_ast(parse(body["query"])) == print_ast(parse(EXAMPLE_QUERY))


def test_a_newcomer_reads_what_is_real_and_what_is_invented(text: str) -> None:
    assert "Real: days and amounts" in text
    assert "Invented: names" in text


def test_without_the_real_history_a_newcomer_reads_that_nothing_is_real(history: History) -> None:
    text = welcome(SERVER, key=KEY, history=history, place="demo-data")

    assert "Nothing is real" in text
    assert "pip install 'regulars[demo]'" in text
    assert "CDNOW" not in text
