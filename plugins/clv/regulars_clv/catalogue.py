"""The models of purchases that can be asked for by name."""

from regulars_clv.bgnbd import BGNBD
from regulars_clv.mbgnbd import MBGNBD
from regulars_clv.nbd import NBD
from regulars_clv.paretonbd import PARETONBD
from regulars_clv.purchase_model import PurchaseModel

__all__ = ["MODELS"]

MODELS: dict[str, PurchaseModel] = {model.name: model for model in (MBGNBD, BGNBD, PARETONBD, NBD)}
