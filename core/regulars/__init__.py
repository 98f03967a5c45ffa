"""Regulars: a plugin-based CRM extension server with a GraphQL API.

This is the public face: what a plugin imports. A name is loaded when it is first used, so that the command line
answers at once and a manifest costs nothing to read. Where each name lives is told in ``regulars.homes``, too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from regulars.homes import HOMES

if TYPE_CHECKING:
    from regulars.assignment.draws import Arm, in_order_of_entry, slicing
    from regulars.assignment.models import AssignedUnit, AssignmentHoldout, AssignmentProgramme
    from regulars.assignment.programmes import (
        change_arms,
        close_programme,
        create_programme,
        find_programme,
        read_holdout,
        set_holdout,
    )
    from regulars.assignment.service import (
        Assigned,
        Assignment,
        assign_units,
        draw_units,
        forget_units,
        keep_drawn,
        read_assignments,
    )
    from regulars.assignment.two_means import (
        ArmSums,
        Difference,
        NotEnoughData,
        Side,
        difference_of_means,
        sums_of_hits,
    )
    from regulars.cli.environment import with_tables
    from regulars.clock import Clock
    from regulars.consents.history import ConsentChoice, consent_choices
    from regulars.consents.models import ConsentEvent
    from regulars.consents.receipts import receipt_for
    from regulars.consents.registry import ConsentRegistry
    from regulars.consents.scopes import EVERYTHING, Scope
    from regulars.contact.frequency import TOUCHES, KnownTouch, cap_stands_until, is_never
    from regulars.contact.hours import AllowedHours, allowed_again, quiet_until, wall_time
    from regulars.contact.models import ContactTouch
    from regulars.contact.needs import CASE_ID, CHANNEL, TOPIC, Need, need_rows, need_value
    from regulars.contact.requests import ContactCap, ContactPolicy, RuleRequest, WallClockWindow
    from regulars.contact.rules import ContactRule, Defer, Deny, Needs
    from regulars.contact.zones import ZONES, CustomerZones
    from regulars.customers.addresses import KnownAddress, addresses_of
    from regulars.customers.finding import customer_to_change, find_customer
    from regulars.customers.identities import read_identity
    from regulars.customers.models import Customer
    from regulars.customers.names import KnownName, names_of
    from regulars.database import Database
    from regulars.errors import (
        ConfigurationError,
        Conflict,
        ExpectedError,
        Forbidden,
        ForbiddenTransition,
        InvalidInput,
        NotFound,
        NotUnique,
        OutOfRange,
        UnknownValue,
    )
    from regulars.events.envelope import EventEnvelope
    from regulars.events.service import record_event
    from regulars.fields.context import FieldContext, RequestContext
    from regulars.fields.declarations import (
        Argument,
        batch,
        column,
        connection,
        free,
        lookup,
        mutation,
        relation,
        resolver,
        subscription,
    )
    from regulars.fields.ids import global_id, row_id
    from regulars.fields.types import object_type, shown_as, value_type
    from regulars.fields.values import Connection, Money, MutationInput, Node, Payload, given
    from regulars.jobs.graphql import JobNode, JobPayload, start_job
    from regulars.jobs.run import JobRun
    from regulars.languages import fitting_language
    from regulars.messages.box import MessageBox, TakenMessage
    from regulars.messages.templates import MessageContent, MessageDraft, MessageTemplate, MessageToWrite
    from regulars.outgoing.consent_gate import AboutCustomer, FetchNotAllowed
    from regulars.outgoing.granted import PluginHttp
    from regulars.outgoing.limits import ANSWERS, FEEDS, RequestLimits
    from regulars.outgoing.refusals import RequestFailed, TargetRefused
    from regulars.outgoing.replies import HttpReply
    from regulars.personal import PII_KINDS, pii
    from regulars.plugins.context import Company, PluginContext
    from regulars.plugins.contributions import (
        ErasureReceipt,
        EventHandler,
        GraphQLPart,
        Job,
        Migrations,
        Pages,
        Slot,
        SlotPart,
        SlotVisit,
        StopLinks,
        Trait,
        TraitWords,
        daily,
        every,
    )
    from regulars.plugins.hookspecs import hookimpl
    from regulars.plugins.manifest import HOOK_API, Grants, Permission, PluginManifest
    from regulars.plugins.pages.slots import FilledSlot, SlotFiller
    from regulars.privacy.requests import KnownRequest
    from regulars.private import Pii, Secret
    from regulars.selfservice.door import CustomerDoor
    from regulars.selfservice.double_opt_in import WaitingGrant, waiting_grant
    from regulars.selfservice.down_tokens import DownToken
    from regulars.selfservice.permissions import (
        CustomerPermissions,
        ShownText,
        allow_as_customer,
        read_permissions,
        stop_as_customer,
        stop_sharing,
        undo_stop,
    )
    from regulars.selfservice.refusals import LinkUnknown, TooManyLinks
    from regulars.selfservice.rights import CustomerRights, FactWords
    from regulars.selfservice.service import OpenedSession
    from regulars.settings import Settings
    from regulars.suppressions.lookups import suppressed_customers, suppressions_of_addresses, suppressions_of_customers
    from regulars.suppressions.service import (
        add_suppression,
        lift_suppression,
        opt_in_to_scoring,
        opt_out_of_scoring,
    )
    from regulars.tables import NOW, Amount, JsonColumn, Table, UtcDateTime, new_id
    from regulars.touchpoints.counts import TouchpointCount, count_touchpoints
    from regulars.touchpoints.models import Touchpoint
    from regulars.traits.models import TraitObjection
    from regulars.traits.objections import customers_who_deleted, objections_of
    from regulars.traits.readings import TraitReading
    from regulars.traits.values import OtherProvenance, TraitInput
    from regulars.unset import UNSET, Unset
    from regulars.web.console.frame import page_response

__all__ = [
    "ANSWERS",
    "CASE_ID",
    "CHANNEL",
    "EVERYTHING",
    "FEEDS",
    "HOOK_API",
    "NOW",
    "PII_KINDS",
    "TOPIC",
    "TOUCHES",
    "UNSET",
    "ZONES",
    "AboutCustomer",
    "AllowedHours",
    "Amount",
    "Argument",
    "Arm",
    "ArmSums",
    "Assigned",
    "AssignedUnit",
    "Assignment",
    "AssignmentHoldout",
    "AssignmentProgramme",
    "Clock",
    "Company",
    "ConfigurationError",
    "Conflict",
    "Connection",
    "ConsentChoice",
    "ConsentEvent",
    "ConsentRegistry",
    "ContactCap",
    "ContactPolicy",
    "ContactRule",
    "ContactTouch",
    "Customer",
    "CustomerDoor",
    "CustomerPermissions",
    "CustomerRights",
    "CustomerZones",
    "Database",
    "Defer",
    "Deny",
    "Difference",
    "DownToken",
    "ErasureReceipt",
    "EventEnvelope",
    "EventHandler",
    "ExpectedError",
    "FactWords",
    "FetchNotAllowed",
    "FieldContext",
    "FilledSlot",
    "Forbidden",
    "ForbiddenTransition",
    "Grants",
    "GraphQLPart",
    "HttpReply",
    "InvalidInput",
    "Job",
    "JobNode",
    "JobPayload",
    "JobRun",
    "JsonColumn",
    "KnownAddress",
    "KnownName",
    "KnownRequest",
    "KnownTouch",
    "LinkUnknown",
    "MessageBox",
    "MessageContent",
    "MessageDraft",
    "MessageTemplate",
    "MessageToWrite",
    "Migrations",
    "Money",
    "MutationInput",
    "Need",
    "Needs",
    "Node",
    "NotEnoughData",
    "NotFound",
    "NotUnique",
    "OpenedSession",
    "OtherProvenance",
    "OutOfRange",
    "Pages",
    "Payload",
    "Permission",
    "Pii",
    "PluginContext",
    "PluginHttp",
    "PluginManifest",
    "RequestContext",
    "RequestFailed",
    "RequestLimits",
    "RuleRequest",
    "Scope",
    "Secret",
    "Settings",
    "ShownText",
    "Side",
    "Slot",
    "SlotFiller",
    "SlotPart",
    "SlotVisit",
    "StopLinks",
    "Table",
    "TakenMessage",
    "TargetRefused",
    "TooManyLinks",
    "Touchpoint",
    "TouchpointCount",
    "Trait",
    "TraitInput",
    "TraitObjection",
    "TraitReading",
    "TraitWords",
    "UnknownValue",
    "Unset",
    "UtcDateTime",
    "WaitingGrant",
    "WallClockWindow",
    "add_suppression",
    "addresses_of",
    "allow_as_customer",
    "allowed_again",
    "assign_units",
    "batch",
    "cap_stands_until",
    "change_arms",
    "close_programme",
    "column",
    "connection",
    "consent_choices",
    "count_touchpoints",
    "create_programme",
    "customer_to_change",
    "customers_who_deleted",
    "daily",
    "difference_of_means",
    "draw_units",
    "every",
    "find_customer",
    "find_programme",
    "fitting_language",
    "forget_units",
    "free",
    "given",
    "global_id",
    "hookimpl",
    "in_order_of_entry",
    "is_never",
    "keep_drawn",
    "lift_suppression",
    "lookup",
    "mutation",
    "names_of",
    "need_rows",
    "need_value",
    "new_id",
    "object_type",
    "objections_of",
    "opt_in_to_scoring",
    "opt_out_of_scoring",
    "page_response",
    "pii",
    "quiet_until",
    "read_assignments",
    "read_holdout",
    "read_identity",
    "read_permissions",
    "receipt_for",
    "record_event",
    "relation",
    "resolver",
    "row_id",
    "set_holdout",
    "shown_as",
    "slicing",
    "start_job",
    "stop_as_customer",
    "stop_sharing",
    "subscription",
    "sums_of_hits",
    "suppressed_customers",
    "suppressions_of_addresses",
    "suppressions_of_customers",
    "undo_stop",
    "value_type",
    "waiting_grant",
    "wall_time",
    "with_tables",
]


def __getattr__(name: str) -> Any:
    for home, names in HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"regulars has no {name!r}. Plugins use the names in regulars.__all__.")


def __dir__() -> list[str]:
    return __all__
