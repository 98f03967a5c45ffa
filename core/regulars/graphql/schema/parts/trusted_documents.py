"""Trusted documents in the API; they are checked against the schema when they are registered."""

from datetime import datetime

import strawberry
from strawberry.types import Info

from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, connection, mutation
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Payload
from regulars.graphql.documents.limits import Limits
from regulars.graphql.documents.preparation import operation_names
from regulars.trusted_documents.hashes import hash_asked_for
from regulars.trusted_documents.known import DOCUMENTS_MANAGE
from regulars.trusted_documents.models import TrustedDocument
from regulars.trusted_documents.service import register_document, remove_document

__all__ = ["TrustedDocumentMutations", "TrustedDocumentQueries"]


@object_type(
    TrustedDocument,
    name="TrustedDocument",
    permission=DOCUMENTS_MANAGE,
    description="A GraphQL document that was registered, and can be asked for by its hash.",
)
class TrustedDocumentNode:
    """A GraphQL document that was registered."""

    id: strawberry.ID = column(TrustedDocument.id, description="The global id.", is_global_id=True)
    sha256: str = column(
        TrustedDocument.sha256,
        description="The SHA-256 of the text; `documentId` is `sha256:` and this.",
        filterable=True,
    )
    name: str = column(
        TrustedDocument.name,
        description="The names of its operations; empty where they have none.",
        filterable=True,
        sortable=True,
    )
    text: str = column(TrustedDocument.text, description="The document.")
    registered_by: str = column(TrustedDocument.registered_by, description="Who registered it.")
    registered_at: datetime = column(TrustedDocument.registered_at, description="When.", sortable=True)


@value_type(description="The document after the change.")
class TrustedDocumentPayload(Payload):
    """The document after the change."""

    document: TrustedDocumentNode | None = strawberry.field(
        default=None, description="The document; as it was, if it was removed; null after an error."
    )


@strawberry.input(description="A document to register.")
class TrustedDocumentRegisterInput(MutationInput):
    """A document to register."""

    text: str = strawberry.field(description="The document, letter by letter as clients hash it.")


@strawberry.input(description="A document to remove.")
class TrustedDocumentRemoveInput(MutationInput):
    """A document to remove."""

    document_id: str = strawberry.field(description="Its `sha256:…`.")


@strawberry.type
class TrustedDocumentQueries:
    """What can be asked about trusted documents."""

    trusted_documents: Connection[TrustedDocumentNode] | None = connection(
        permission=DOCUMENTS_MANAGE,
        description="The documents that were registered, by name unless said otherwise.",
        order_by=[TrustedDocument.name],
    )


@strawberry.type
class TrustedDocumentMutations:
    """What can be changed about trusted documents."""

    @mutation(permission=DOCUMENTS_MANAGE, description="Register a document, so that clients can ask for it by hash.")
    async def trusted_document_register(
        self, info: Info[RequestContext, None], input: TrustedDocumentRegisterInput
    ) -> TrustedDocumentPayload | None:
        """Register a document."""
        context = info.context
        names = operation_names(context.schema.graphql, input.text, Limits())
        document = await register_document(
            context.session, text=input.text, name=", ".join(names), actor=context.actor, now=context.now
        )
        return TrustedDocumentPayload(document=shown_as(TrustedDocumentNode, document))

    @mutation(
        permission=DOCUMENTS_MANAGE, description="Remove a document; it can be asked for no more in five seconds."
    )
    async def trusted_document_remove(
        self, info: Info[RequestContext, None], input: TrustedDocumentRemoveInput
    ) -> TrustedDocumentPayload | None:
        """Remove a document."""
        context = info.context
        sha256 = hash_asked_for(input.document_id, {})
        assert sha256 is not None
        document = await remove_document(context.session, sha256=sha256, actor=context.actor, now=context.now)
        return TrustedDocumentPayload(document=shown_as(TrustedDocumentNode, document))
