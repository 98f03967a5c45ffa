"""A dataclass whose methods are written late is like any other."""

import dataclasses
from threading import Thread

import pytest

from regulars.late_methods import dataclass


def made() -> type:
    @dataclass(kw_only=True)
    class Visit:
        """A visit."""

        shop: str
        people: int = 1
        bought: list[str] = dataclasses.field(default_factory=list)

    return Visit


def test_its_fields_are_there_at_once_and_its_methods_when_one_is_made() -> None:
    visit = made()

    fields, before = [field.name for field in dataclasses.fields(visit)], dict(vars(visit))
    visit(shop="Harbour")

    assert fields == ["shop", "people", "bought"]
    assert {name for name in before if vars(visit)[name] is not before[name]} == {"__init__", "__repr__", "__eq__"}


def test_two_with_the_same_members_are_equal_and_none_is_hashable() -> None:
    visit = made()

    assert visit(shop="Harbour") == visit(shop="Harbour", people=1, bought=[])
    assert visit(shop="Harbour") != visit(shop="Market")
    with pytest.raises(TypeError, match="unhashable"):
        hash(visit(shop="Harbour"))


def test_it_is_shown_with_its_members() -> None:
    assert repr(made()(shop="Harbour")).endswith("Visit(shop='Harbour', people=1, bought=[])")


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, r"Visit.__init__\(\) missing 1 required keyword-only"), ({"shop": "", "day": 1}, "unexpected keyword")],
)
def test_what_is_wrongly_given_is_refused_the_first_time(given: dict[str, object], told: str) -> None:
    visit = made()

    with pytest.raises(TypeError, match=told):
        visit(**given)


def test_a_class_below_it_has_its_members_and_methods_of_its_own() -> None:
    visit = made()

    @dataclass(kw_only=True)
    class Paid(visit):  # type: ignore[misc, valid-type]
        """A visit that was paid for."""

        price: int

    assert Paid(shop="Harbour", price=5) != visit(shop="Harbour")
    assert repr(Paid(shop="Harbour", price=5)).endswith("Paid(shop='Harbour', people=1, bought=[], price=5)")


def test_methods_that_a_class_has_itself_stay() -> None:
    @dataclass(kw_only=True)
    class Shop:
        """A shop."""

        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Shop)

        def __repr__(self) -> str:
            return self.name

    assert Shop(name="Harbour") == Shop(name="Market")
    assert repr(Shop(name="Harbour")) == "Harbour"


def test_a_frozen_one_is_hashable_and_stays_as_it_is() -> None:
    @dataclass(frozen=True)
    class Price:
        """A price."""

        amount: int
        currency: str = "EUR"

    price = Price(5)

    assert {price, Price(5, "EUR")} == {price}
    with pytest.raises(dataclasses.FrozenInstanceError, match="amount"):
        price.amount = 6  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="amount"):
        delattr(price, "amount")
    assert dataclasses.replace(price, amount=6) == Price(6)


def test_one_that_was_not_made_by_its_class_is_compared_all_the_same() -> None:
    @dataclass(frozen=True)
    class Price:
        """A price."""

        amount: int

    first, second = object.__new__(Price), object.__new__(Price)
    first.__dict__["amount"] = second.__dict__["amount"] = 5

    assert first == second
    assert hash(first) == hash(second)


def test_a_frozen_one_below_a_frozen_one_is_like_any_other() -> None:
    @dataclass(frozen=True)
    class Price:
        """A price."""

        amount: int

    @dataclass(frozen=True)
    class Discounted(Price):
        """A price with something taken off."""

        off: int = 0

    assert Discounted(5, 1) == Discounted(5, 1)
    assert Discounted(5) != Price(5)
    assert repr(Discounted(5, 1)).endswith("Discounted(amount=5, off=1)")


def test_a_class_below_it_may_make_itself() -> None:
    @dataclass
    class Visit:
        """A visit."""

        shop: str

    class Loud(Visit):
        """A visit to a shop that is written large."""

        def __init__(self, shop: str, times: int) -> None:
            super().__init__(shop.upper() * times)

    assert Loud("harbour", 2).shop == "HARBOURHARBOUR"


def test_several_threads_may_make_the_first_ones() -> None:
    visit = made()
    there: list[object] = []
    threads = [Thread(target=lambda: there.append(visit(shop="Harbour"))) for _ in range(20)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert there == [visit(shop="Harbour")] * 20
