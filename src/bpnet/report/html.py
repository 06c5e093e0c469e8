"""HTML as a tree of elements: text and attributes are escaped when the tree is written, never by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element, tostring

Content = str | Element
"""Text, or an element."""

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What may not stand in a page, even escaped."""


ALLOWED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""To the browser: nothing is fetched, and nothing runs."""


def element(tag: str, /, *parts: Content, **attributes: str) -> Element:
    """`<tag attributes>content</tag>`; an attribute `class_` is `class`."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): plain(value) for name, value in attributes.items()})
    for part in parts:
        if isinstance(part, Element):
            made.append(part)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + plain(part)
        else:
            made.text = (made.text or "") + plain(part)
    return made


def plain(text: str) -> str:
    """The text without control characters."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def short(text: str, most: int = 40) -> str:
    """A name for a cell or a label: one line, cut off after `most` characters."""
    text = plain(" ".join(text.split()))
    return text if len(text) <= most else text[: most - 1] + "…"


def table(head: Sequence[str], rows: Iterable[Sequence[Content]], *, numbers: Sequence[int] = ()) -> Element:
    """A table that scrolls where the page is narrow; columns in `numbers` stand on the right."""
    kinds = [{"class_": "number"} if index in numbers else {} for index in range(len(head))]
    top = element("tr", *(element("th", name, scope="col", **kind) for name, kind in zip(head, kinds, strict=True)))
    body = [
        element("tr", *(element("td", cell, **kind) for cell, kind in zip(row, kinds, strict=True))) for row in rows
    ]
    return wide(element("table", element("thead", top), element("tbody", *body)))


def wide(content: Element) -> Element:
    """Let it scroll sideways, by keyboard too, where the page is narrower."""
    return element("div", content, class_="wide", tabindex="0")


def facts(pairs: Iterable[tuple[str, Content]]) -> Element:
    """Names and what they are."""
    return element("dl", *(part for name, value in pairs for part in (element("dt", name), element("dd", value))))


def section(title: str, *content: Content) -> Element:
    """A part of the page under a heading."""
    return element("section", element("h2", title), *content)


def page(title: str, *content: Content) -> str:
    """The whole file, with its style; it asks for nothing from elsewhere."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=ALLOWED),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", files("bpnet.report").joinpath("style.css").read_text(encoding="utf-8")),
    )
    tree = element("html", head, element("body", element("main", *content)), lang="en")
    return "<!DOCTYPE html>\n" + tostring(tree, encoding="unicode", method="html") + "\n"
