import pytest

from regulars.testing.app import App

CREATE = """
mutation($input: CustomerCreateInput!) {
  customerCreate(input: $input) {
    customer { id databaseId displayName version identities { kind source value verifiedAt } }
    errors { path message code conflictingId }
    clientMutationId
  }
}"""
UPDATE = """
mutation($input: CustomerUpdateInput!) {
  customerUpdate(input: $input) { customer { displayName language version } errors { path message code } }
}"""


async def created(core: App, **facts: object) -> dict[str, object]:
    answer = await core.gql(CREATE, {"input": facts})
    assert answer["customerCreate"]["errors"] == []
    customer: dict[str, object] = answer["customerCreate"]["customer"]
    return customer


async def test_a_created_customer_is_found_by_each_of_its_names(core: App) -> None:
    identities = [
        {"kind": "external", "source": "crm", "value": "C-1"},
        {"kind": "email", "value": "Ada@Example.com"},
    ]
    customer = await created(core, displayName="Ada", identities=identities)

    found = await core.gql(
        """query($id: ID!) {
          byId: customer(id: $id) { id }
          byRef: customer(externalRef: {source: "crm", id: "C-1"}) { id }
          byEmail: customer(identity: {kind: "email", value: "ada@example.com"}) { id }
          byRefs: customersByRef(refs: [{source: "crm", id: "X"}, {source: "crm", id: "C-1"}]) { id }
          node(id: $id) { id ... on Customer { displayName } }
        }""",
        {"id": customer["id"]},
    )

    me = {"id": customer["id"]}
    assert found["byId"] == found["byRef"] == found["byEmail"] == me
    assert found["byRefs"] == [None, me]
    assert found["node"] == {"id": customer["id"], "displayName": "Ada"}


async def test_what_an_update_leaves_out_stays_and_null_clears(core: App) -> None:
    customer = await created(core, displayName="Ada", language="en-GB")

    left = await core.gql(UPDATE, {"input": {"id": customer["id"], "displayName": "Ada L."}})
    cleared = await core.gql(UPDATE, {"input": {"id": customer["id"], "language": None}})

    assert left["customerUpdate"]["customer"] == {"displayName": "Ada L.", "language": "en-GB", "version": 2}
    assert cleared["customerUpdate"]["customer"] == {"displayName": "Ada L.", "language": None, "version": 3}


async def test_a_stale_version_is_a_conflict_and_changes_nothing(core: App) -> None:
    customer = await created(core, displayName="Ada")

    answer = await core.gql(UPDATE, {"input": {"id": customer["id"], "displayName": "Eve", "expectedVersion": 7}})
    after = await core.gql("query($id: ID!) { customer(id: $id) { displayName version } }", {"id": customer["id"]})

    assert answer["customerUpdate"]["customer"] is None
    assert answer["customerUpdate"]["errors"][0]["code"] == "CONFLICT"
    assert answer["customerUpdate"]["errors"][0]["path"] == ["expectedVersion"]
    assert after["customer"] == {"displayName": "Ada", "version": 1}


async def test_an_external_id_that_is_taken_names_its_owner(core: App) -> None:
    ref = [{"kind": "external", "source": "crm", "value": "C-1"}]
    owner = await created(core, displayName="Ada", identities=ref)

    answer = await core.gql(CREATE, {"input": {"displayName": "Eve", "identities": ref, "clientMutationId": "w"}})
    count = await core.gql("{ customers { totalCount } }")

    payload = answer["customerCreate"]
    assert payload["customer"] is None
    assert payload["errors"][0]["code"] == "UNIQUE"
    assert payload["errors"][0]["conflictingId"] == owner["databaseId"]
    assert payload["clientMutationId"] == "w"
    assert count["customers"]["totalCount"] == 1


async def test_one_failed_mutation_of_a_request_leaves_the_others(core: App) -> None:
    answer = await core.gql(
        """mutation {
          good: customerCreate(input: {displayName: "Ada"}) { customer { displayName } errors { code } }
          bad: customerCreate(input: {displayName: "Eve", timeZone: "Mars/Base"}) {
            customer { id } errors { code path }
          }
        }"""
    )
    names = await core.gql("{ customers { nodes { displayName } } }")

    assert answer["good"] == {"customer": {"displayName": "Ada"}, "errors": []}
    assert answer["bad"] == {"customer": None, "errors": [{"code": "INVALID_TIME", "path": ["timeZone"]}]}
    assert names["customers"]["nodes"] == [{"displayName": "Ada"}]


async def test_a_deleted_customer_is_gone_until_restored(core: App) -> None:
    customer = await created(core, displayName="Ada")
    id = {"id": customer["id"]}

    await core.gql("mutation($id: ID!) { customerDelete(input: {id: $id}) { errors { code } } }", id)
    gone = await core.gql("query($id: ID!) { customer(id: $id) { id } node(id: $id) { id } }", id)
    await core.gql("mutation($id: ID!) { customerRestore(input: {id: $id}) { errors { code } } }", id)
    back = await core.gql("query($id: ID!) { customer(id: $id) { displayName } }", id)

    assert gone == {"customer": None, "node": None}
    assert back == {"customer": {"displayName": "Ada"}}


async def test_search_finds_customers_by_the_beginnings_of_words(core: App) -> None:
    await created(core, displayName="Ada Lovelace")
    await created(core, displayName="Adam Smith")
    await created(core, displayName="Zoë Ångström")

    found = await core.gql(
        """{ ada: customers(search: "ada lov") { nodes { displayName } }
             both: customers(search: "ada") { totalCount }
             accents: customers(search: "angstrom zoe") { nodes { displayName } } }"""
    )

    assert found["ada"]["nodes"] == [{"displayName": "Ada Lovelace"}]
    assert found["both"]["totalCount"] == 2
    assert found["accents"]["nodes"] == [{"displayName": "Zoë Ångström"}]


@pytest.mark.parametrize("arguments", ["", '(id: "Customer_x")', '(id: "Touchpoint_0192", externalRef: null)'])
async def test_an_unreadable_reference_says_what_to_give(core: App, arguments: str) -> None:
    answer = await core.ask(f"{{ customer{arguments} {{ id }} }}")

    assert answer["data"] == {"customer": None}
    assert answer["errors"][0]["extensions"]["code"] == "INVALID"


async def test_every_change_is_told_in_the_outbox(core: App) -> None:
    customer = await created(core, displayName="Ada")
    await core.gql(UPDATE, {"input": {"id": customer["id"], "displayName": "Ada L."}})

    events = await core.events()

    assert [event.type for event in events] == ["customer.created", "customer.updated"]
    assert {event.subject for event in events} == {f"customer:{customer['databaseId']}"}
    assert "Ada" not in str([event.data for event in events])


@pytest.mark.parametrize("field", ["job", "segment"])
async def test_a_lookup_without_an_id_says_what_to_give(core: App, field: str) -> None:
    answer = await core.ask(f"{{ {field} {{ id }} }}")

    assert answer["data"] == {field: None}
    assert answer["errors"][0]["extensions"] == {"code": "INVALID", "argument": "id"}
