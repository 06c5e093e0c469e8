"""A network as a diagram."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod, sqrt
from typing import Any

from bpnet.nn.graph import Graph, Node
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network
from bpnet.plot.canvas import axes_on, new_figure, shortened
from bpnet.plot.given import model_within
from bpnet.plot.layout import Item, breaks, placed

SIZE = 8.5
"""Points of the letters."""
LINE, RIM = 0.15, 0.07
"""Inches: the height of a line of text, and the room around it."""
BETWEEN_ROWS, BETWEEN_BOXES, BETWEEN_COLUMNS = 0.26, 0.2, 0.55
HIGHEST = 9.0
"""Inches after which a diagram is folded."""


@dataclass(frozen=True)
class Label:
    """What stands in a box: its lines, of which the first is bold."""

    lines: tuple[str, ...]
    kind: str
    """`input`, `weights`, `plain`, or `again` for a further use of a layer."""
    output: bool

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of its box in inches."""
        width = max(_width(line, bold=number == 0) for number, line in enumerate(self.lines))
        return max(1.1, width + 3 * RIM), LINE * len(self.lines) + 2 * RIM


def network(model: Any, *, ax: Any = None) -> Any:
    """Each layer as a box with its kind, the shape of its output (without the batch axis) and its parameters' number.

    Data flow downwards; a tall network is folded into columns, from left to right. Grey boxes have parameters, round
    ones are inputs, thick frames are outputs. A layer that is used again has a dashed frame there, its parameters
    counted once. A layer's name stands in its box where the user gave it, or where it is used again.

    >>> from bpnet import Dense, Input, Sequential
    >>> figure = network(Sequential([Input((64,)), Dense(128, "relu"), Dense(10, "softmax")]))
    >>> [text.get_text() for text in figure.axes[0].texts]  # doctest: +NORMALIZE_WHITESPACE
    ['9,610 parameters in 2 layers', 'Input', '64', 'Dense relu', '128 · 8,320 parameters',
     'Dense softmax', '10 · 1,290 parameters']
    """
    net = model_within(model).network
    graph = net.graph
    labels = [_label(net, node) for node in graph.nodes]
    place = {id(node): number for number, node in enumerate(graph.nodes)}
    edges = list(dict.fromkeys((place[id(x)], place[id(node)]) for node in graph.nodes for x in node.inputs))
    rows, ways = placed([label.size for label in labels], edges, BETWEEN_BOXES)
    sheet = _Sheet(rows)
    title = f"{net.layout.size:,} parameters in {len(graph.layers)} layer{'s' * (len(graph.layers) > 1)}"
    width, height = max(sheet.width, _width(title) + 0.2), sheet.height
    ax = _whole_figure(width, height) if ax is None else axes_on(ax, width, height)
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_aspect("equal")
    ax.axis("off")
    box, figure = ax.get_position(), ax.get_figure()
    inches = box.width * figure.get_figwidth() / width, box.height * figure.get_figheight() / height
    size = SIZE * min(1.0, *inches)
    ax.text(0.1, 0.22, title, fontsize=size, va="center", gid="title")
    for (_, target), way in ways.items():
        ports = sorted((other for (_, end), other in ways.items() if end == target), key=lambda w: w[-2].x)
        _arrow(ax, sheet, way, _port(ports.index(way), len(ports), way[-1].width))
    for row in rows:
        for item in row:
            if item.box is not None:
                _box(ax, sheet.middle(item), item, labels[item.box], size)
    return figure


def _whole_figure(width: float, height: float) -> Any:
    """Axes that fill a figure, so that an inch of the layout is one."""
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    return figure.add_axes((0.0, 0.0, 1.0, 1.0))


def _label(net: Network, node: Node) -> Label:
    graph = net.graph
    shape = "×".join(map(str, node.shape))
    if node.layer is None:
        named = node.name or len(graph.inputs) > 1
        return Label((f"Input {shortened(graph.name_of(node))}" if named else "Input", shape), "input", False)
    layer, uses = node.layer, graph.uses(node.layer)
    number = graph.layers.index(layer)
    count = sum(prod(place.parameter.shape) for place in net.layout.places if place.layer == number)
    again = uses.index(node) > 0
    lines = [" ".join([type(layer).__name__, *_details(layer)]), shape]
    if count:
        lines[1] += " · the same weights" if again else f" · {count:,} parameters"
    if layer.is_named or (len(uses) > 1 and count) or (node in graph.outputs and len(graph.outputs) > 1):
        lines.insert(1, shortened(layer.name))
    return Label(tuple(lines), "again" if again and count else "weights" if count else "plain", _is_output(graph, node))


def _is_output(graph: Graph, node: Node) -> bool:
    return node in graph.outputs


def _details(layer: Layer) -> list[str]:
    """The settings that tell one layer of a kind from another."""
    found = []
    for name in ("kernel_size", "pool_size", "size"):
        if isinstance(value := getattr(layer, name, None), tuple):
            found.append("×".join(map(str, value)))
    strides = getattr(layer, "strides", 1)
    if hasattr(layer, "kernel_size") and strides not in (1, (1, 1), (1,)):
        found.append(f"stride {strides if isinstance(strides, int) else '×'.join(map(str, strides))}")
    if isinstance(rate := getattr(layer, "rate", None), float):
        found.append(f"{rate:g}")
    last = layer.activation.name if layer.activation is not None else "linear"
    return found if last in ("linear", type(layer).__name__.lower()) else [*found, shortened(last)]


