"""Row 18 of the test plan: what must never be reached, each address tried on sockets that would notice."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.core.outgoing.conftest import Canaries, MakeClient, Serve, Wires, names, replying

from regulars.outgoing.limits import ANSWERS, FEEDS, RequestLimits
from regulars.outgoing.refusals import TargetRefused, TargetUnreachable
from regulars.outgoing.targets import PrivateTarget

pytestmark = pytest.mark.row(18)

ROW_18 = [
    "http://127.0.0.1:C/",
    "http://localhost:C/",
    "http://LOCALHOST/",
    "http://127.1:C/",
    "http://0:C/",
    "http://0.0.0.0:C/",
    "http://2130706433:C/",
    "http://0x7f.1:C/",
    "http://0x7f000001:C/",
    "http://0177.0.0.1:C/",
    "http://017700000001/",
    "http://[::1]:C/",
    "http://[::]:C/",
    "http://[::ffff:127.0.0.1]:C/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/",
    "http://224.0.0.1/",
    "http://user@127.0.0.1:C/",
    "http://example.test:22/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:C/",
]
MORE = [
    "https://127.0.0.1:C/",
    "https://[::1]:C/",
    "http://[::127.0.0.1]:C/",
    "http://[fec0::1]/",
    "http://192.0.0.8/",
    "http://[fe80::1%25lo]:C/",
    "http://168.63.129.16/",
    "https://user:secret@example.test/",
    "https://127.0.0.1\\@example.test/",
    "https://",
    "//127.0.0.1:C/",
    "data:text/plain,hello",
    "ftp://127.0.0.1:C/",
    "https://example.test/" + "a" * 2048,
]


@pytest.fixture(params=ROW_18 + MORE)
def url(request: pytest.FixtureRequest, canaries: Canaries) -> str:
    text: str = request.param
    return text.replace("C/", f"{canaries.port}/")


@pytest.mark.parametrize("limits", [ANSWERS, FEEDS], ids=["answers", "feeds"])
async def test_an_address_of_row_18_is_refused(
    url: str, limits: RequestLimits, canaries: Canaries, wires: Wires, make_client: MakeClient
) -> None:
    with pytest.raises(TargetRefused):
        await make_client().get(url, limits=limits)

    assert wires.tried == []
    assert canaries.connections == 0


async def test_it_is_refused_by_its_address_where_every_port_is_allowed(
    url: str, canaries: Canaries, wires: Wires, make_client: MakeClient
) -> None:
    any_port = RequestLimits(
        ports=tuple((scheme, port) for scheme in ("http", "https") for port in (canaries.port, 80))
    )

    with pytest.raises(TargetRefused):
        await make_client().get(url, limits=any_port)

    assert wires.tried == []
    assert canaries.connections == 0


async def test_a_post_is_refused_as_a_get_is(canaries: Canaries, make_client: MakeClient) -> None:
    with pytest.raises(TargetRefused):
        await make_client().post(f"https://127.0.0.1:{canaries.port}/", content=b"{}", headers={})

    assert canaries.connections == 0


async def test_a_public_name_that_answers_a_private_address_is_refused(
    canaries: Canaries, wires: Wires, make_client: MakeClient
) -> None:
    client = make_client(resolve=names(shop_example="127.0.0.1"))

    with pytest.raises(TargetRefused):
        await client.get("https://shop.example/")

    assert wires.tried == []
    assert canaries.connections == 0


async def test_one_private_address_among_public_ones_is_enough(wires: Wires, make_client: MakeClient) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "127.0.0.1"]

    with pytest.raises(TargetRefused):
        await make_client(resolve=resolve).get("https://shop.example/")

    assert wires.tried == []


async def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    canaries: Canaries, wires: Wires, make_client: MakeClient
) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    with pytest.raises(TargetUnreachable):
        await make_client(resolve=rebinding).get("https://shop.example/")

    assert wires.tried == ["93.184.216.34"]
    assert list(answers) == [["127.0.0.1"], ["127.0.0.1"]]
    assert canaries.connections == 0


async def test_a_name_that_answers_differently_the_second_time_is_refused_then(
    canaries: Canaries, wires: Wires, make_client: MakeClient
) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    client = make_client(resolve=rebinding)
    await asyncio.gather(client.get("https://shop.example/"), return_exceptions=True)

    with pytest.raises(TargetRefused):
        await client.get("https://shop.example/")

    assert wires.tried == ["93.184.216.34"]
    assert canaries.connections == 0


async def test_a_page_that_redirects_to_this_machine_leads_nowhere(
    canaries: Canaries, serve: Serve, make_client: MakeClient
) -> None:
    port = await serve(replying(f"302 Found\nlocation: http://127.0.0.1:{canaries.port}/"))
    client = make_client(PrivateTarget("page.example", port), resolve=names(page_example="127.0.0.1"))
    any_port = RequestLimits(ports=(("http", canaries.port),), redirects=3)

    with pytest.raises(TargetRefused):
        await client.get(f"http://page.example:{port}/", limits=any_port)

    assert canaries.connections == 0


@pytest.mark.parametrize("location", ["file:///etc/passwd", "//127.0.0.1/", "http://[::1]/", "https://a@b.example/"])
async def test_a_redirect_is_checked_like_the_first_address(
    location: str, serve: Serve, wires: Wires, make_client: MakeClient
) -> None:
    port = await serve(replying(f"301 Moved Permanently\nlocation: {location}"))
    client = make_client(PrivateTarget("page.example", port), resolve=names(page_example="127.0.0.1"))

    with pytest.raises(TargetRefused):
        await client.get(f"http://page.example:{port}/", limits=FEEDS)

    assert wires.tried == ["127.0.0.1"]


async def test_an_operator_opens_one_port_of_one_machine_by_name(serve: Serve, make_client: MakeClient) -> None:
    port = await serve(replying("200 OK", b"inside"))
    client = make_client(PrivateTarget("erp.internal", port), resolve=names(erp_internal="127.0.0.1"))

    reply = await client.get(f"http://erp.internal:{port}/stock")

    assert (reply.status, reply.body) == (200, b"inside")


async def test_what_an_operator_opens_opens_nothing_else(
    canaries: Canaries, make_client: MakeClient, wires: Wires
) -> None:
    opened = PrivateTarget("erp.internal", canaries.port)
    client = make_client(opened, resolve=names(erp_internal="127.0.0.1", other_internal="127.0.0.1"))
    any_port = RequestLimits(ports=(("http", canaries.port),))

    with pytest.raises(TargetRefused):
        await client.get(f"http://other.internal:{canaries.port}/", limits=any_port)

    assert wires.tried == []


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "169.254.1.1", "224.0.0.1"])
async def test_an_operator_cannot_open_where_clouds_hand_out_credentials(
    address: str, make_client: MakeClient, wires: Wires
) -> None:
    client = make_client(PrivateTarget("erp.internal", 443), resolve=names(erp_internal=address))

    with pytest.raises(TargetRefused):
        await client.get("https://erp.internal/")

    assert wires.tried == []
