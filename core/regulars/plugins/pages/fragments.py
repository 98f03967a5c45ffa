"""Check a piece of HTML that is to stand inside somebody else's page: whole, and nothing that reaches beyond itself."""

from html.parser import HTMLParser

from regulars.plugins.calling.results import WrongResult, size_checked

__all__ = ["checked_fragment"]

VOID = frozenset({"br", "col", "hr", "img", "wbr"})
ALLOWED = VOID | frozenset(
    {
        *("a", "abbr", "b", "bdi", "blockquote", "caption", "circle", "code", "colgroup", "dd", "details", "div", "dl"),
        *("dt", "em", "figcaption", "figure", "g", "h3", "h4", "i", "li", "line", "ol", "p", "path", "polyline", "q"),
        *("polygon", "rect", "small", "span", "strong", "sub", "summary", "sup", "svg", "table", "tbody", "td", "text"),
        *("th", "thead", "time", "title", "tr", "tspan", "u", "ul"),
    }
)
ADDRESSES = ("href", "src", "xlink:href")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise WrongResult(f"its part of the page closes <{tag}>, which is not the element that is open")

    def handle_comment(self, data: str) -> None:
        raise WrongResult("its part of the page holds a comment")

    def handle_decl(self, decl: str) -> None:
        raise WrongResult("its part of the page holds a declaration")

    def unknown_decl(self, data: str) -> None:
        raise WrongResult("its part of the page holds a declaration")

    def _check(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            raise WrongResult(f"its part of the page holds <{tag}>, which may not stand there")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                raise WrongResult(f"its part of the page has the attribute {name}, which may not stand there")
            if name in ADDRESSES and not (value or "").startswith(("/", "#", "https://")):
                raise WrongResult(f"its part of the page leads to {value!r}; only /…, #… and https://… may stand there")


def checked_fragment(html: str) -> str:
    """Return the fragment when every element in it is closed and may stand there; raises ``WrongResult``.

    It protects the page from mistakes of the plugin: what it must not do anyway the page's content policy forbids.
    """
    reader = _Reader()
    reader.feed(size_checked(html))
    if "<" in reader.rawdata:
        raise WrongResult("its part of the page ends amid an element")
    reader.close()
    if reader.open:
        raise WrongResult(f"its part of the page leaves <{reader.open[-1]}> open")
    return html
