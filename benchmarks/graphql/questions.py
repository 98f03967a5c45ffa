"""What is asked of each server: the same fields of the same rows, in each one's own words."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from data import customer_id
from graphql import get_introspection_query

__all__ = ["PEER", "PLUGIN", "QUERIES", "cursor_in", "neutral", "numbers", "variables"]

PAGES = 10
ASKED = 400
CUSTOMER = "databaseId displayName language timeZone jurisdiction status createdAt"
TOUCHPOINT = "type channel occurredAt source externalId"
CONSENTS = "consents { purpose channel topic status since }"
CLV = "clv { value { amount currency } tier modelVersion asOf }"
_NODES = f"{{ nodes {{ {TOUCHPOINT} amount {{ amount currency }} }} }}"

QUERIES = {
    "q1": f"query ($id: ID!) {{ customer(id: $id) {{ {CUSTOMER} touchpoints(first: 20) {_NODES} {CONSENTS} {CLV}"
    " identities { value } } }",
    "q2": f"query ($after: String) {{ customers(first: 50, after: $after) {{ edges {{ cursor node {{ {CUSTOMER}"
    f" touchpoints(first: 5) {_NODES} {CONSENTS} {CLV} }} }} pageInfo {{ hasNextPage endCursor }} }} }}",
    "q3": "query ($id: ID!) { customer(id: $id) { databaseId displayName } }",
    "q4": "mutation ($input: TouchpointRecordInput!) { touchpointRecord(input: $input) { touchpoint { id channel }"
    " errors { message } } }",
    "q5": get_introspection_query(),
}
PLUGIN = {
    query + mark: QUERIES[query].replace("displayName", f"displayName {field}", 1)
    for query in ("q1", "q2")
    for mark, field in (("s", "lastStampAt"), ("p", "stampLabel"))
}
"""The same with one more field of a plugin: ``s`` is SQL, ``p`` is Python."""

_CUSTOMER = CUSTOMER.replace("databaseId", "databaseId: rowId")
_ORDER = "orderBy: [OCCURRED_AT_DESC, PRIMARY_KEY_DESC]"
_LISTED = f"{{ {TOUCHPOINT} amount currency }}"
_CONSENTS = CONSENTS.replace("consents", "consents: coreConsentStatesByCustomerIdList(orderBy: [PRIMARY_KEY_ASC])")
_CLV = "clv: clvScoreByCustomerId { value currency tier modelVersion asOf }"
PEER = {
    "q1": f"query ($id: UUID!) {{ customer: coreCustomer(rowId: $id) {{ {_CUSTOMER}"
    f" touchpoints: coreTouchpointsByCustomerIdList(first: 20, {_ORDER}) {_LISTED} {_CONSENTS} {_CLV}"
    " identities: coreCustomerIdentitiesByCustomerIdList { value } } }",
    "q2": "query ($after: Cursor) { customers: coreCustomers(first: 50, after: $after,"
    f" orderBy: [CREATED_AT_DESC, PRIMARY_KEY_DESC]) {{ edges {{ cursor node {{ {_CUSTOMER}"
    f" touchpoints: coreTouchpointsByCustomerIdList(first: 5, {_ORDER}) {_LISTED} {_CONSENTS} {_CLV} }} }}"
    " pageInfo { hasNextPage endCursor } } }",
    "q3": "query ($id: UUID!) { customer: coreCustomer(rowId: $id) { databaseId: rowId displayName } }",
    "q4": "mutation ($input: CoreTouchpointInput!) { createCoreTouchpoint(input: {coreTouchpoint: $input})"
    " { coreTouchpoint { rowId channel } } }",
    "q5": QUERIES["q5"],
}


def numbers(customers: int) -> Iterator[int]:
    """Yield the numbers of the customers that are asked for, busy ones more often; the same at every run."""
    chance = random.Random(7)
    for _ in range(ASKED):
        yield 1 + int(customers * chance.random() ** 2)


def variables(query: str, number: int, after: str | None, *, is_peer: bool) -> dict[str, Any]:
    """Return the variables of one query about the customer with this number, or about the page behind a cursor."""
    id = str(customer_id(number))
    if query[:2] in ("q1", "q3"):
        return {"id": id}
    if query[:2] == "q2":
        return {"after": after}
    if query != "q4":
        return {}
    given = {"customerId": id, "type": "visit", "channel": "web", "occurredAt": "2026-03-01T10:00:00Z"}
    own = {"rowId": str(uuid4()), "profileId": id, "receivedAt": given["occurredAt"], "source": "bench"}
    return {"input": {**given, **own} if is_peer else given}


def cursor_in(answer: Mapping[str, Any]) -> str | None:
    """Return the cursor behind which the next page begins."""
    found: str | None = answer["customers"]["pageInfo"]["endCursor"]
    return found


def neutral(value: Any) -> Any:
    """Return an answer without cursors, with money and pages unfolded, and with moments and decimals read."""
    if isinstance(value, Mapping) and value.keys() == {"nodes"}:
        return neutral(value["nodes"])
    if isinstance(value, Mapping):
        members = {key: member for key, member in value.items() if key not in ("cursor", "endCursor")}
        for key in ("amount", "value"):
            if isinstance(members.get(key), Mapping):
                money = members[key]
                members |= {key: money["amount"], "currency": money["currency"]}
        if "amount" in members:
            members.setdefault("currency", None)  # what has no amount has none
        return {key: neutral(member) for key, member in members.items()}
    if isinstance(value, list):
        return _ordered([neutral(each) for each in value])
    if isinstance(value, str) and value[:2] in ("19", "20") and "T" in value:
        return datetime.fromisoformat(value).timestamp()
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _ordered(items: Sequence[Any]) -> Sequence[Any]:
    # Nobody promises an order of consents.
    return sorted(items, key=json.dumps) if items and "purpose" in items[0] else items
