"""What a GraphQL field costs, as its author declares it."""

from dataclasses import dataclass

__all__ = ["FieldPrice"]


@dataclass(frozen=True, slots=True)
class FieldPrice:
    """The price of a field and how many values it may bring, in ``GraphQLField.extensions["regulars"]``.

    ``cost`` is the price in points of one value: of each item of a list, of the one object of a connection.
    ``sized`` says that ``first`` or ``last`` tells how many rows come; these count on the field's own list, or on
    the lists directly inside the connection that it returns, such as ``nodes`` and ``edges``.
    ``counted_argument`` names an argument whose length tells it instead, such as ``refs`` or ``ids``.
    ``assumed_size`` is for a list whose size no argument tells.
    Without a price a scalar costs 0 and an object 1, a field with ``first`` or ``last`` is sized, and any other list
    is taken to hold 25 items.
    """

    cost: int = 1
    sized: bool = False
    assumed_size: int | None = None
    counted_argument: str | None = None

    def __post_init__(self) -> None:
        if self.cost < 0 or (self.assumed_size is not None and self.assumed_size < 0):
            raise ValueError(f"A field's cost and assumed size must not be negative, as in {self}.")
        if [self.sized, self.assumed_size is not None, self.counted_argument is not None].count(True) > 1:
            raise ValueError(f"A field's size comes from one place only, not from several as in {self}.")
