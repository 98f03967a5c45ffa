"""The words of the mails, in each language: subject, paragraphs, and the words of the one button. Pure."""

from dataclasses import dataclass

__all__ = ["MAILS", "MailWords"]


@dataclass(frozen=True)
class MailWords:
    """A mail in one language; the paragraphs stand around the button, the first says who writes and why.

    ``{shop}``, ``{link}``, ``{item}``, ``{wish}``, ``{stop}`` are filled in; ``stop`` is the line with the stop link.
    """

    subject: str
    before: tuple[str, ...]
    button: str
    after: tuple[str, ...]
    stop: str = ""


MAILS: dict[str, dict[str, MailWords]] = {
    "link": {
        "en": MailWords(
            "Your link to your choices with {shop}",
            (
                "This is {shop}. Somebody asked for a link to the page with your choices, most likely you.",
                "The link opens the page once, within 15 minutes.",
            ),
            "Open my choices",
            ("If it was not you, leave this mail alone: nothing happens without the link.",),
        ),
        "de": MailWords(
            "Ihr Link zu Ihren Einstellungen bei {shop}",
            (
                "Hier schreibt {shop}. Jemand hat den Link zu Ihren Einstellungen bestellt, wohl Sie selbst.",
                "Der Link öffnet die Seite einmal, innerhalb von 15 Minuten.",
            ),
            "Meine Einstellungen öffnen",
            ("Waren Sie es nicht, dann lassen Sie diese Mail liegen: Ohne den Link geschieht nichts.",),
        ),
        "ar": MailWords(
            "رابطك إلى خياراتك لدى {shop}",
            (
                "هذه رسالة من {shop}. طلب أحدهم رابطًا إلى صفحة خياراتك، والأرجح أنه أنت.",
                "يفتح الرابط الصفحة مرة واحدة، خلال 15 دقيقة.",
            ),
            "افتح خياراتي",
            ("إن لم تكن أنت من طلبه فاترك هذه الرسالة: لا يحدث شيء من دون الرابط.",),
        ),
    },
    "no_scores": {
        "en": MailWords(
            "Your link to stop scores, from {shop}",
            (
                "This is {shop}. Somebody, most likely you, wants that we compute no scores of this address.",
                "Open the page and press its button, within an hour. You need no account.",
            ),
            "Stop scores and guesses",
            ("If it was not you, leave this mail alone: nothing happens without the link.",),
        ),
        "de": MailWords(
            "Ihr Link gegen Bewertungen, von {shop}",
            (
                "Hier schreibt {shop}. Jemand, wohl Sie selbst, möchte, dass wir zu dieser Adresse nichts berechnen.",
                "Öffnen Sie die Seite und drücken Sie dort den Knopf, innerhalb einer Stunde. Sie brauchen kein Konto.",
            ),
            "Bewertungen und Vermutungen beenden",
            ("Waren Sie es nicht, dann lassen Sie diese Mail liegen: Ohne den Link geschieht nichts.",),
        ),
        "ar": MailWords(
            "رابطك لإيقاف التقديرات، من {shop}",
            (
                "هذه رسالة من {shop}. طلب أحدهم، والأرجح أنه أنت، ألا نحسب أي تقدير عن هذا العنوان.",
                "افتح الصفحة واضغط الزر فيها خلال ساعة. لا تحتاج إلى حساب.",
            ),
            "أوقفوا التقديرات والتخمينات",
            ("إن لم تكن أنت من طلب ذلك فاترك هذه الرسالة: لا يحدث شيء من دون الرابط.",),
        ),
    },
    "confirm": {
        "en": MailWords(
            "Please confirm: {what} from {shop}",
            (
                "This is {shop}. We were told that you want this at this address: {what}.",
                "The button opens a page. Only what you confirm there counts; until then we send nothing of it.",
            ),
            "Go to the confirmation",
            ("If it was not you, leave this mail alone: nothing comes of it. The link works for seven days.",),
        ),
        "de": MailWords(
            "Bitte bestätigen: {what} von {shop}",
            (
                "Hier schreibt {shop}. Uns wurde gesagt, dass Sie das an diese Adresse möchten: {what}.",
                "Der Knopf öffnet eine Seite. Erst was Sie dort bestätigen, gilt; bis dahin schicken wir nichts davon.",
            ),
            "Zur Bestätigung",
            ("Waren Sie es nicht, dann lassen Sie diese Mail liegen: Es geschieht nichts. Der Link gilt sieben Tage.",),
        ),
        "ar": MailWords(
            "يُرجى التأكيد: {what} من {shop}",
            (
                "هذه رسالة من {shop}. قيل لنا إنك تريد أن يصلك على هذا العنوان: {what}.",
                "يفتح الزر صفحة. لا يُحسب إلا ما تؤكده هناك، وحتى ذلك الحين لا نرسل منه شيئًا.",
            ),
            "إلى صفحة التأكيد",
            ("إن لم تكن أنت فاترك هذه الرسالة: لا يحدث شيء. يعمل الرابط سبعة أيام.",),
        ),
    },
    "alert": {
        "en": MailWords(
            "{item}",
            (
                "This is {shop}. You asked us to tell you about “{wish}”.",
                "It is here: {item}.",
            ),
            "See it",
            (),
            "You do not want to hear about it any more: {stop}",
        ),
        "de": MailWords(
            "{item}",
            (
                "Hier schreibt {shop}. Sie wollten von uns hören, wenn es um „{wish}“ geht.",
                "Jetzt ist es da: {item}.",
            ),
            "Ansehen",
            (),
            "Sie wollen davon nichts mehr hören: {stop}",
        ),
        "ar": MailWords(
            "{item}",
            (
                "هذه رسالة من {shop}. طلبت منا أن نخبرك عن «{wish}».",
                "وها هو الآن: {item}.",
            ),
            "شاهده",
            (),
            "لا تريد أن تسمع عنه بعد الآن: {stop}",
        ),
    },
}
"""By kind of mail, then by language; English stands in where a language is missing."""
