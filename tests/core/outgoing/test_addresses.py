from ipaddress import ip_address

import pytest

from regulars.outgoing.addresses import is_company_address, is_public_address, parse_address

PUBLIC = ["93.184.216.34", "1.1.1.1", "100.63.255.255", "100.128.0.0", "2606:2800:220:1::1", "2a00:1450:4001:81b::200e"]
NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00::1", "fd00:ec2::254",
    "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
METADATA = ["169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"]
COMPANY = ["10.0.0.1", "100.64.0.1", "127.0.0.1", "172.16.0.1", "192.168.0.1", "::1", "fd12:3456::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public_address(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_everything_else_is_not(address: str) -> None:
    assert not is_public_address(ip_address(address))


@pytest.mark.parametrize("address", COMPANY)
def test_an_operator_may_open_what_belongs_to_the_company(address: str) -> None:
    assert is_company_address(ip_address(address))


@pytest.mark.parametrize("address", [*METADATA, "169.254.1.1", "224.0.0.1", "::ffff:10.0.0.1", "fe80::1", "0.0.0.0"])
def test_nobody_opens_the_addresses_where_clouds_hand_out_credentials(address: str) -> None:
    assert not is_company_address(ip_address(address))


@pytest.mark.parametrize("text", ["fe80::1%eth0", "", "example.com", "127.1", "2130706433"])
def test_what_is_no_plain_address_is_none(text: str) -> None:
    assert parse_address(text) is None
