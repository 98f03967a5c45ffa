"""What customers call a topic."""

from regulars import PluginContext
from regulars_preference_centre.models import Stream
from regulars_preference_centre.page.words import words_of
from regulars_preference_centre.settings import PreferenceSettings
from regulars_preference_centre.streams import in_language

__all__ = ["plain_name", "topic_name"]


async def topic_name(ctx: PluginContext, topic: str, language: str) -> str | None:
    """Return the title of a stream, or a plain name for a topic that nobody described; None for all topics."""
    if topic == "*":
        return None
    stream = await ctx.session.get(Stream, topic)
    if stream is None:
        return plain_name(topic, language)
    return in_language(stream.titles, language, ctx.settings_as(PreferenceSettings).languages[0])


def plain_name(topic: str, language: str) -> str:
    """Return what a topic that nobody described is called: ``vip-churn-risk`` is “Vip churn risk”."""
    name = " ".join(topic.replace(".", " ").replace("-", " ").replace("_", " ").split())
    return words_of("reach", language)("unnamed", name=name[:1].upper() + name[1:])
