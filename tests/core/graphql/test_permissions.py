from tests.core.graphql.shop import Sale, open_shop

from regulars.access.actors import Actor
from regulars.testing.app import App


async def test_anybody_may_ask_for_the_name_of_the_root(core: App) -> None:
    answer = await core.ask("{ __typename }", as_="anonymous")

    assert answer["data"] == {"__typename": "Query"}


async def test_without_credentials_everything_else_is_null_and_forbidden(core: App) -> None:
    await open_shop(core.database, core.clock.now(), {"Ada": []})

    answer = await core.ask("{ customers { nodes { id } } viewer { kind permissions } }", as_="anonymous")

    assert answer["data"] == {"customers": None, "viewer": {"kind": "anonymous", "permissions": []}}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert "customers:read" in answer["errors"][0]["message"]


async def test_a_field_without_permission_is_null_beside_the_rest(core: App) -> None:
    await open_shop(core.database, core.clock.now(), {"Ada": [Sale(1, "5.00")]})
    reader = Actor("service", permissions=frozenset({"customers:read"}))

    answer = await core.ask("{ customers { nodes { displayName touchpoints { totalCount } } } }", as_=reader)

    assert answer["data"]["customers"]["nodes"] == [{"displayName": "Ada", "touchpoints": None}]
    assert answer["errors"][0]["path"] == ["customers", "nodes", 0, "touchpoints"]
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_filter_needs_the_permission_of_its_field(core: App) -> None:
    await open_shop(core.database, core.clock.now(), {"Ada": [Sale(1, "5.00")]})
    reader = Actor("service", permissions=frozenset({"customers:read"}))

    answer = await core.ask(
        '{ customers(where: {touchpoints: {some: {type: {eq: "order"}}}}) { totalCount } }', as_=reader
    )

    assert answer["data"] == {"customers": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_customer_sees_only_their_own_rows(core: App) -> None:
    ids = await open_shop(core.database, core.clock.now(), {"Ada": [Sale(1, "5.00")], "Bob": [Sale(2, "9.00")]})
    query = """query($bob: ID!) {
      customers { totalCount nodes { displayName touchpoints { totalCount } } }
      touchpoints { totalCount nodes { customer { displayName } } }
      bob: customer(id: $bob) { id } node(id: $bob) { id }
      big: customers(where: {touchpoints: {some: {amount: {gt: "8"}}}}) { totalCount }
    }"""
    bob = f"Customer_{ids['Bob'].hex}"

    found = await core.gql(query, {"bob": bob}, as_=f"customer:Customer_{ids['Ada'].hex}")

    assert found["customers"] == {"totalCount": 1, "nodes": [{"displayName": "Ada", "touchpoints": {"totalCount": 1}}]}
    assert found["touchpoints"] == {"totalCount": 1, "nodes": [{"customer": {"displayName": "Ada"}}]}
    assert (found["bob"], found["node"]) == (None, None)
    assert found["big"]["totalCount"] == 0


async def test_a_forbidden_mutation_changes_nothing(core: App) -> None:
    answer = await core.ask(
        'mutation { customerCreate(input: {displayName: "Eve"}) { customer { id } } }', as_="analyst"
    )
    count = await core.gql("{ customers { totalCount } }")

    assert answer["data"] == {"customerCreate": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert count["customers"]["totalCount"] == 0


async def test_the_schema_is_read_only_with_permission(core: App) -> None:
    query = "{ __schema { queryType { name } } }"

    granted = await core.gql(query, as_="analyst")
    refused = await core.ask(query, as_="anonymous")
    none = await core.gql('{ __type(name: "Customer") { name } }', as_="anonymous")
    one = await core.gql('{ __type(name: "Customer") { name } }', as_="analyst")

    assert (none, one) == ({"__type": None}, {"__type": {"name": "Customer"}})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert granted == {"__schema": {"queryType": {"name": "Query"}}}
