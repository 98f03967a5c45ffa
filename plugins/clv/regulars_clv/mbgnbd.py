"""MBG/NBD: as BG/NBD, but the customer may leave right after the first purchase too. The default model."""

from regulars_clv.geometric_dropout import geometric_dropout_model

__all__ = ["MBGNBD"]

MBGNBD = geometric_dropout_model("mbgnbd", chances=1)
