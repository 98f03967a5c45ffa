import logging
from collections.abc import Sequence
from typing import Any

import structlog

from regulars import Pii, Secret
from regulars.customers.identities import read_identity


def test_a_line_is_json_with_time_and_level(log_lines: Sequence[dict[str, Any]]) -> None:
    structlog.get_logger().info("imported", rows=3)

    line = log_lines[0]
    assert line.pop("at").endswith("+00:00")
    assert line == {"event": "imported", "rows": 3, "level": "info"}


def test_a_mail_address_is_masked_wherever_it_stands(log_lines: Sequence[dict[str, Any]]) -> None:
    structlog.get_logger().info("met ada@example.com", who=["Grace <grace@example.com>", {"b%40example.com": 1}])

    line = log_lines[0]
    assert line["event"] == "met ‹pii:email›"
    assert line["who"] == ["Grace <‹pii:email›>", {"‹pii:email›": 1}]


def test_libraries_log_in_the_same_form(log_lines: Sequence[dict[str, Any]]) -> None:
    logging.getLogger("sqlalchemy.pool").warning("lost the connection of ada@example.com")

    assert log_lines[0]["event"] == "lost the connection of ‹pii:email›"
    assert log_lines[0]["level"] == "warning"


def test_strawberry_does_not_log_documents(log_lines: Sequence[dict[str, Any]]) -> None:
    logging.getLogger("strawberry.execution").error('query { customers(email: "ada@example.com") { id } }')

    assert list(log_lines) == []


def test_a_fault_is_told_by_type_message_and_places(log_lines: Sequence[dict[str, Any]]) -> None:
    def divide() -> float:
        return 1 / 0

    try:
        divide()
    except ZeroDivisionError as error:
        structlog.get_logger().error("fault", exc_info=error)

    line = log_lines[0]
    assert line["fault"] == "ZeroDivisionError: division by zero"
    assert line["places"][-1].endswith("divide")
    assert "web/test_logging.py:" in line["places"][-1]


def test_a_fault_of_a_library_is_told_in_the_same_form(log_lines: Sequence[dict[str, Any]]) -> None:
    try:
        raise ValueError("of ada@example.com")
    except ValueError:
        logging.getLogger("asyncio").exception("it broke")

    assert log_lines[0]["fault"] == "ValueError: of ‹pii:email›"


def test_long_words_and_lines_are_shortened(log_lines: Sequence[dict[str, Any]]) -> None:
    structlog.get_logger().info("long", word="w" * 10_000, words=["w" * 300] * 100)

    line = log_lines[0]
    assert len(line["word"]) == 301
    assert "words" not in line
    assert line["isShortened"] is True


def test_what_is_private_prints_as_its_kind(log_lines: Sequence[dict[str, Any]]) -> None:
    identity = read_identity("phone", "+43 660 1234567")

    structlog.get_logger().info("met", who=Pii("Ada", "name"), key=Secret("rgl_x"), by=[identity], told=f"{Pii('Ada')}")

    line = log_lines[0]
    assert (line["who"], line["key"], line["told"]) == ("‹pii:name›", "‹secret›", "‹pii:text›")
    assert line["by"] == ["Identity(‹pii:phone›)"]


def test_what_is_private_can_be_revealed_by_who_needs_it() -> None:
    assert (Pii("Ada", "name").reveal(), Secret("rgl_x").reveal()) == ("Ada", "rgl_x")
