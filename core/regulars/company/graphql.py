"""The company in the API."""

import strawberry
from strawberry.types import Info

from regulars.company.service import CompanyChanges, read_company, update_company
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation, resolver
from regulars.fields.types import value_type
from regulars.fields.values import MutationInput, Payload, given
from regulars.plugins.context import Company

__all__ = ["CompanyMutations", "CompanyQueries"]


@value_type(name="Company", description="The company that runs this server, and how its pages look.")
class CompanyView:
    """The company that runs this server."""

    name: str = strawberry.field(description="The name that customers know.")
    time_zone: str = strawberry.field(description="The IANA time zone in which its days begin.")
    currency: str = strawberry.field(description="The ISO 4217 currency in which values are summed.")
    languages: list[str] = strawberry.field(description="The languages it speaks with customers, the usual one first.")
    support_address: str | None = strawberry.field(description="The e-mail address where customers get help.")
    accent: str | None = strawberry.field(description="The colour of its pages as #rrggbb; null for ours.")
    logo_path: str | None = strawberry.field(description="Where the logo lies on this server; null without one.")
    version: int = strawberry.field(description="Grows with each change; give it as `expectedVersion`.")


def _view(company: Company) -> CompanyView:
    return CompanyView(
        name=company.name,
        time_zone=company.time_zone,
        currency=company.currency,
        languages=list(company.languages),
        support_address=company.support_address,
        accent=company.accent,
        logo_path=company.logo_path,
        version=company.version,
    )


@strawberry.type
class CompanyQueries:
    """What can be asked about the company."""

    @resolver(permission="company:read", description="The company that runs this server.")
    async def company(self, info: Info[RequestContext, None]) -> CompanyView | None:
        """Return the company."""
        async with info.context.alone() as session:
            return _view(await read_company(session, usual=info.context.services.usual_company))


@strawberry.input(description="Changes to the company: leaving a field out leaves it, null goes back to the default.")
class CompanyUpdateInput(MutationInput):
    """Changes to the company."""

    name: str | None = strawberry.field(default=strawberry.UNSET, description="The name that customers know.")
    time_zone: str | None = strawberry.field(default=strawberry.UNSET, description="IANA time zone: Europe/Berlin.")
    currency: str | None = strawberry.field(default=strawberry.UNSET, description="ISO 4217 currency: EUR.")
    languages: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="BCP 47 language tags, the usual one first: de, en."
    )
    support_address: str | None = strawberry.field(
        default=strawberry.UNSET, description="The e-mail address where customers get help."
    )
    accent: str | None = strawberry.field(
        default=strawberry.UNSET, description="The colour of its pages as #rrggbb; text in it must be readable."
    )
    logo: str | None = strawberry.field(
        default=strawberry.UNSET, description="A PNG, JPEG or WebP picture of at most 200 KiB as a data address."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless the company is at this version."
    )

    def to_changes(self) -> CompanyChanges:
        """Return the changes as the service takes them."""
        return CompanyChanges(
            given(self.name),
            given(self.time_zone),
            given(self.currency),
            given(self.languages),
            given(self.support_address),
            given(self.accent),
            given(self.logo),
        )


@value_type(description="The company after the change.")
class CompanyPayload(Payload):
    """The company after the change."""

    company: CompanyView | None = strawberry.field(default=None, description="The company; null after an error.")


@strawberry.type
class CompanyMutations:
    """What can be changed about the company."""

    @mutation(
        permission="company:write",
        description="Change what the company says about itself; every server process follows within seconds.",
    )
    async def company_update(
        self, info: Info[RequestContext, None], input: CompanyUpdateInput
    ) -> CompanyPayload | None:
        """Change the company."""
        context = info.context
        company = await update_company(
            context.session,
            changes=input.to_changes(),
            usual=context.services.usual_company,
            expected_version=input.expected_version,
            actor=context.actor,
            now=context.now,
        )
        return CompanyPayload(company=_view(company))
