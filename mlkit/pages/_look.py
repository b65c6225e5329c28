"""What the HTML of a result may hold on a page that needs nothing else."""

import re
from collections import Counter
from html.parser import HTMLParser

from mlkit.pages._parts import short

_LOADING = {"src", "srcset", "poster", "background", "data", "action", "formaction", "xlink:href"}
_FORBIDDEN = {
    *("script", "iframe", "frame", "frameset", "object", "embed", "applet", "link", "base"),
    *("meta", "form", "html", "head", "body", "title", "template", "noscript", "plaintext"),
}
_NOT_CLOSED = {  # HTML lets their end be left out, or they have none
    *("area", "br", "col", "hr", "img", "input", "source", "track", "wbr"),
    *("p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option"),
}
_INSTEAD = "give str(result), or its table."


def fault(html: str) -> str | None:
    """What has no place there, as the end of a sentence; None where nothing is found."""
    look = _Look()
    look.feed(html)
    look.close()
    return look.fault(html)


class _Look(HTMLParser):
    """Reads the HTML of a result for what has no place on such a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: Counter[str] = Counter()
        self.found: list[str] = []

    def fault(self, html: str) -> str | None:
        """What is wrong, as the end of a sentence; None where nothing is."""
        unclosed = [tag for tag, count in self.open.items() if count]
        if unclosed or html.count("<!--") != html.count("-->"):
            what = f"<{unclosed[0]}>" if unclosed else "a comment"
            self.found.append(f"shows HTML that does not open and close {what} in turn.")
        return self.found[0] if self.found else None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _FORBIDDEN:
            self.found.append(
                f"shows itself with <{tag}>, which has no place on a page: {_INSTEAD}"
            )
        if tag not in _NOT_CLOSED:
            self.open[tag] += 1
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        if tag == "img" and not (dict(attrs).get("alt") or "").strip():
            self.found.append(
                "shows a picture without a text for people who do not see it: its <img> needs alt."
            )

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _NOT_CLOSED:
            return
        self.open[tag] -= 1
        if self.open[tag] < 0:
            self.found.append(f"shows HTML that closes <{tag}> before it opens it.")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style" and self.open["style"]:
            self._style(data)

    def _attribute(self, tag: str, name: str, value: str) -> None:
        address = re.sub(r"[\s\x00-\x1f]", "", value).lower()
        if name.startswith("on"):
            self.found.append(f"would run a program ({name}=): {_INSTEAD}")
        elif name in _LOADING or (name == "href" and tag not in ("a", "area")):
            if not address.startswith(("data:", "#")):
                self.found.append(
                    f"would load {value!r}, and a page needs nothing else: {_INSTEAD}"
                )
        elif name == "href" and address.startswith(("javascript:", "data:", "vbscript:")):
            self.found.append(f"has a link that runs a program ({short(value)}): {_INSTEAD}")
        elif name == "style":
            self._style(value)

    def _style(self, css: str) -> None:
        if re.search(r"@import|url\((?!\s*['\"]?data:)|\\", css, re.IGNORECASE):
            self.found.append(f"has a style that would load something: {_INSTEAD}")
