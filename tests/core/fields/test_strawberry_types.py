"""Types that are made quickly are what strawberry makes of the same class."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
import strawberry
from strawberry.exceptions import (
    MissingFieldAnnotationError,
    MultipleStrawberryFieldsError,
    PrivateStrawberryFieldError,
    ResolverFieldOnInputError,
)

from regulars.fields.types import input_type, value_type

Make = Callable[[type[Any]], type[Any]]
OUTPUTS = (strawberry.type(description="Told."), value_type(description="Told."))
INPUTS = (strawberry.input(description="Told."), input_type(description="Told."))


def shop(make: Make) -> type[Any]:
    class Shop:
        """What a shop says."""

        name: str = strawberry.field(description="The name.")
        later: "Remark | None" = strawberry.field(default=None, description="What it says later.")
        days: Annotated[int, strawberry.field(description="On how many days.")] = 7
        code: str = strawberry.field(graphql_type=strawberry.ID, description="The code.")
        kept: strawberry.Private[int] = 0

        @strawberry.field(description="The name, loud.")  # type: ignore[untyped-decorator]
        def loud(self) -> str:
            return self.name.upper()

    return make(Shop)


def harbour(make: Make) -> type[Any]:
    @make
    class Harbour(shop(make)):  # type: ignore[misc]
        """What a shop at the harbour says."""

        quay: int = strawberry.field(description="The quay.")

    return Harbour


def question(make: Make) -> type[Any]:
    class Question:
        """What a shop is asked."""

        name: str = strawberry.field(description="The name.")
        days: int = strawberry.field(default=7, description="On how many days.")
        word: strawberry.Maybe[str]

    return make(Question)


@strawberry.type
class Remark:
    """A type that its users name before it is there."""

    text: str


def without_type(make: Make) -> type[Any]:
    return make(type("Shop", (), {"name": strawberry.field(description="The name.")}))


def declared_twice(make: Make) -> type[Any]:
    class Shop:
        """A shop whose name is declared twice."""

        name: Annotated[str, strawberry.field(description="The name.")] = strawberry.field(description="Again.")

    return make(Shop)


def shown_though_private(make: Make) -> type[Any]:
    class Shop:
        """A shop that shows what it keeps."""

        name: strawberry.Private[str] = strawberry.field(description="The name.")

    return make(Shop)


def told_in_sdl(told: type[Any]) -> str:
    return strawberry.Schema(
        strawberry.type(type("Query", (), {"__annotations__": {"told": told}})), types=[told]
    ).as_str()


def asked_in_sdl(asked: type[Any]) -> str:
    def hear(question: Any) -> int:
        return 1

    hear.__annotations__["question"] = asked
    return strawberry.Schema(strawberry.type(type("Query", (), {"hear": strawberry.field(resolver=hear)}))).as_str()


@pytest.mark.parametrize("declare", [shop, harbour])
def test_a_type_reads_as_strawberry_would_write_it(declare: Callable[[Make], type[Any]]) -> None:
    theirs, ours = (told_in_sdl(declare(make)) for make in OUTPUTS)

    assert ours == theirs


def test_an_input_reads_as_strawberry_would_write_it() -> None:
    theirs, ours = (asked_in_sdl(question(make)) for make in INPUTS)

    assert ours == theirs


def test_what_is_made_of_a_type_has_its_members_and_methods() -> None:
    made = harbour(OUTPUTS[1])(name="Blue", code="b", quay=3)

    assert (made.days, made.kept, made.later, made.quay, made.loud()) == (7, 0, None, 3, "BLUE")


def test_the_annotations_of_a_class_stay_as_they_were() -> None:
    theirs, ours = (shop(make).__annotations__ for make in OUTPUTS)

    assert list(ours) == list(theirs)
    assert ours["later"] == "Remark | None"


@pytest.mark.parametrize("make", OUTPUTS)
@pytest.mark.parametrize(
    ("declare", "refused"),
    [
        (without_type, MissingFieldAnnotationError),
        (declared_twice, MultipleStrawberryFieldsError),
        (shown_though_private, PrivateStrawberryFieldError),
    ],
)
def test_a_type_that_cannot_be_is_refused_as_strawberry_does(
    make: Make, declare: Callable[[Make], type[Any]], refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        declare(make)


@pytest.mark.parametrize("make", INPUTS)
def test_an_input_that_resolves_is_refused_as_strawberry_does(make: Make) -> None:
    with pytest.raises(ResolverFieldOnInputError):
        shop(make)
