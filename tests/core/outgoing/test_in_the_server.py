from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.core.outgoing.conftest import Serve, replying

from regulars.errors import ConfigurationError
from regulars.outgoing.opening import open_outgoing
from regulars.settings import Settings
from regulars.testing.app import App
from regulars.testing.network import NetworkForbidden


async def test_the_server_reaches_what_the_test_says(app: App) -> None:
    app.http.answer("https://api.example/rates", json={"EUR": 1})

    reply = await app.server.outgoing.get("https://api.example/rates")

    assert reply.json() == {"EUR": 1}
    assert [str(request.url) for request in app.http.requests] == ["https://api.example/rates"]


async def test_what_the_test_does_not_say_is_forbidden(app: App) -> None:
    with pytest.raises(NetworkForbidden):
        await app.server.outgoing.get("https://api.example/rates")


async def test_the_setting_opens_a_private_target(serve: Serve) -> None:
    port = await serve(replying("200 OK", b"inside"))
    client = open_outgoing(Settings(private_targets=(f"127.0.0.1:{port}",)))

    reply = await client.get(f"http://127.0.0.1:{port}/")
    await client.close()

    assert reply.body == b"inside"


@pytest.mark.parametrize("targets", [("http://erp.internal",), ("erp.internal:0",), ("10.0.0.0/8",), ("a:99999",)])
def test_a_private_target_that_cannot_be_read_stops_the_start(targets: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="REGULARS_PRIVATE_TARGETS"):
        open_outgoing(Settings(private_targets=targets))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_stop_the_start(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "authorities.pem"
    given: Mapping[str, Any] = {"authorities_file": str(file)}
    _written = content is not None and file.write_text(content)

    with pytest.raises(ConfigurationError, match="REGULARS_AUTHORITIES_FILE"):
        open_outgoing(Settings(**given))
