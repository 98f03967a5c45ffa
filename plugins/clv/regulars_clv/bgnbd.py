"""BG/NBD: Poisson purchases at a rate of one's own; after each repeat purchase the customer may leave."""

from regulars_clv.geometric_dropout import geometric_dropout_model

__all__ = ["BGNBD"]

BGNBD = geometric_dropout_model("bgnbd", chances=0)
