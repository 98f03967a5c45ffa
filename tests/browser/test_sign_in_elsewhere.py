from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.console_server import ConsoleServer, serving_console
from tests.core.signin.provider import CLIENT_ID, CLIENT_SECRET, Provider, running_issuer
from tests.real.servers import free_port

from regulars.clock import SettableClock

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    """The console beside an identity provider that really runs, on another port of this machine."""
    port = free_port()
    with running_issuer() as issuer:
        issuer.provider = Provider(f"http://127.0.0.1:{issuer.port}", SettableClock(datetime.now(UTC)))
        with serving_console(
            tmp_path_factory.mktemp("elsewhere"),
            port=port,
            public_url=f"http://127.0.0.1:{port}",
            oidc_issuer=issuer.provider.address,
            oidc_client_id=CLIENT_ID,
            oidc_client_secret=CLIENT_SECRET,
            oidc_roles=("crm-analysts=analyst",),
            private_targets=(f"127.0.0.1:{issuer.port}",),
        ) as console:
            yield console


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser without JavaScript, which a sign-in does not need."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_colleague_signs_in_at_the_provider_sees_their_pages_and_signs_out(
    page: Page, console: ConsoleServer
) -> None:
    page.goto(f"{console.address}/plugins/loyalty_card/")
    page.click("text=Sign in with your company account")
    page.wait_for_url("**/plugins/loyalty_card/")
    heading, head = page.inner_text("h1"), page.inner_text("header")
    page.click("text=Sign out")
    page.goto(f"{console.address}/console")

    assert (heading, "Ada" in head) == ("Loyalty cards", True)
    assert page.url.endswith("/console/sign-in?next=%2Fconsole")
