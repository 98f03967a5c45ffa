"""What is asked of each server: the same fields of the same rows, in each one's own words."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from data import customer_id

__all__ = ["PEER", "QUERIES", "neutral", "variables"]

CUSTOMER = "databaseId displayName language timeZone jurisdiction status createdAt"
TOUCHPOINT = "type channel occurredAt source externalId"
CONSENT = "purpose channel topic status since"

QUERIES = {
    "q1": f"query ($id: ID!) {{ customer(id: $id) {{ {CUSTOMER} touchpoints(first: 20) {{ nodes {{ {TOUCHPOINT} amount"
    f" {{ amount currency }} }} }} consents {{ {CONSENT} }} clv {{ tier modelVersion asOf }}"
    " identities { value } } }",
    "q2": f"query ($after: String) {{ customers(first: 50, after: $after) {{ edges {{ cursor node {{ {CUSTOMER}"
    f" touchpoints(first: 5) {{ nodes {{ {TOUCHPOINT} amount {{ amount currency }} }} }} consents {{ {CONSENT} }} }} }}"
    " pageInfo { hasNextPage endCursor } } }",
    "q3": "query ($id: ID!) { customer(id: $id) { databaseId displayName } }",
    "q4": "mutation ($input: TouchpointRecordInput!) { touchpointRecord(input: $input) { touchpoint { id channel }"
    " errors { message } } }",
    "q5": "{ __schema { types { name kind fields { name type { name kind ofType { name } } } } } }",
}

_CUSTOMER = CUSTOMER.replace("databaseId", "databaseId: rowId")
_ORDER = "orderBy: [OCCURRED_AT_DESC, PRIMARY_KEY_DESC]"
_LISTED = f"{{ {TOUCHPOINT} amount currency }}"
_CONSENTS = f"consents: coreConsentStatesByCustomerIdList(orderBy: [PRIMARY_KEY_ASC]) {{ {CONSENT} }}"
PEER = {
    "q1": f"query ($id: UUID!) {{ customer: coreCustomer(rowId: $id) {{ {_CUSTOMER}"
    f" touchpoints: coreTouchpointsByCustomerIdList(first: 20, {_ORDER}) {_LISTED} {_CONSENTS}"
    " clv: clvScoreByCustomerId { tier modelVersion asOf }"
    " identities: coreCustomerIdentitiesByCustomerIdList { value } } }",
    "q2": "query ($after: Cursor) { customers: coreCustomers(first: 50, after: $after,"
    f" orderBy: [CREATED_AT_DESC, PRIMARY_KEY_DESC]) {{ edges {{ cursor node {{ {_CUSTOMER}"
    f" touchpoints: coreTouchpointsByCustomerIdList(first: 5, {_ORDER}) {_LISTED} {_CONSENTS} }} }}"
    " pageInfo { hasNextPage endCursor } } }",
    "q3": "query ($id: UUID!) { customer: coreCustomer(rowId: $id) { databaseId: rowId displayName } }",
    "q4": "mutation ($input: CoreTouchpointInput!) { createCoreTouchpoint(input: {coreTouchpoint: $input})"
    " { coreTouchpoint { rowId channel } } }",
    "q5": QUERIES["q5"],
}


def variables(query: str, number: int, *, is_peer: bool) -> dict[str, Any]:
    """Return the variables of one query about the customer with this number."""
    id = str(customer_id(number))
    if query in ("q1", "q3"):
        return {"id": id}
    if query != "q4":
        return {}
    given = {"customerId": id, "type": "visit", "channel": "web", "occurredAt": "2026-03-01T10:00:00Z"}
    own = {"rowId": _new_id(), "profileId": id, "receivedAt": given["occurredAt"], "source": "bench"}
    return {"input": {**given, **own} if is_peer else given}


def _new_id() -> str:
    from uuid import uuid4

    return str(uuid4())


def neutral(value: Any) -> Any:
    """Return an answer without cursors, with money and pages unfolded, and with moments and decimals read."""
    if isinstance(value, Mapping) and value.keys() == {"nodes"}:
        return neutral(value["nodes"])
    if isinstance(value, Mapping):
        members = {key: member for key, member in value.items() if key not in ("cursor", "endCursor")}
        if isinstance(members.get("amount"), Mapping):
            members |= members["amount"]
        return {key: neutral(member) for key, member in members.items()}
    if isinstance(value, list):
        read = [neutral(each) for each in value]
        return sorted(read, key=json.dumps) if read and "purpose" in read[0] else read
    if isinstance(value, str) and value[:2] in ("19", "20") and "T" in value:
        return datetime.fromisoformat(value).timestamp()
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
