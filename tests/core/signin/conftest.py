from collections.abc import Iterator
from typing import Any

import pytest
from tests.core.signin.provider import AUDIENCE, CLIENT_ID, CLIENT_SECRET, IssuerServer, Provider, running_issuer

from regulars.clock import SettableClock


@pytest.fixture(scope="session")
def issuer_server() -> Iterator[IssuerServer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def provider(issuer_server: IssuerServer, clock: SettableClock) -> Provider:
    """The company's identity provider, which really runs on this machine and knows Ada, an analyst."""
    issuer_server.provider = Provider(f"http://127.0.0.1:{issuer_server.port}", clock)
    return issuer_server.provider


@pytest.fixture
def server_settings(provider: Provider) -> dict[str, Any]:
    return {
        "public_url": "https://regulars.test",
        "oidc_issuer": provider.address,
        "oidc_audience": AUDIENCE,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_roles": ("crm-admins=admin", "crm-analysts=analyst"),
        "private_targets": (provider.address.removeprefix("http://"),),
    }
