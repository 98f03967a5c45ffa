"""All parts of the schema of one set of plugins: the core's, then each plugin's."""

from collections.abc import Iterable

from regulars.access.graphql import ViewerQueries
from regulars.audit.graphql import AuditQueries
from regulars.company.graphql import CompanyMutations, CompanyQueries
from regulars.consents.bulk import CONSENT_BULK
from regulars.consents.graphql import ConsentMutations, ConsentQueries, CustomerConsents
from regulars.consents.proofs import ConsentProofMutations, ConsentProofQueries
from regulars.contact.audience_graphql import AudienceMutations, AudienceQueries
from regulars.contact.graphql import ContactQueries, CustomerContacts
from regulars.contact.mutations import ContactMutations, CustomerReservations
from regulars.contact.policy_graphql import PolicyMutations, PolicyQueries
from regulars.contact.zone_graphql import CustomerZoneFields, ZoneMutations
from regulars.customers.bulk import CUSTOMER_BULK
from regulars.customers.graphql import CustomerQueries
from regulars.customers.merge_mutations import CustomerMergeMutations
from regulars.customers.mutations import CustomerMutations
from regulars.customers.suggestion_graphql import MergeSuggestionMutations, MergeSuggestionQueries
from regulars.events.graphql import EventSubscriptions
from regulars.graphql.schema.building import SchemaParts
from regulars.graphql.schema.composed_inputs import InputTypes
from regulars.graphql.schema.composition import CORE_OWNER, OwnedPart
from regulars.graphql.schema.parts.audiences import audience_filter
from regulars.graphql.schema.parts.bulk import bulk_change_mutations
from regulars.graphql.schema.parts.exports import export_mutations
from regulars.graphql.schema.parts.nodes import NodeQueries
from regulars.graphql.schema.parts.segments import segment_filter, segment_mutations
from regulars.graphql.schema.parts.touchpoints import touchpoint_filter
from regulars.graphql.schema.parts.traits import company_trait_filter, trait_filters, trait_sorts
from regulars.graphql.schema.parts.trusted_documents import TrustedDocumentMutations, TrustedDocumentQueries
from regulars.graphql.schema.where import ExtraFilter
from regulars.ingest.graphql import ImportMutations
from regulars.jobs.graphql import JobMutations, JobQueries
from regulars.messages.graphql import CustomerMessages, MessageMutations, MessageQueries
from regulars.notices.graphql import NoticeMutations
from regulars.plugins.contributions import GraphQLPart
from regulars.plugins.graphql import PluginMutations, PluginQueries
from regulars.plugins.plugin_set import PluginSet
from regulars.privacy.graphql import PrivacyMutations, PrivacyQueries
from regulars.segments.graphql import SegmentQueries
from regulars.suppressions.graphql import CustomerSuppressions, SuppressionMutations, SuppressionQueries
from regulars.touchpoints.bulk import TOUCHPOINT_BULK
from regulars.touchpoints.graphql import CustomerTouchpoints, TouchpointMutations, TouchpointQueries
from regulars.tracking.event_graphql import TrackingEventMutations, TrackingEventQueries
from regulars.tracking.graphql import TrackingMutations, TrackingQueries
from regulars.traits.graphql import TraitMutations, TraitQueries, customer_traits
from regulars.traits.objections_graphql import CustomerTraitObjections, TraitObjectionMutations
from regulars.traits.registry import trait_registry
from regulars.webhooks.graphql import WebhookQueries
from regulars.webhooks.mutations import WebhookMutations

__all__ = ["CORE_PARTS", "schema_parts"]

