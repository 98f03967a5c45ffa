"""Encrypted connections: the certificate must be that of the host in the address, though an address is connected to."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.core.outgoing.conftest import MakeClient, Serve, names, replying

from regulars.outgoing.refusals import TargetUnreachable
from regulars.outgoing.targets import PrivateTarget

SHOP = names(shop_example="127.0.0.1", other_example="127.0.0.1")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Give a file with a certificate for shop.example, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "shop.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


def server_side(certificate: Path, asked_for: list[str]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _connection, name, _context: asked_for.append(str(name))
    return context


async def test_the_name_in_the_address_is_asked_for_and_verified(
    certificate: Path, serve: Serve, make_client: MakeClient
) -> None:
    asked_for: list[str] = []
    port = await serve(replying("200 OK", b"encrypted"), ssl=server_side(certificate, asked_for))
    opened = PrivateTarget("shop.example", port)

    client = make_client(opened, resolve=SHOP, authorities_file=str(certificate))
    reply = await client.get(f"https://shop.example:{port}/")

    assert reply.body == b"encrypted"
    assert asked_for == ["shop.example"]


async def test_the_certificate_of_another_name_is_refused(
    certificate: Path, serve: Serve, make_client: MakeClient
) -> None:
    port = await serve(replying("200 OK"), ssl=server_side(certificate, []))
    client = make_client(PrivateTarget("other.example", port), resolve=SHOP, authorities_file=str(certificate))

    with pytest.raises(TargetUnreachable, match="certificate"):
        await client.get(f"https://other.example:{port}/")


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: Path, serve: Serve, make_client: MakeClient
) -> None:
    port = await serve(replying("200 OK"), ssl=server_side(certificate, []))
    client = make_client(PrivateTarget("shop.example", port), resolve=SHOP)

    with pytest.raises(TargetUnreachable, match="certificate"):
        await client.get(f"https://shop.example:{port}/")
