from regulars.testing.app import App
from regulars.testing.shop import Happening

CARDS = """
query Cards($where: CustomerWhere) {
  customers(where: $where) {
    nodes { displayName loyaltyCard { points level } loyaltyGreeting loyaltyCardNumber(separator: "-") }
  }
}
"""


async def test_an_order_earns_points_as_soon_as_it_is_heard_of(app: App) -> None:
    ada = await app.add_customer("Ada")

    await app.add_touchpoint(ada, amount="12.50")
    await app.deliver_events()

    (card,) = (await app.gql(CARDS))["customers"]["nodes"]
    assert card["loyaltyCard"] == {"points": 10, "level": "green"}
    assert card["loyaltyGreeting"] == "Hello, Ada"
    assert len(card["loyaltyCardNumber"].replace("-", "")) == 13


async def test_hearing_of_an_order_again_earns_nothing_more(app: App) -> None:
    ada = await app.add_customer("Ada")
    await app.add_touchpoint(ada, amount="12.50")
    await app.deliver_events()

    await app.run_job("loyalty_card.count")

    (card,) = (await app.gql(CARDS))["customers"]["nodes"]
    assert card["loyaltyCard"]["points"] == 10


async def test_the_job_counts_everybody_and_gold_begins_at_ten_orders(app: App) -> None:
    order = Happening(app.clock.now(), amount="5.00")
    await app.ingest({"Ada": [order] * 10, "Ben": [order] * 9, "Clara": []})

    job = await app.run_job("loyalty_card.count")

    golden = await app.gql(CARDS, {"where": {"loyaltyCard": {"level": {"eq": "gold"}}}})
    assert (job.status, job.result) == ("SUCCEEDED", {"cards": 2})
    assert [card["loyaltyGreeting"] for card in golden["customers"]["nodes"]] == ["Welcome back, Ada"]


async def test_segments_can_use_the_points_without_knowing_the_plugin(app: App) -> None:
    await app.add_touchpoint(await app.add_customer("Ada"), amount="12.50")
    await app.add_customer("Ben")
    await app.deliver_events()

    found = await app.gql(CARDS, {"where": {"traits": {"loyaltyCardPoints": {"gte": "10"}}}})

    assert [card["displayName"] for card in found["customers"]["nodes"]] == ["Ada"]


async def test_whoever_may_not_see_cards_sees_customers_without_them(app: App) -> None:
    await app.add_touchpoint(await app.add_customer("Ada"), amount="12.50")
    await app.deliver_events()

    answer = await app.ask("{ customers { nodes { displayName loyaltyCard { points } } } }", as_="privacy")

    assert answer["data"]["customers"]["nodes"] == [{"displayName": "Ada", "loyaltyCard": None}]
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_a_merge_joins_the_points_and_parting_divides_them(app: App) -> None:
    ada, ada_again = await app.add_customer("Ada"), await app.add_customer("Ada Lovelace")
    await app.add_touchpoint(ada, amount="12.50")
    await app.add_touchpoint(ada_again, amount="9.00")
    await app.deliver_events()

    merge = await app.merge(survivor=ada, merged=ada_again)
    joined = (await app.gql(CARDS))["customers"]["nodes"]
    await app.unmerge(merge)
    parted = (await app.gql(CARDS))["customers"]["nodes"]

    assert [card["loyaltyCard"]["points"] for card in joined] == [20]
    assert [card["loyaltyCard"]["points"] for card in parted] == [10, 10]


async def test_a_customer_gets_what_is_known_of_them_and_can_have_it_erased(app: App) -> None:
    ada = await app.add_customer("Ada")
    await app.add_touchpoint(ada, amount="12.50")
    await app.deliver_events()

    exported = await app.export_personal_data(ada)
    erased = await app.erase_personal_data(ada)

    assert exported == {"loyalty_card": {"points": 10, "level": "green"}}
    assert erased == {"loyalty_card": {"loyalty_card_account": 1}}
    assert await app.export_personal_data(ada) == {"loyalty_card": {}}


async def test_the_page_counts_cards_for_those_who_may_see_them(app: App) -> None:
    await app.add_touchpoint(await app.add_customer("Ada"), amount="12.50")
    await app.deliver_events()

    page = await app.client.get("/plugins/loyalty_card/", headers=await app.key("frontline"))
    refused = await app.client.get("/plugins/loyalty_card/")

    assert '<th scope="row">green</th><td class="end">1</td>' in page.text
    assert "<title>Loyalty cards" in page.text
    assert refused.status_code == 401


COUNT = """
mutation Count($customer: ID!) {
  loyaltyCardCount(input: {customerId: $customer}) { loyaltyCard { points } errors { code } }
}
"""


async def test_the_till_counts_a_card_without_waiting_for_the_event(app: App) -> None:
    ada = await app.add_customer("Ada")
    await app.add_touchpoint(ada, amount="12.50")

    answer = await app.gql(COUNT, {"customer": str(ada)}, as_="frontline")

    assert answer["loyaltyCardCount"] == {"loyaltyCard": {"points": 10}, "errors": []}
    assert [event.subject for event in await app.events("loyalty_card.counted")] == [f"customer:{ada}"]


async def test_counting_for_nobody_says_so(app: App) -> None:
    answer = await app.gql(COUNT, {"customer": "01890000-0000-7000-8000-000000000001"})

    errors = [{"code": "NOT_FOUND"}]
    assert answer["loyaltyCardCount"] == {"loyaltyCard": None, "errors": errors}
    assert await app.events("loyalty_card.counted") == []
