"""The words of the page behind a message's stop link, in each language. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from regulars.consents.scopes import EVERYTHING, Scope

__all__ = ["STOP_WORDS", "StopWords"]


@dataclass(frozen=True)
class StopWords:
    """The page in one language. ``{shop}``, ``{what}``, ``{topic}`` and ``{name}`` are filled in."""

    title: str
    title_done: str
    lead: str
    lead_done: str
    button: str
    still: str
    all_title: str
    all_title_done: str
    all_text: str
    all_button: str
    more: str
    everything: str
    purposes: Mapping[str, str]
    other_purpose: str
    channels: Mapping[str, str]
    other_channel: str
    about: str

    def what(self, scope: Scope, topic: str) -> str:
        """Return in plain words what a scope holds; ``topic`` is what its topic is called."""
        if scope == EVERYTHING:
            return self.everything
        purpose = self.purposes.get(scope.purpose) or self.other_purpose.format(name=scope.purpose)
        channel = "" if scope.channel == "*" else self.channels.get(scope.channel)
        by = self.other_channel.format(name=scope.channel) if channel is None else channel
        return f"{purpose}{by}{'' if scope.topic == '*' else self.about.format(topic=topic)}"


STOP_WORDS: Mapping[str, StopWords] = {
    "en": StopWords(
        title="Stop these messages?",
        title_done="Stopped",
        lead="With this button, {shop} sends you no more {what}.",
        lead_done="{shop} sends you no more {what}.",
        button="Stop these messages",
        still="What belongs to your orders still comes, such as receipts.",
        all_title="Or all of it",
        all_title_done="Was that all?",
        all_text="No more advertising, newsletters and surveys from {shop}, by any way.",
        all_button="Stop everything",
        more="Less, a pause, or other choices",
        everything="advertising, newsletters and surveys",
        purposes={
            "*": "messages",
            "marketing": "advertising",
            "marketing.own": "advertising",
            "research": "surveys and questions",
        },
        other_purpose="messages for “{name}”",
        channels={"email": " by e-mail", "sms": " by text message", "voice": " by telephone", "post": " by post"},
        other_channel=" by {name}",
        about=" about “{topic}”",
    ),
    "de": StopWords(
        title="Diese Nachrichten beenden?",
        title_done="Beendet",
        lead="Mit diesem Knopf schickt {shop} Ihnen dies nicht mehr: {what}.",
        lead_done="{shop} schickt Ihnen dies nicht mehr: {what}.",
        button="Diese Nachrichten beenden",
        still="Was zu Ihren Bestellungen gehört, kommt weiter, etwa Belege.",
        all_title="Oder alles",
        all_title_done="War das alles?",
        all_text="Keine Werbung, Rundbriefe und Umfragen mehr von {shop}, auf keinem Weg.",
        all_button="Alles beenden",
        more="Weniger, eine Pause oder andere Einstellungen",
        everything="Werbung, Rundbriefe und Umfragen",
        purposes={
            "*": "Nachrichten",
            "marketing": "Werbung",
            "marketing.own": "Werbung",
            "research": "Umfragen und Fragen",
        },
        other_purpose="Nachrichten für „{name}“",
        channels={"email": " per E-Mail", "sms": " per SMS", "voice": " am Telefon", "post": " per Post"},
        other_channel=" über {name}",
        about=" zu „{topic}“",
    ),
    "ar": StopWords(
        title="هل نوقف هذه الرسائل؟",
        title_done="توقفت",
        lead="بهذا الزر لن يرسل إليك {shop} بعد الآن: {what}.",
        lead_done="لن يرسل إليك {shop} بعد الآن: {what}.",
        button="أوقف هذه الرسائل",
        still="ويصلك ما يخص طلباتك، مثل الإيصالات.",
        all_title="أو كل شيء",
        all_title_done="هل هذا كل ما تريد إيقافه؟",
        all_text="لا إعلانات ولا نشرات ولا استبيانات من {shop} بعد الآن، بأي طريقة.",
        all_button="أوقف كل شيء",
        more="أقل، أو استراحة، أو اختيارات أخرى",
        everything="الإعلانات والنشرات والاستبيانات",
        purposes={
            "*": "رسائل",
            "marketing": "إعلانات",
            "marketing.own": "إعلانات",
            "research": "استبيانات وأسئلة",
        },
        other_purpose="رسائل لأجل «{name}»",
        channels={
            "email": " بالبريد الإلكتروني",
            "sms": " برسالة نصية",
            "voice": " بالهاتف",
            "post": " بالبريد العادي",
        },
        other_channel=" عبر {name}",
        about=" عن «{topic}»",
    ),
}