CORE_PARTS = (
    GraphQLPart({"Query": ViewerQueries}),
    GraphQLPart({"Query": NodeQueries}),
    GraphQLPart({"Query": CompanyQueries, "Mutation": CompanyMutations}),
    GraphQLPart({"Query": CustomerQueries, "Mutation": CustomerMutations}),
    GraphQLPart({"Mutation": CustomerMergeMutations}),
    GraphQLPart({"Query": MergeSuggestionQueries, "Mutation": MergeSuggestionMutations}),
    GraphQLPart({"Query": TrackingQueries, "Mutation": TrackingMutations}),
    GraphQLPart({"Query": TrackingEventQueries, "Mutation": TrackingEventMutations}),
    GraphQLPart({"Query": TouchpointQueries, "Mutation": TouchpointMutations, "Customer": CustomerTouchpoints}),
    GraphQLPart({"Query": ConsentQueries, "Mutation": ConsentMutations, "Customer": CustomerConsents}),
    GraphQLPart({"Query": PrivacyQueries, "Mutation": PrivacyMutations}),
    GraphQLPart({"Query": SuppressionQueries, "Mutation": SuppressionMutations, "Customer": CustomerSuppressions}),
    GraphQLPart({"Query": ContactQueries, "Mutation": ContactMutations, "Customer": CustomerContacts}),
    GraphQLPart({"Customer": CustomerReservations}),
    GraphQLPart({"Customer": CustomerZoneFields, "Mutation": ZoneMutations}),
    GraphQLPart({"Query": AudienceQueries, "Mutation": AudienceMutations}),
    GraphQLPart({"Query": PolicyQueries, "Mutation": PolicyMutations}),
    GraphQLPart({"Query": MessageQueries, "Mutation": MessageMutations, "Customer": CustomerMessages}),
    GraphQLPart({"Query": TraitQueries, "Mutation": TraitMutations}),
    GraphQLPart({"Customer": CustomerTraitObjections, "Mutation": TraitObjectionMutations}),
    GraphQLPart({"Query": SegmentQueries}),
    GraphQLPart({"Query": AuditQueries}),
    GraphQLPart({"Mutation": NoticeMutations}),
    GraphQLPart({"Query": ConsentProofQueries, "Mutation": ConsentProofMutations}),
    GraphQLPart({"Mutation": ImportMutations}),
    GraphQLPart({"Query": JobQueries, "Mutation": JobMutations}),
    *(GraphQLPart({"Mutation": bulk}) for bulk in (*CUSTOMER_BULK, *TOUCHPOINT_BULK, *CONSENT_BULK)),
    GraphQLPart({"Subscription": EventSubscriptions}),
    GraphQLPart({"Query": WebhookQueries, "Mutation": WebhookMutations}),
    GraphQLPart({"Query": TrustedDocumentQueries, "Mutation": TrustedDocumentMutations}),
    GraphQLPart({"Query": PluginQueries, "Mutation": PluginMutations}),
)


def schema_parts(plugins: PluginSet) -> SchemaParts:
    """Return what the schema of these plugins is made of."""
    registry = trait_registry({plugin.id: plugin.contributions.traits for plugin in plugins.plugins})
    own = [*CORE_PARTS, customer_traits(registry)]
    return SchemaParts(
        parts=[*(OwnedPart(CORE_OWNER, part) for part in own), *_plugin_parts(plugins)],
        extra_filters=lambda inputs: {"Customer": _customer_filters(inputs, plugins)},
        extra_sorts={"Customer": trait_sorts(plugins.traits)},
        late=lambda filters: [
            OwnedPart(CORE_OWNER, segment_mutations(filters)),
            OwnedPart(CORE_OWNER, export_mutations(filters)),
            OwnedPart(CORE_OWNER, bulk_change_mutations(filters)),
        ],
    )


def _plugin_parts(plugins: PluginSet) -> Iterable[OwnedPart]:
    for plugin in plugins.plugins:
        yield OwnedPart(plugin.id, plugin.contributions.graphql, frozenset(plugin.manifest.graphql_types))


def _customer_filters(inputs: InputTypes, plugins: PluginSet) -> list[ExtraFilter]:
    own = [segment_filter(inputs), touchpoint_filter(inputs), audience_filter(inputs), company_trait_filter(inputs)]
    return [*own, *trait_filters(inputs, plugins.traits)]
