"""A whole server for tests, in this process: ask it over GraphQL as anybody, run its jobs, move its clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import orjson
from sqlalchemy import select
from sqlmodel import col
from starlette.applications import Starlette

from regulars.access.actors import ANONYMOUS, SYSTEM, Actor
from regulars.access.owners import ForService
from regulars.access.permissions import CUSTOMER_PERMISSIONS, permissions_of_role
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.clock import SettableClock
from regulars.database import Database
from regulars.errors import ExpectedError
from regulars.events.models import Event
from regulars.fields.ids import row_id
from regulars.graphql.protocol.transport import GraphQLOperation, refusal_answer
from regulars.jobs.models import Job
from regulars.plugins.calling.hook_calls import erase_personal_data, export_personal_data
from regulars.plugins.calling.problems import Problem
from regulars.testing.background import deliver_events, deliver_webhooks, run_job
from regulars.testing.internet import FakeInternet
from regulars.testing.shop import Happening, add_customer, add_histories, add_touchpoints
from regulars.web.server import Server

__all__ = ["App"]

MERGE = """mutation ($survivor: ID!, $merged: ID!) {
  customerMerge(input: {survivorId: $survivor, mergedId: $merged, reason: "A test says so.", explicit: true}) {
    mergeId errors { message }
  }
}"""
UNMERGE = "mutation ($merge: ID!) { customerUnmerge(input: {mergeId: $merge}) { errors { message } } }"


class App:
    """The real server on a fresh database: no work in the background, no network, and a clock that stands.

    ``client`` sends requests to its web application, ``web``, without a socket. ``http`` stands for all other
    machines: it answers as the test says. ``server`` is for what this class does not say.
    """

    def __init__(self, web: Starlette, client: httpx.AsyncClient, clock: SettableClock, http: FakeInternet) -> None:
        self.web = web
        self.server: Server = web.state.server
        self.client = client
        self.clock = clock
        self.http = http

    def browser(self) -> httpx.AsyncClient:
        """Return a client as a browser is: it asks for pages over https, and keeps cookies of its own."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.web),
            base_url="https://regulars.test",
            headers={"accept": "text/html,application/xhtml+xml"},
        )

    @property
    def database(self) -> Database:
        """Return the server's database."""
        return self.server.database

    def actor(self, role: str) -> Actor:
        """Return somebody with a role: admin, analyst, frontline, privacy, ``customer:<id>`` or anonymous."""
        if role == "anonymous":
            return ANONYMOUS
        kind, _, id = role.partition(":")
        if kind == "customer":
            customer_id = row_id("Customer", id)
            return Actor("customer", customer_id, "", CUSTOMER_PERMISSIONS, customer_id)
        return Actor("staff", UUID(int=1), role, permissions_of_role(role, self.server.permissions))

    async def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, *, as_: str | Actor = "admin"
    ) -> dict[str, Any]:
        """Return the whole answer of an operation: data, errors and extensions."""
        executor = await self.server.executor()
        actor = self.actor(as_) if isinstance(as_, str) else as_
        operation = GraphQLOperation(query, None, dict(variables or {}), {})
        try:
            answer = await executor.answer(operation, actor=actor)
        except ExpectedError as error:
            answer = refusal_answer(error)
        told: dict[str, Any] = orjson.loads(answer.body)
        return told

    async def gql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, as_: str | Actor = "admin"
    ) -> dict[str, Any]:
        """Return the data of an operation; errors fail the test."""
        answer = await self.ask(query, variables, as_=as_)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def key(self, role: str) -> dict[str, str]:
        """Return the headers with which ``client`` comes as a service of this role, by a key that was made for it."""
        async with self.database.writing() as session:
            secret = await ensure_server_secret(session, configured=self.server.settings.secret.get_secret_value())
            issued = await create_key(
                session,
                name="test",
                owner=ForService(role),
                permissions=self.server.permissions,
                secret=secret,
                actor=SYSTEM,
                now=self.clock.now(),
            )
        return {"authorization": f"Bearer {issued.text}"}

    async def add_customer(
        self, name: str | None = None, *, email: str | None = None, external_id: str | None = None
    ) -> UUID:
        """Return the id of a new customer; ``external_id`` is theirs in the source ``shop``."""
        async with self.database.writing() as session:
            return await add_customer(session, name=name, email=email, external_id=external_id, now=self.clock.now())

    async def add_touchpoint(
        self,
        customer_id: UUID,
        type: str = "order",
        *,
        amount: Decimal | str | None = None,
        at: datetime | None = None,
        **details: Any,
    ) -> UUID:
        """Return the id of a new touchpoint, which happens now unless ``at`` says otherwise.

        ``details`` are those of ``Happening``.
        """
        happening = Happening(at or self.clock.now(), amount, type, **details)
        async with self.database.writing() as session:
            (id,) = await add_touchpoints(
                session,
                drafts=[happening.draft(customer_id)],
                types=self.server.touchpoint_types,
                now=self.clock.now(),
            )
        return id

    async def ingest(self, histories: Mapping[str, Sequence[Happening]]) -> dict[str, UUID]:
        """Return the ids of new customers by name, each with all that happened with them; also for thousands."""
        async with self.database.writing() as session:
            return await add_histories(
                session, histories=histories, types=self.server.touchpoint_types, now=self.clock.now()
            )

    async def run_job(self, kind: str, *, input: Any = None) -> Job:
        """Return the row of a new job of this kind after one attempt at it, through the real worker."""
        return await run_job(self.server, kind, input=input)

    async def deliver_events(self) -> None:
        """Tell every event that waits to the handlers of plugins."""
        await deliver_events(self.server)

    async def deliver_webhooks(self) -> None:
        """Send to webhooks what they want of all events, and what is to be tried again by now."""
        await deliver_webhooks(self.server)

    async def events(self, type: str | None = None) -> list[Event]:
        """Return what was written to the outbox, oldest first."""
        async with self.database.reading() as session:
            found = (await session.scalars(select(Event).order_by(col(Event.id)))).all()
        return [event for event in found if type in (None, event.type)]

    def problems(self, plugin_id: str) -> tuple[Problem, ...]:
        """Return what went wrong in a plugin so far."""
        return self.server.host.problems.known(plugin_id)

    async def merge(self, *, survivor: UUID, merged: UUID) -> str:
        """Make two customers one, and return the id of the merge."""
        payload = (await self.gql(MERGE, {"survivor": str(survivor), "merged": str(merged)}))["customerMerge"]
        assert payload["errors"] == [], payload["errors"]
        return str(payload["mergeId"])

    async def unmerge(self, merge_id: str) -> None:
        """Part two customers again."""
        payload = (await self.gql(UNMERGE, {"merge": merge_id}))["customerUnmerge"]
        assert payload["errors"] == [], payload["errors"]

    async def export_personal_data(self, customer_id: UUID) -> dict[str, Any]:
        """Return what each plugin knows of a customer, by the plugin's id; a plugin that fails fails the test."""
        outcomes = await export_personal_data(self.server.host, customer_id=customer_id, actor=SYSTEM.label)
        failures = [str(outcome.failure) for outcome in outcomes if outcome.failure is not None]
        assert not failures, failures
        return {outcome.plugin_id: outcome.value for outcome in outcomes}

    async def erase_personal_data(self, customer_id: UUID) -> dict[str, dict[str, int]]:
        """Let each plugin erase what it knows of a customer; return how many rows of which table, by plugin."""
        async with self.database.writing() as session:
            outcomes = await erase_personal_data(self.server.host, session, customer_id=customer_id, actor=SYSTEM.label)
        failures = [str(outcome.failure) for outcome in outcomes if outcome.failure is not None]
        assert not failures, failures
        return {outcome.plugin_id: dict(outcome.value.rows) for outcome in outcomes if outcome.value is not None}
