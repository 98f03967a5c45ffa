"""What people who are not staff read when a page cannot be shown, in each language. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["ProblemWords", "problem_words"]

FAULT, REFUSED = "FAULT", "REFUSED"


class ProblemWords(NamedTuple):
    """What happened, what to do next, and the words beside them."""

    title: str
    text: str
    reference: str
    back: str


def problem_words(code: str, *, status: int, language: str) -> ProblemWords:
    """Return the words for an error by its code; ``{wait}`` stands in the text of ``RATE_LIMITED``, in seconds."""
    known = _PROBLEMS[language]
    title, text = known.get(code) or known[FAULT if status >= 500 else REFUSED]
    return ProblemWords(title, text, *_BESIDE[language])


_BESIDE: Mapping[str, tuple[str, str]] = {
    "en": ("Reference:", "Go back to the start"),
    "de": ("Kennzeichen:", "Zurück zum Anfang"),
    "ar": ("المرجع:", "العودة إلى البداية"),
}

_PROBLEMS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "en": {
        "NOT_FOUND": (
            "There is no such page",
            "Check the address, or open the link in your message once more.",
        ),
        "LINK_UNKNOWN": (
            "This link opens nothing",
            "It was never given out, has been used, or is too old. Ask for a new one.",
        ),
        "FORBIDDEN": (
            "This is not for you",
            "You may not see this page.",
        ),
        "FORM_REFUSED": (
            "Nothing was changed",
            "This form is out of date, or comes from elsewhere. Go back, load the page again and repeat your change.",
        ),
        "RATE_LIMITED": (
            "That was too much at once",
            "Too much was asked from here in a short time. Nothing was done. Wait {wait} s, then try again.",
        ),
        "TOO_LARGE": (
            "Nothing was changed",
            "What you sent is too large. Go back, write less and try again.",
        ),
        FAULT: (
            "This page cannot be shown",
            "That is our fault, not yours. Try again in a few minutes.",
        ),
        REFUSED: (
            "This did not work",
            "Nothing was changed. Go back, load the page again and use its buttons.",
        ),
    },
    "de": {
        "NOT_FOUND": (
            "Diese Seite gibt es nicht",
            "Prüfen Sie die Adresse, oder öffnen Sie den Link in Ihrer Nachricht noch einmal.",
        ),
        "LINK_UNKNOWN": (
            "Dieser Link öffnet nichts",
            "Er wurde nie vergeben, schon benutzt, oder er ist zu alt. Fordern Sie einen neuen an.",
        ),
        "FORBIDDEN": (
            "Das ist nicht für Sie",
            "Sie dürfen diese Seite nicht sehen.",
        ),
        "FORM_REFUSED": (
            "Es wurde nichts geändert",
            "Dieses Formular ist veraltet oder kommt von anderswo. Gehen Sie zurück, laden Sie die Seite neu und"
            " wiederholen Sie Ihre Änderung.",
        ),
        "RATE_LIMITED": (
            "Das war zu viel auf einmal",
            "Von hier wurde in kurzer Zeit zu viel verlangt. Es ist nichts geschehen. Warten Sie {wait} s und versuchen"
            " Sie es noch einmal.",
        ),
        "TOO_LARGE": (
            "Es wurde nichts geändert",
            "Was Sie geschickt haben, ist zu groß. Gehen Sie zurück und versuchen Sie es mit weniger noch einmal.",
        ),
        FAULT: (
            "Diese Seite lässt sich nicht zeigen",
            "Das liegt an uns, nicht an Ihnen. Versuchen Sie es in ein paar Minuten noch einmal.",
        ),
        REFUSED: (
            "Das hat nicht geklappt",
            "Es wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu und nehmen Sie ihre Knöpfe.",
        ),
    },
    "ar": {
        "NOT_FOUND": (
            "لا توجد هذه الصفحة",
            "تحقق من العنوان، أو افتح الرابط في رسالتك مرة أخرى.",
        ),
        "LINK_UNKNOWN": (
            "هذا الرابط لا يفتح شيئًا",
            "لم يُرسل قط، أو استُعمل من قبل، أو مضى عليه وقت طويل. اطلب رابطًا جديدًا.",
        ),
        "FORBIDDEN": (
            "هذه الصفحة ليست لك",
            "لا يُسمح لك برؤية هذه الصفحة.",
        ),
        "FORM_REFUSED": (
            "لم يتغير شيء",
            "هذا النموذج قديم، أو جاء من مكان آخر. ارجع وحمّل الصفحة من جديد، ثم أعد التغيير.",
        ),
        "RATE_LIMITED": (
            "كان هذا كثيرًا دفعة واحدة",
            "طُلب من هنا الكثير في وقت قصير. لم يحدث شيء. انتظر {wait} ث ثم حاول مرة أخرى.",
        ),
        "TOO_LARGE": (
            "لم يتغير شيء",
            "ما أرسلته كبير جدًا. ارجع واكتب أقل، ثم حاول مرة أخرى.",
        ),
        FAULT: (
            "لا يمكن عرض هذه الصفحة",
            "السبب عندنا وليس عندك. حاول مرة أخرى بعد بضع دقائق.",
        ),
        REFUSED: (
            "لم ينجح هذا",
            "لم يتغير شيء. ارجع وحمّل الصفحة من جديد واستعمل أزرارها.",
        ),
    },
}
