import pytest
from tests.core.graphql.small_app import SCHEMA
from tests.real.node import run_node
from tests.real.servers import serving

from regulars.graphql.documents.limits import Limits, compile_price
from regulars.graphql.documents.parsing import parse_document

pytestmark = pytest.mark.real


def test_every_audit_of_graphql_over_http_is_passed() -> None:
    with serving("tests.core.graphql.small_app:app") as address:
        audits = run_node("audits.mjs", f"{address}/graphql")

    assert isinstance(audits, list)
    assert len(audits) == 61
    assert [audit for audit in audits if audit["status"] != "ok"] == []


def test_the_introspection_of_graphql_js_passes_with_every_set_of_options() -> None:
    queries = run_node("introspection.mjs")

    assert isinstance(queries, list)
    assert len(set(queries)) >= 64
    prices = {compile_price(SCHEMA, parse_document(text), None, Limits()).price({}).requested for text in queries}
    assert prices == {0}
