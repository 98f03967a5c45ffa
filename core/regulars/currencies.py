"""The currencies of ISO 4217 that money can be in."""

from collections.abc import Sequence

from regulars.errors import InvalidInput

__all__ = ["CURRENCIES", "UnknownCurrency", "check_currency"]

_CURRENT = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC
CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR
ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW ZWG
"""

# Purchase histories reach back: what was tender at some time since 1999 and is so no longer.
_WITHDRAWN = """
ADP AFA ANG AON AOR ATS AZM BEF BGL BGN BYB BYR CSD CUC CYP DEM ECS EEK ESP FIM FRF GHC GRD HRK IEP ITL LTL LUF LVL MGF
MRO MTL MZM NLG PTE ROL SDD SIT SKK SLL SRG STD TJR TMM TPE TRL VEB VEF YUM ZMK ZWD ZWL ZWR
"""

CURRENCIES = frozenset((_CURRENT + _WITHDRAWN).split())
"""Codes of all tender of today, and of what was tender since 1999; neither metals, nor funds, nor test codes."""


class UnknownCurrency(InvalidInput):
    """An amount was given in something that is no currency."""

    code = "UNKNOWN_VALUE"

    def __init__(self, value: str, *, path: Sequence[str]) -> None:
        self.value = value
        meant = value.strip().upper()
        hint = f"Did you mean {meant!r}?" if meant in CURRENCIES else "Write its three capital letters, such as 'EUR'."
        super().__init__(f"{value!r} is no currency of ISO 4217. {hint}", path=path)


def check_currency(code: str, *, path: Sequence[str]) -> str:
    """Return the code, or raise ``UnknownCurrency`` with what may have been meant."""
    if code not in CURRENCIES:
        raise UnknownCurrency(code, path=path)
    return code
