import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import pytest
from tests.real.demo_start import MAKE_DEMO, ROOT, DemoStart, demo_start
from tests.real.servers import free_port

from regulars.demo.welcome import EXAMPLE_QUERY

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

COUNTS = """{
  customers { totalCount }
  touchpoints { totalCount }
  orders: touchpoints(where: {source: {eq: "cdnow"}}) { totalCount }
  clvModels { nodes { customers } }
}"""
CDNOW_COUNTS = {"customers": {"totalCount": 2357}, "orders": {"totalCount": 6919}, "models": [{"customers": 2357}]}


def counts(start: DemoStart) -> dict[str, Any]:
    told = start.ask(COUNTS)
    return {"customers": told["customers"], "orders": told["orders"], "models": told["clvModels"]["nodes"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `make demo` finds an environment that is set up."""
    folder = tmp_path_factory.mktemp("demo")
    for needed in (".venv", "pyproject.toml", "constraints.txt"):
        (folder / needed).symlink_to(ROOT / needed)
    return folder


@pytest.fixture(scope="module")
def first_start(folder: Path) -> Iterator[DemoStart]:
    with demo_start(folder, port=free_port(), command=MAKE_DEMO) as start:
        start.wait_until_ready()
        yield start


def test_the_printed_key_opens_the_answer_over_the_whole_purchase_history(first_start: DemoStart) -> None:
    best = first_start.ask(EXAMPLE_QUERY)["customers"]["nodes"]

    values = [float(customer["clv"]["value"]["amount"]) for customer in best]
    assert (len(best), values) == (10, sorted(values, reverse=True))
    assert min(len(customer["touchpoints"]["nodes"]) for customer in best) == 3
    assert counts(first_start) == CDNOW_COUNTS


def test_no_line_of_the_log_stands_among_what_a_newcomer_reads(first_start: DemoStart) -> None:
    progress = (first_start.folder / "told").read_text().splitlines()
    log = (first_start.folder / "demo-data" / "server.log").read_text()

    assert first_start.printed.startswith(f"\nRegulars is ready at {first_start.address}\n")
    assert first_start.printed.rstrip().endswith("The server's log is demo-data/server.log.")
    assert [line for line in progress if not line.endswith("…")] == []
    assert "serving" in log


def test_the_page_of_the_customer_that_the_start_names_opens_by_the_mail_in_the_folder(first_start: DemoStart) -> None:
    address = re.findall(r"link to (\S+@\S+)\.", first_start.printed)[0]
    with httpx.Client(
        base_url=first_start.address, headers={"origin": first_start.address}, follow_redirects=True
    ) as browser:
        browser.get("/preferences")
        browser.post("/preferences/ask", data={"address": address, "form_token": ""})

        mail = mail_in(first_start.folder / "demo-data" / "mails")
        link = re.findall(r"/preferences/open\?link=([^&\s]+)", mail["text"])[0]
        page = browser.post("/preferences/open", data={"link": link, "form_token": ""})

    assert mail["address"] == address
    assert "New arrivals" in page.text
    assert "Stop everything" in page.text


def mail_in(folder: Path) -> dict[str, Any]:
    while not (found := sorted(folder.glob("email-*.json"))):
        sleep(0.1)
    mail: dict[str, Any] = json.loads(found[0].read_text())
    return mail


def test_the_second_start_keeps_data_and_key(first_start: DemoStart, folder: Path) -> None:
    key = first_start.key
    first_start.kill()

    with demo_start(folder, port=free_port(), command=MAKE_DEMO) as second:
        second.wait_until_ready()

        assert second.key == key
        assert counts(second) == CDNOW_COUNTS


def test_a_first_start_that_was_killed_is_completed_and_nothing_is_doubled(tmp_path: Path) -> None:
    with demo_start(tmp_path, port=free_port()) as killed:
        wait_for_customers(killed, at_least=800)
        killed.kill()

    with demo_start(tmp_path, port=free_port()) as second:
        second.wait_until_ready()

        assert counts(second) == CDNOW_COUNTS


def wait_for_customers(start: DemoStart, *, at_least: int) -> None:
    while customers_in(start.folder / "demo-data" / "regulars.db") < at_least:
        assert start.process.poll() is None, start.printed
        sleep(0.1)


def customers_in(database: Path) -> int:
    if not database.exists():
        return 0
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        try:
            found: int = connection.execute("SELECT count(*) FROM core_customer").fetchone()[0]
        except sqlite3.OperationalError:
            return 0  # the table is not there yet, or being made
        return found
