"""A matplotlib figure as an SVG element of a page, in the page's own colours, light or dark."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from bpnet.report.html import element

INK, GRID, FIRST, SECOND, THIRD = "#010203", "#010204", "#010205", "#010206", "#010207"
"""Colours to draw in; the page decides what they are."""

THEME = {
    INK: "currentColor",
    GRID: "var(--rule)",
    FIRST: "var(--first)",
    SECOND: "var(--second)",
    THIRD: "var(--third)",
}
POINTS = "#3f8fdd"
"""Of points that are drawn as pixels, whose colour cannot follow the page: seen on white and on black."""

SIZE = (4.8, 3.6)
"""Inches; at a phone's width its text is still as large as it was meant."""

STYLE = {
    "axes.axisbelow": True,  # the grid is behind bars and points
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "grid.color": GRID,
    "legend.edgecolor": GRID,
    "legend.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text stays text: it can be searched, and read aloud
    "text.color": INK,
    "text.parse_math": False,  # a column may be called "price in $"
    "xtick.color": INK,
    "ytick.color": INK,
}


def picture(draw: Callable[[Any], None], title: str, number: int) -> Element:
    """What `draw` makes of an empty figure, under `title`; `number` sets it apart from the others of the page."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style: Any = {**STYLE, "svg.hashsalt": f"bpnet {number}"}
    with rc_context(style), warnings.catch_warnings():
        # The browser has letters that matplotlib's font has not.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure = Figure(figsize=SIZE, dpi=160, layout="constrained")
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = _themed(fromstring(buffer.getvalue()), f"p{number}-")
    svg.set("role", "img")
    svg.set("aria-label", title)
    return element("figure", element("figcaption", title), svg)


def _themed(svg: Element, prefix: str) -> Element:
    """Without namespaces, which HTML does not have; ids of its own; colours of the page."""
    for node in svg.iter():
        node.tag = node.tag.rpartition("}")[2]
        for name, value in list(node.attrib.items()):
            del node.attrib[name]
            node.set(name.rpartition("}")[2], _replaced(name.rpartition("}")[2], value, prefix))
        for child in [child for child in node if child.tag.endswith("}metadata")]:
            node.remove(child)
    for size in ("width", "height"):
        del svg.attrib[size]
    return svg


def _replaced(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return prefix + value
    if name == "href" and value.startswith("#"):
        return "#" + prefix + value[1:]
    for colour, own in THEME.items():
        value = value.replace(colour, own)
    return value.replace("url(#", f"url(#{prefix}")


def each(drawn: Mapping[str, Callable[[Any], None]], first: int) -> Iterator[Element]:
    """A figure for each title, numbered from `first`."""
    for number, (title, draw) in enumerate(drawn.items(), first):
        yield picture(draw, title, number)