@cache
def _width(text: str, *, bold: bool = False) -> float:
    """Inches of a line of text."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(size=SIZE, weight="bold" if bold else "normal")
    return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0]) / 72


class _Sheet:
    """Where the rows of a layout come to stand, folded into columns."""

    def __init__(self, rows: list[list[Item]]) -> None:
        self.heights = [max(item.height for item in row) for row in rows]
        lefts = [min(item.x - item.width / 2 for item in row) for row in rows]
        rights = [max(item.x + item.width / 2 for item in row) for row in rows]
        steps = [height + BETWEEN_ROWS for height in self.heights]
        across = max(rights) - min(lefts) + BETWEEN_COLUMNS
        columns = 1 if sum(steps) <= HIGHEST else max(1, round(sqrt(0.9 * sum(steps) / across)))
        self.firsts = breaks(rows, steps, columns)
        self.shifts: list[float] = []
        self.tops: list[float] = []
        self.gutters: list[float] = []
        x = 0.15
        for first, stop in zip(self.firsts, [*self.firsts[1:], len(rows)], strict=True):
            self.gutters.append(x - BETWEEN_COLUMNS / 2)
            left, right = min(lefts[first:stop]), max(rights[first:stop])
            y = 0.55
            for row in range(first, stop):
                self.shifts.append(x - left)
                self.tops.append(y)
                y += steps[row]
            x += right - left + BETWEEN_COLUMNS
        self.width = x - BETWEEN_COLUMNS + 0.15
        self.height = max(t + h for t, h in zip(self.tops, self.heights, strict=True)) + 0.15
        if len(self.firsts) > 1:
            self.height += 0.15
        self._lanes = [0] * len(rows)

    def middle(self, item: Item) -> tuple[float, float]:
        """Of a box, or of where a line passes."""
        return item.x + self.shifts[item.row], self.tops[item.row] + self.heights[item.row] / 2

    def lane(self, row: int) -> float:
        """How far the next line that leads over to the column of `row` keeps from those before."""
        self._lanes[row] += 1
        return 0.07 * (self._lanes[row] - 1)


def _port(number: int, many: int, width: float) -> float:
    """Where, right of its middle, the line with that number comes into a box."""
    return (number - (many - 1) / 2) * min(0.35, width / (many + 1))


def _arrow(ax: Any, sheet: _Sheet, way: Sequence[Item], port: float) -> None:
    """Straight down past the rows, bent between them, around where a column ends."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    x, y = sheet.middle(way[0])
    points, codes = [(x, y + way[0].height / 2)], [Path.MOVETO]

    def line(*more: tuple[float, float]) -> None:
        points.extend(more)
        codes.extend([Path.LINETO] * len(more))

    for upper, lower in itertools.pairwise(way):
        x, _ = sheet.middle(upper)
        last = lower is way[-1]
        goal, middle = sheet.middle(lower)
        goal += port if last else 0.0
        bottom, top = sheet.tops[upper.row] + sheet.heights[upper.row], sheet.tops[lower.row]
        line((x, bottom))
        if lower.row in sheet.firsts:
            off = sheet.lane(lower.row)
            gutter = sheet.gutters[sheet.firsts.index(lower.row)] + off
            line((x, bottom + 0.1 + off), (gutter, bottom + 0.1 + off))
            line((gutter, top - 0.16 - off), (goal, top - 0.16 - off), (goal, top))
        else:
            half = (bottom + top) / 2
            points.extend([(x, half), (goal, half), (goal, top)])
            codes.extend([Path.CURVE4] * 3)
        if last and middle - lower.height / 2 > top:
            line((goal, middle - lower.height / 2))
    style: dict[str, Any] = {
        "arrowstyle": "-|>",
        "mutation_scale": 9,
        "color": "0.25",
        "linewidth": 1.0,
        "joinstyle": "round",
    }
    ax.add_patch(FancyArrowPatch(path=Path(points, codes), shrinkA=0, shrinkB=0, zorder=1, **style))


FILLS = {"input": "white", "plain": "white", "weights": "0.88", "again": "0.88"}


def _box(ax: Any, middle: tuple[float, float], item: Item, label: Label, size: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), width, height = middle, item.width, item.height
    rounding = min(0.2, height / 2 - 0.01) if label.kind == "input" else 0.03
    style: dict[str, Any] = {
        "linewidth": 2.2 if label.output else 1.0,
        "linestyle": "--" if label.kind == "again" else "-",
    }
    corner = x - width / 2, y - height / 2
    shape = f"round,pad=0,rounding_size={rounding}"
    ax.add_patch(FancyBboxPatch(corner, width, height, shape, fc=FILLS[label.kind], ec="black", zorder=2, **style))
    for number, text in enumerate(label.lines):
        at = y + (number - (len(label.lines) - 1) / 2) * LINE
        weight = "bold" if number == 0 else "normal"
        ax.text(x, at, text, ha="center", va="center", fontsize=size, weight=weight, parse_math=False, zorder=3)
