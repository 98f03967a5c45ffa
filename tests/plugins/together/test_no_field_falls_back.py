"""Every field of the core and of the installed plugins can be part of a planned operation, or says why not."""

from graphql import GraphQLObjectType

from regulars.plugins.joining.discovery import discover
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp
from regulars.testing.promises.documents import field_text, type_places

EXCEPTIONS = {
    "Query.company": "Tells of settings that the process holds.",
    "Query.consentAt": "Replays the ledger in Python, one customer at a time.",
    "Query.consentAudit": "Replays the ledger in Python.",
    "Query.consentLedgerVerify": "Recomputes the chain of hashes in Python.",
    "Query.contactDecision": "Asks rules in Python, those of plugins among them.",
    "Query.consentReceipt": "Signs what it tells in Python.",
    "Query.contactMessagesNotSent": "Groups and sums over all messages of a period.",
    "Query.contactDecisionReplay": "Asks rules in Python, as of another moment.",
    "Query.customersByRef": "Normalises references in Python, and keeps the order in which up to 10,000 were asked.",
    "Query.nodes": "Reads rows of several types in the order of their ids.",
    "Query.plugins": "Tells of the process, not of the database.",
    "Query.suppressionsOf": "Hashes the address with the server's key in Python.",
    "Query.viewer": "Tells of the request, not of the database.",
}


async def test_no_stock_field_drops_an_operation_to_the_executor(make_app: MakeApp) -> None:
    app = await make_app(*discover())

    planner = (await app.server.executor()).planner
    for text in (await documents(app)).values():
        await app.ask(text)

    assert planner.counts.by_field.keys() == EXCEPTIONS.keys()
    assert planner.counts.planned > 100


async def documents(app: App) -> dict[str, str]:
    """Return a document for each field of each object type that a query can reach through fields of rows."""
    schema = (await app.server.executor()).schema.graphql
    found = {}
    for type_name, place in type_places(schema, first=2).items():
        kind = schema.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)
        if type_name != "Query" and f"Query.{place.names[0]}" in EXCEPTIONS:
            continue
        for name, field in kind.fields.items():
            found[f"{type_name}.{name}"] = place.document(field_text(name, field, first=2))
    return found
