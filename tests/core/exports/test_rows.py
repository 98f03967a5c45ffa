import pytest

from regulars.errors import InvalidInput
from regulars.exports.columns import document, row_of
from regulars.exports.rows import harmless, lines_of


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+49 30 1234", "'+49 30 1234"),
        ("-1+1|cmd", "'-1+1|cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("-12.50", "-12.50"),
        ("+7", "+7"),
        ("Ada = Lovelace", "Ada = Lovelace"),
        ("", ""),
    ],
)
def test_no_spreadsheet_runs_what_somebody_typed(typed: str, written: str) -> None:
    assert harmless(typed) == written


def test_a_list_of_values_is_one_cell_and_no_formula() -> None:
    node = {"identities": [{"value": "=1+1"}, {"value": "b"}], "amount": {"amount": "-3.00"}, "gone": None}

    assert lines_of("csv", [node], ["identities.value", "amount.amount", "gone"]) == b"'=1+1; b,-3.00,\r\n"


def test_json_lines_hold_the_values_as_they_are() -> None:
    node = {"identities": [{"value": "=1+1"}], "hasGuardianConsent": True}

    assert lines_of("jsonl", [node], ["identities.value", "hasGuardianConsent"]) == (
        b'{"identities.value":["=1+1"],"hasGuardianConsent":true}\n'
    )


def test_columns_become_one_selection() -> None:
    asked = document("touchpoints", ["id", "amount.amount", "amount.currency"], page=2)

    assert "nodes { exportedId: databaseId id amount { amount currency } }" in asked
    assert row_of({"amount": None}, ["amount.amount"]) == [None]


@pytest.mark.parametrize("column", ["id } } evil { a", "__typename", "a.", "", "naïve"])
def test_a_column_is_a_path_of_names_and_nothing_else(column: str) -> None:
    with pytest.raises(InvalidInput):
        document("customers", [column], page=1)
