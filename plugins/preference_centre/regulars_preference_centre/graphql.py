"""What customers choose and wait for, in the API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlmodel import col

from regulars import (
    Connection,
    Customer,
    FieldContext,
    Node,
    batch,
    column,
    connection,
    object_type,
    relation,
)
from regulars_preference_centre.models import AlertRequest, Announcement, Question, Stream
from regulars_preference_centre.readings import read_preferences
from regulars_preference_centre.settings import PreferenceSettings
from regulars_preference_centre.views import CustomerPreferences, InLanguage, QuestionOption, shown

__all__ = [
    "AlertRequestNode",
    "AnnouncementNode",
    "CustomerPreferencesField",
    "PreferenceQueries",
    "QuestionNode",
    "StreamNode",
]

READ = "preference_centre:read"


def _in_languages(titles: Mapping[str, str], descriptions: Mapping[str, str] | None = None) -> list[InLanguage]:
    described = descriptions or {}
    return [
        InLanguage(language=language, title=title, description=described.get(language))
        for language, title in sorted(titles.items())
    ]


async def _stream_words(parents: Sequence[Mapping[str, Any]], _context: FieldContext) -> list[list[InLanguage]]:
    return [_in_languages(parent["titles"], parent["descriptions"]) for parent in parents]


async def _question_words(parents: Sequence[Mapping[str, Any]], _context: FieldContext) -> list[list[InLanguage]]:
    return [_in_languages(parent["titles"]) for parent in parents]


async def _question_options(parents: Sequence[Mapping[str, Any]], _context: FieldContext) -> list[list[QuestionOption]]:
    return [
        [QuestionOption(value=value, words=_in_languages(words)) for value, words in parent["options"].items()]
        for parent in parents
    ]


@object_type(
    Stream,
    name="PreferenceStream",
    permission=READ,
    description="Something that can reach customers, for them to choose. (preference_centre)",
    is_open=True,
)
class StreamNode:
    """Something that can reach customers."""

    topic: str = column(Stream.topic, description="Its topic in the ledger of consents.", filterable=True)
    purpose: str = column(Stream.purpose, description="Its purpose in the ledger.", filterable=True)
    channels: list[str] = column(Stream.channels, description="By which channels it comes.")
    position: int = column(Stream.position, description="Its place on the page.", sortable=True)
    created_at: datetime = column(Stream.created_at, description="Since when it is offered.", sortable=True)
    retired_at: datetime | None = column(
        Stream.retired_at, description="Since when it is offered no longer.", filterable=True
    )
    words: list[InLanguage] = batch(
        _stream_words,
        requires=[Stream.titles, Stream.descriptions],
        description="What it is called in each language of the page.",
        assumed_size=3,
        cost=0,
    )


@object_type(
    Question,
    name="PreferenceQuestion",
    permission=READ,
    description="Something that customers may tell: what stops them, what matters, who they are. (preference_centre)",
    is_open=True,
)
class QuestionNode:
    """Something that customers may tell."""

    key: str = column(Question.key, description="Its name for programs.", filterable=True)
    kind: str = column(Question.kind, description="roadblock, matter or fact.", filterable=True)
    topic: str | None = column(Question.topic, description="What a matter belongs to.", filterable=True)
    position: int = column(Question.position, description="Its place on the page.", sortable=True)
    retired_at: datetime | None = column(
        Question.retired_at, description="Since when it is asked no longer.", filterable=True
    )
    words: list[InLanguage] = batch(
        _question_words,
        requires=[Question.titles],
        description="How it is asked in each language of the page.",
        assumed_size=3,
        cost=0,
    )
    options: list[QuestionOption] = batch(
        _question_options,
        requires=[Question.options],
        description="What can be chosen; nothing where the answer is free text.",
        assumed_size=5,
        cost=0,
    )


@object_type(
    AlertRequest,
    name="AlertRequest",
    permission=READ,
    description="Something that a customer waits for: tell me when… (preference_centre)",
)
class AlertRequestNode(Node):
    """Something that a customer waits for."""

    id: strawberry.ID = column(AlertRequest.id, description="The global id.", is_global_id=True, filterable=True)
    customer_id: UUID = column(AlertRequest.customer_id, description="Who waits.", filterable=True)
    topic: str = column(
        AlertRequest.topic, description="The topic that an item must carry; `wish.…` where words tell.", filterable=True
    )
    words: str = column(AlertRequest.words, description="The customer's own words.", filterable=True)
    ends_at: datetime | None = column(AlertRequest.ends_at, description="Until when they wait.", filterable=True)
    created_at: datetime = column(
        AlertRequest.created_at, description="Since when they wait.", filterable=True, sortable=True
    )
    cancelled_at: datetime | None = column(
        AlertRequest.cancelled_at, description="Since when they wait no longer.", filterable=True
    )
    told_at: datetime | None = column(
        AlertRequest.told_at, description="When something last came that they waited for.", filterable=True
    )


@object_type(
    Announcement,
    name="ItemAnnouncement",
    permission=READ,
    description="Something that arrived, told once to each customer who waits for it. (preference_centre)",
)
class AnnouncementNode(Node):
    """Something that arrived."""

    id: strawberry.ID = column(Announcement.id, description="The global id.", is_global_id=True, filterable=True)
    key: str = column(
        Announcement.key, description="The shop's name for it; the campaign of its messages.", filterable=True
    )
    title: str = column(Announcement.title, description="What it is called.")
    url: str = column(Announcement.url, description="Where it can be seen.")
    topics: list[str] = column(Announcement.topics, description="The topics that it carries.")
    channel: str = column(Announcement.channel, description="By which channel it is told.", filterable=True)
    expires_at: datetime | None = column(Announcement.expires_at, description="From when on it is no news.")
    announced_by: str = column(Announcement.announced_by, description="Who announced it.")
    announced_at: datetime = column(
        Announcement.announced_at, description="When it was announced.", filterable=True, sortable=True
    )
    told: int = column(Announcement.told, description="For how many customers a message was taken.")
    ended_at: datetime | None = column(
        Announcement.ended_at, description="When all who wait had been found; null until then.", filterable=True
    )


async def _preferences(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[CustomerPreferences]:
    settings = context.settings
    assert isinstance(settings, PreferenceSettings)
    ids = [parent["id"] for parent in parents]
    found = await read_preferences(context.session, customer_ids=ids, now=context.now)
    return [shown(found[id], settings.channels) for id in ids]


@strawberry.type
class CustomerPreferencesField:
    """What customers gain by the preference centre."""

    preferences: CustomerPreferences | None = batch(
        _preferences,
        requires=[Customer.id],
        permission=READ,
        description="What they chose and told: channels, how often, pauses, quiet hours, wishes. (preference_centre)",
        cost=5,
    )
    alert_requests: list[AlertRequestNode] | None = relation(
        AlertRequest.customer_id,
        permission=READ,
        description="What they wait for, and what they waited for. (preference_centre)",
        order_by=[AlertRequest.created_at],
        assumed_size=10,
    )


@strawberry.type
class PreferenceQueries:
    """What can be asked about what customers choose from, and wait for."""

    streams: Connection[StreamNode] | None = connection(
        permission=READ,
        description="What can be sent at all, in the order of the page; retired ones too. (preference_centre)",
        order_by=[col(Stream.position), col(Stream.topic)],
    )
    questions: Connection[QuestionNode] | None = connection(
        permission=READ,
        description="What customers are asked, in the order of the page; retired ones too. (preference_centre)",
        order_by=[col(Question.kind), col(Question.position), col(Question.key)],
    )
    alert_requests: Connection[AlertRequestNode] | None = connection(
        permission=READ,
        description="What customers wait for, the newest first: demand in their own words. (preference_centre)",
        order_by=[col(AlertRequest.created_at).desc()],
    )
    item_announcements: Connection[AnnouncementNode] | None = connection(
        permission=READ,
        description="What was announced, the newest first. (preference_centre)",
        order_by=[col(Announcement.announced_at).desc()],
    )
