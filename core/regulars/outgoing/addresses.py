"""Tell which internet addresses a request may go to: public ones, and nothing that leads back into the company."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["Address", "is_company_address", "is_public_address", "parse_address"]

Address = IPv4Address | IPv6Address

METADATA = frozenset(
    ip_address(text)
    for text in (
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure; lies in a public network
        "169.254.169.254",  # AWS, Azure, Google and others
        "169.254.170.2",  # AWS, credentials of a container
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::23",  # AWS, credentials of a pod
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
    )
)
"""Where clouds hand credentials to whoever asks; never reached, not even when an operator names them."""

NOT_PUBLIC = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""Source: IANA IPv4 Special-Purpose Address Registry, and multicast."""

UNICAST = IPv6Network("2000::/3")
"""All that IANA gives out for the public. Mapped, compatible, NAT64, site-local and multicast lie outside."""

NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarks, identifiers that are no addresses
        "2001:db8::/32",
        "2002::/16",  # 6to4 holds an IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
"""Source: IANA IPv6 Special-Purpose Address Registry, what of it lies in ``UNICAST``."""

COMPANY = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
COMPANY_V6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))


def parse_address(text: str) -> Address | None:
    """Return the address, or None when the text is none, or one that belongs to a network card alone."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.scope_id is not None else address


def is_public_address(address: Address) -> bool:
    """Tell whether the address is one of the public internet's, and leads to one machine.

    Python's own ``is_global`` and ``is_private`` are not asked: on 3.11 the first is true for NAT64, 6to4,
    IPv4-compatible and multicast addresses, and the second misses 100.64.0.0/10.
    """
    if address in METADATA:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC)
    return address in UNICAST and not any(address in network for network in NOT_PUBLIC_V6)


def is_company_address(address: Address) -> bool:
    """Tell whether the address is of a private network, or this machine's own: what an operator may open by name."""
    if address in METADATA:
        return False
    if isinstance(address, IPv4Address):
        return any(address in network for network in COMPANY)
    return any(address in network for network in COMPANY_V6)
