"""The page as a whole: sections, contents, what it rests on."""

import datetime
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from mlkit import __version__, _files
from mlkit.pages import _look
from mlkit.pages._parts import (
    bullets,
    escaped,
    figure_of,
    kind,
    paragraphs,
    picture,
    short,
    table_of,
)

_KNOWN = (
    "text, a list of texts, a section (heading, part, ...), a table, a plot, or a result that "
    "shows itself as HTML"
)
_DEEPEST = 4  # h1 is the title, sections go down to h4
# Even if a part smuggled something in: no script runs here, and nothing is fetched.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write(
    path: str | Path,
    *,
    title: str,
    parts: Sequence[Any],
    date: str | datetime.date | None = None,
    data: Mapping[str, str | Path] | None = None,
    versions: Iterable[str] = (),
    lang: str = "en",
) -> Path:
    """Write one HTML file that needs no network and no program, to print or to hand on.

    Parameters
    ----------
    path : where; a file that is there is replaced, whole or not at all.
    title : the page's heading.
    parts : in order: plain text (a blank line begins a paragraph), a list of texts (one line
        each), a section ``(heading, part, ...)``, which may hold sections, a DataFrame or Series
        (at most 1,000 rows; headings without underscores, an interval's ends as *from* and *to*,
        ``n`` as *how many*), matplotlib Axes or a Figure (see :func:`describe`), a result that
        has ``_repr_html_``. All text is escaped: nothing in it is taken for HTML or Markdown.
    date : said at the end. Left out, the page bears none, and the same input gives the same bytes.
    data : name -> what the figures rest on: a file's path, whose SHA-256 is told, or a hash as
        ``lineage.content_hash`` gives it.
    versions : packages whose installed version is told, beside those of Python and mlkit.
    lang : language of the text, for those who have it read out.

    Raises
    ------
    ValueError, TypeError
        For a picture without a text, a part that would load or run something, an unknown kind.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> written = write(folder / "a.html", title="Audit", parts=[("Costs", "Spam & ham: 3 to 1.")])
    >>> "Spam &amp; ham" in written.read_text(encoding="utf-8")
    True
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r}: make it, then write.")
    if not isinstance(title, str) or not title.strip():
        raise ValueError(f"pages.write() needs a title with a word in it; got {title!r}.")
    if isinstance(parts, str) or not isinstance(parts, Sequence) or not parts:
        raise TypeError(
            "pages.write() needs parts as a list with something in it, for example "
            f'["a text", table]; got {kind(parts)}.'
        )
    page = _Page()
    body = "".join(page.part(part, f"part {place}") for place, part in enumerate(parts, start=1))
    foot = _about(date, data or {}, versions)
    _files.write_atomic(path, _whole(title, page.contents(), body, foot, lang))
    return path


class _Page:
    """One page in the making: it numbers sections and tables, and says where a part stands."""

    def __init__(self) -> None:
        self.headings: list[str] = []
        self.tables = 0

    def part(self, part: Any, where: str, level: int = 2) -> str:
        """Any part as HTML."""
        if isinstance(part, str):
            return paragraphs(part)
        if isinstance(part, tuple):
            return self._section(part, where, level)
        if isinstance(part, list):
            return bullets(part, where)
        if isinstance(part, pd.Series):
            part = part.to_frame(name="value" if part.name is None else part.name)
        if isinstance(part, pd.DataFrame):
            return self._wide(table_of(part, where))
        figure = figure_of(part)
        if figure is not None:
            return picture(figure, where)
        return self._shown(part, where)

    def contents(self) -> str:
        """Links to the sections; a short page needs none."""
        if len(self.headings) < 3:
            return ""
        links = "".join(
            f'<li><a href="#section-{number}">{escaped(heading)}</a></li>'
            for number, heading in enumerate(self.headings, start=1)
        )
        return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'

    def _section(self, part: tuple[Any, ...], where: str, level: int) -> str:
        if len(part) < 2 or not isinstance(part[0], str) or not part[0].strip():
            raise TypeError(
                f"pages.write(): {where} is a tuple, and that is a section: a heading and at "
                f'least one part, as ("Costs", table); got {short(part)}.'
            )
        if level > _DEEPEST:
            raise ValueError(
                f"pages.write(): {where} lies {level - 1} sections deep; a page has at most "
                f"{_DEEPEST - 1}. Take one of them out."
            )
        mark = ""
        if level == 2:
            self.headings.append(part[0])
            mark = f' id="section-{len(self.headings)}"'
        inside = "".join(
            self.part(each, f"{where}, part {place} of {part[0]!r}", level + 1)
            for place, each in enumerate(part[1:], start=1)
        )
        return f"<section><h{level}{mark}>{escaped(part[0])}</h{level}>{inside}</section>"

    def _wide(self, html: str) -> str:
        """What may be wider than a phone moves sideways by itself, by keys too."""
        self.tables += 1
        name = f"Table {self.tables}; it can be moved sideways"
        return f'<div class="wide" role="group" tabindex="0" aria-label="{name}">{html}</div>'

    def _shown(self, part: Any, where: str) -> str:
        show = getattr(part, "_repr_html_", None)
        html = show() if callable(show) and not isinstance(part, type) else None
        if not isinstance(html, str):
            raise TypeError(f"pages.write(): {where} is {kind(part)}; a part is {_KNOWN}.")
        fault = _look.fault(html)
        if fault:
            raise ValueError(f"pages.write(): {where} ({kind(part)}) {fault}")
        return self._wide(html) if "<table" in html else f"<div>{html}</div>"


def _about(
    date: str | datetime.date | None, data: Mapping[str, str | Path], versions: Iterable[str]
) -> str:
    """What the page rests on, at its end."""
    lines = [] if date is None else [f"Date: {escaped(str(date))}"]
    lines += [f"Data: {escaped(str(name))}, {_hash(name, what)}" for name, what in data.items()]
    lines.append(f"Written with mlkit {__version__}, Python {platform.python_version()}")
    for package in [versions] if isinstance(versions, str) else versions:
        try:
            lines.append(f"{escaped(package)} {escaped(metadata.version(package))}")
        except metadata.PackageNotFoundError:
            raise ValueError(
                f"pages.write() was asked for the version of {package!r}, which is not installed; "
                'use the name it is installed by, such as "scikit-learn".'
            ) from None
    return f"<h2>About this page</h2><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def _hash(name: str, what: str | Path) -> str:
    if isinstance(what, str) and re.fullmatch(r"[0-9a-f]{64}", what):
        return f"SHA-256 <code>{what}</code>"
    if not isinstance(what, str | os.PathLike) or not Path(what).is_file():
        raise ValueError(
            f"pages.write(): data[{name!r}] is a file's path or a hash of 64 digits, for example "
            f"lineage.content_hash(table); got {short(what)}."
        )
    return f"SHA-256 <code>{_files.content_hash(what)}</code>"


def _whole(title: str, contents: str, body: str, foot: str, lang: str) -> str:
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(lang)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escaped(title)}</h1>\n{contents}\n{body}\n</main>\n<footer>{foot}</footer>\n"
        "</body>\n</html>\n"
    )
