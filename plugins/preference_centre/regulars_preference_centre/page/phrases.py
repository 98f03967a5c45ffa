"""Phrases that several sections need: lists of channels, and how much came lately."""

from collections.abc import Mapping, Sequence

from regulars_preference_centre.page.words import Words, words_of

__all__ = ["by_channels", "channel_name", "in_a_row", "rate_in_words"]

REACH = "reach"


def channel_name(channel: str, language: str) -> str:
    """Return what a channel is called; its own name for one that nobody described."""
    words = words_of(REACH, language)
    return words(f"channel_{channel}") if f"channel_{channel}" in words else channel


def by_channels(channels: Sequence[str], language: str) -> str:
    """Return ``by e-mail and by text message``."""
    words = words_of(REACH, language)
    return in_a_row([words(f"by_{one}") if f"by_{one}" in words else one for one in channels], words)


def rate_in_words(lately: Mapping[str, int], language: str) -> str:
    """Return ``2 e-mails and 1 text message in the last 30 days``."""
    words = words_of(REACH, language)
    parts = [words.count(channel if channel in words else "other", count) for channel, count in sorted(lately.items())]
    return words("lately", what=in_a_row(parts, words)) if parts else words("none_lately")


def in_a_row(parts: Sequence[str], words: Words) -> str:
    """Return the parts as a list in a sentence."""
    if len(parts) < 2:
        return "".join(parts)
    return words("and", first=words("comma").join(parts[:-1]), last=parts[-1])
