"""The mutations of the core in an order in which each finds what it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.core.tracking.sites import write_key

from regulars.consents.registry import core_consent_registry
from regulars.fields.ids import global_id
from regulars.messages.service import enqueue_message
from regulars.messages.templates import MessageContent, MessageDraft, MessageTemplate, MessageToWrite
from regulars.plugins.context import PluginContext
from regulars.testing.app import App
from regulars.trusted_documents.hashes import document_hash

__all__ = ["STEPS", "Step", "things_besides"]

SCOPE = 'purpose: "marketing.own", channel: "email", topic: "*"'
OTHER_SCOPE = 'purpose: "marketing.own", channel: "sms", topic: "*"'
PROOF = 'noticeVersion: "n1", language: "en", evidence: {form: 1}'
REQUEST = 'request: {channel: "email", class: "marketing"}'
NOBODY = 'where: {displayName: {eq: "Nobody"}}, expectedCount: 0'
VENUE = 'fields: [{field: "venue", property: "bar"}]'


@dataclass(frozen=True)
class Step:
    """A mutation with its input, in which earlier ids are named in brackets, and which rows its payload shows.

    ``keeps`` names what later steps need: the id of its first row, or with a colon what else the payload tells.
    """

    name: str
    rows: str
    given: str
    keeps: str = ""
    told: str = ""

    @property
    def shown(self) -> Sequence[str]:
        """Return the fields of the payload that show rows."""
        return self.rows.split()


STEPS = (
    Step("customerCreate", "customer", 'displayName: "Ada", language: "en"', keeps="ada"),
    Step("customerCreate", "customer", 'displayName: "Bo"', keeps="bo"),
    Step("customerUpdate", "customer", 'id: "[ada]", displayName: "Ada L.", jurisdiction: "DE"'),
    Step(
        "customerUpsert",
        "customer",
        'displayName: "Cy", identities: [{kind: "external", source: "crm", value: "[run]"}]',
    ),
    Step(
        "customerIdentityAdd",
        "identity",
        'customerId: "[ada]", identity: {kind: "email", value: "[run]@example.com"}, isVerified: false',
        keeps="email",
    ),
    Step("customerIdentityVerify", "identity", 'id: "[email]"'),
    Step(
        "touchpointRecord",
        "touchpoint",
        'customerId: "[ada]", type: "visit", occurredAt: "2026-03-01T10:00:00Z", source: "[run]", externalId: "1"',
    ),
    Step(
        "customerTimeZonesNote",
        "customer",
        'customerId: "[ada]", timeZones: ["Europe/Berlin"], provenance: "imported", source: "crm"',
    ),
    Step("consentGrant", "consent", f'customerId: "[ada]", {SCOPE}, reason: "Asked for it.", {PROOF}'),
    Step("contactReserve", "reservation decision", f'customerId: "[ada]", {REQUEST}', keeps="held"),
    Step("contactConfirm", "reservation decision", 'reservationId: "[held]"'),
    Step("contactReport", "reservation", 'reservationId: "[held]", outcome: "SENT"'),
    Step("contactReserve", "reservation decision", f'customerId: "[ada]", {REQUEST}', keeps="second"),
    Step("contactRelease", "reservation", 'reservationId: "[second]"'),
    Step("contactAudienceDecide", "job audience", f'{REQUEST}, customerIds: ["[ada]"]'),
    Step("consentWithdraw", "consent", f'customerId: "[ada]", {SCOPE}, reason: "Had enough."'),
    Step(
        "consentGrant",
        "consent",
        f'customerId: "[ada]", {OTHER_SCOPE}, reason: "Asked again.", {PROOF}, needsConfirmation: true',
        keeps="waiting",
    ),
    Step("consentConfirm", "consent", 'id: "[waiting]", reason: "Said so by telephone."'),
    Step("messageCancel", "message", 'id: "[message]"'),
    Step(
        "suppressionAdd",
        "suppression",
        'customerId: "[ada]", reason: "complaint", kind: "complaint", channel: "sms"',
        keeps="suppression",
    ),
    Step("suppressionLift", "suppression", 'id: "[suppression]", reason: "A mistake."'),
    Step("scoringOptOut", "suppression", 'customerId: "[bo]", reason: "Said so."'),
    Step("privacyRequestCreate", "privacyRequest", 'customerId: "[bo]", kind: "restriction", reason: "Asked."'),
    Step(
        "customerMerge",
        "customer",
        'survivorId: "[ada]", mergedId: "[bo]", reason: "The same.", explicit: true',
        keeps="merge:mergeId",
        told="mergeId",
    ),
    Step("customerUnmerge", "customer restored", 'mergeId: "[merge]"'),
    Step("traitDefine", "definition", 'key: "shoe_[run]", title: "Shoe", type: "number", provenance: "declared"'),
    Step("traitDefine", "definition", 'key: "mood_[run]", title: "Mood", type: "text", provenance: "inferred"'),
    Step(
        "traitSet",
        "",
        'customerId: "[ada]", source: "m1", traits: [{key: "mood_[run]", provenance: "inferred", text: "merry"}]',
        told="written",
    ),
    Step(
        "traitDelete",
        "",
        'customerId: "[ada]", key: "mood_[run]"',
        keeps="objection:objections",
        told="objections",
    ),
    Step("traitObjectionLift", "objection", 'id: "[objection]"'),
    Step("segmentCreate", "segment", 'name: "All [run]", where: {status: {eq: "active"}}', keeps="segment"),
    Step("segmentUpdate", "segment", 'id: "[segment]", description: "Everybody."'),
    Step("segmentDelete", "segment", 'id: "[segment]"'),
    Step("webhookCreate", "webhook", 'url: "https://example.com/[run]", eventTypes: ["customer.*"]', keeps="webhook"),
    Step("webhookSecretRotate", "webhook", 'id: "[webhook]"'),
    Step("webhookTest", "delivery", 'id: "[webhook]"', keeps="delivery"),
    Step("webhookDeliveryRetry", "delivery", 'id: "[delivery]"'),
    Step("webhookReplay", "webhook", 'id: "[webhook]", since: "2026-03-01T00:00:00Z", until: "2026-03-01T01:00:00Z"'),
    Step("webhookUpdate", "webhook", 'id: "[webhook]", isEnabled: false'),
    Step("webhookDelete", "webhook", 'id: "[webhook]"'),
    Step("trackingEventMap", "event", f'source: "[run]", event: "Wine Tasted", type: "visit", {VENUE}', keeps="event"),
    Step("trackingEventUnmap", "event", 'id: "[event]"'),
    Step("trustedDocumentRegister", "document", 'text: "{ v[run]: viewer { kind } }"'),
    Step("trustedDocumentRemove", "document", 'documentId: "[sha]"'),
    Step("contactPolicyUpdate", "policy", 'reason: "Fewer.", caps: [{limit: 2, windowH: 168}]'),
    Step("customerBulkUpdateWhere", "job", f'{NOBODY}, changes: {{language: "de"}}', told="changed"),
    Step("customerBulkDeleteWhere", "job", NOBODY, told="changed"),
    Step("customerExport", "job", "where: {}", keeps="job"),
    Step("jobCancel", "job", 'id: "[job]"'),
    Step("jobRepeat", "job", 'id: "[job]"'),
    Step("touchpointExport", "job", "where: {}"),
    Step("jobStart", "job", 'kind: "core.retention", key: "[run]"'),
    Step("customerIdentityRemove", "customer", 'id: "[email]"'),
    Step("customerDelete", "customer", 'id: "[ada]"'),
    Step("customerRestore", "customer", 'id: "[ada]"'),
    Step("customerErase", "privacyRequest", 'id: "[ada]", reason: "Asked by letter."'),
    Step("customerUpdate", "customer", 'id: "Customer_00000000000000000000000000000000", displayName: "Nobody"'),
)


async def _write(_ctx: PluginContext, _message: MessageToWrite) -> MessageContent | None:
    return None


GREETING = MessageTemplate("shop.greeting", "service", _write)


async def things_besides(app: App, run: str) -> Mapping[str, str]:
    """Return what no mutation tells: a source that has a write key, a message that waits, and a document's hash."""
    await write_key(app, run)
    dee = await app.add_customer("Dee", email=f"dee{run}@example.com")
    async with app.database.writing() as session:
        message = await enqueue_message(
            session,
            draft=MessageDraft(key=run, template=GREETING.id, channel="email", customer_id=dee),
            source="shop",
            templates={GREETING.id: GREETING},
            registry=core_consent_registry(),
            actor="system",
            now=app.clock.now(),
        )
    sha = f"sha256:{document_hash(f'{{ v{run}: viewer {{ kind }} }}')}"
    return {"run": run, "message": global_id("Message", message.id), "sha": sha}
