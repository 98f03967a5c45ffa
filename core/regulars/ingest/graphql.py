"""Imports in the API: say what a file holds, then send it to the address that comes back."""

from typing import Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.errors import InvalidInput, UnknownValue
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.types import value_type
from regulars.fields.values import MutationInput, Payload
from regulars.ingest.job import IMPORTS_RUN
from regulars.ingest.plans import plan_import
from regulars.ingest.uploads import expect_upload

__all__ = ["ImportMutations"]

FORMATS = ("csv", "jsonl")


@strawberry.input(description="A file that will be sent.")
class ImportStartInput(MutationInput):
    """A file that will be sent."""

    kind: str = strawberry.field(description="customers or touchpoints.")
    format: str = strawberry.field(default="csv", description="csv or jsonl, in UTF-8.")
    mapping: JSON | None = strawberry.field(default=None, description="Columns of the file with their fields.")
    source: str | None = strawberry.field(default=None, description="The system that the ids in the file are of.")
    time_zone: str | None = strawberry.field(default=None, description="IANA zone of times written without one.")
    create_customers: bool | None = strawberry.field(
        default=None, description="Create customers whom only a touchpoint names; else those named by an external id."
    )
    dry_run: bool = strawberry.field(default=False, description="Say what would become of it, and write nothing.")


@value_type(description="Where to send the file.")
class ImportStartPayload(Payload):
    """Where to send the file."""

    upload_address: str | None = strawberry.field(
        default=None,
        description="Send the file there by PUT, with the same key, within a day; the answer names the job.",
    )


@strawberry.type
class ImportMutations:
    """How files come in."""

    @mutation(permission=IMPORTS_RUN, description="Announce a file; the import begins once it has been sent.")
    async def import_start(
        self, info: Info[RequestContext, None], input: ImportStartInput
    ) -> ImportStartPayload | None:
        """Announce a file."""
        context = info.context
        if input.format not in FORMATS:
            raise UnknownValue("format", input.format, FORMATS, path=("format",))
        columns: Any = input.mapping or {}
        if not isinstance(columns, dict) or not all(isinstance(field, str) for field in columns.values()):
            raise InvalidInput(
                '`mapping` is an object of columns with their fields: {"Mail": "email"}.', path=("mapping",)
            )
        plan_import(input.kind, columns=columns, source=input.source, time_zone=input.time_zone)
        announced = {
            "kind": input.kind,
            "format": input.format,
            "columns": columns,
            "source": input.source,
            "timeZone": input.time_zone,
            "createCustomers": input.create_customers,
            "dryRun": input.dry_run,
        }
        upload_id = expect_upload(context.services.uploads, announced, now=context.now)
        return ImportStartPayload(upload_address=f"/imports/{upload_id}")
