"""What the events of shops mean that the Segment protocol gives names to; pure.

Source: https://segment.com/docs/connections/spec/ecommerce/v2/
"""

from collections.abc import Sequence

from regulars.tracking.meanings import FieldSource, Meaning

__all__ = ["standard_meanings"]

PRODUCTS = (
    FieldSource("lines", "products"),
    FieldSource("lines.product", "product_id"),
    FieldSource("lines.category", "category"),
    FieldSource("lines.quantity", "quantity"),
    FieldSource("lines.amount", "price", times="quantity"),
)


def standard_meanings(source: str, *, currency: str | None, channel: str | None) -> Sequence[Meaning]:
    """Return what `Order Completed` and `Order Refunded` of a source mean.

    ``currency`` is that of messages that name none. An order is known by its `order_id`, so telling of it twice counts
    once. Its parts may be given back one after another, so a refund is known by the id of its message.
    """
    return (
        Meaning(
            source=source,
            event="Order Completed",
            type="order",
            amount_properties=("total", "revenue", "value"),
            currency_property="currency",
            currency=currency,
            channel=channel,
            external_id_property="order_id",
            fields=(*PRODUCTS, FieldSource("coupon", "coupon")),
        ),
        Meaning(
            source=source,
            event="Order Refunded",
            type="refund",
            amount_properties=("total", "revenue", "value"),
            currency_property="currency",
            currency=currency,
            channel=channel,
            fields=(*PRODUCTS, FieldSource("order", "order_id")),
        ),
    )
