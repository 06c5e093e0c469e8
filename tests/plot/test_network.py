"""`network`: every layer has its box, boxes do not overlap, arrows lead from input to output."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from bpnet import Add, Concatenate, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D, Model, Sequential
from bpnet.plot import network
from bpnet.plot.layout import rows_of
from looks import assert_readable


def boxes(figure):
    return [p for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch)]


def arrows(figure):
    return [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]


def inside(box, x, y, slack=0.0):
    left, top = box.get_x() + slack, box.get_y() + slack
    right, bottom = box.get_x() + box.get_width() - slack, box.get_y() + box.get_height() - slack
    return left <= x <= right and top <= y <= bottom


def in_boxes(figure):
    """The texts in each box, joined."""
    texts = figure.axes[0].texts
    return ["|".join(t.get_text() for t in texts if inside(box, *t.get_position())) for box in boxes(figure)]


def edges(figure):
    """(from, to) of each arrow, as numbers of boxes: it begins on the rim of one and ends on that of another."""
    found = []
    for arrow in arrows(figure):
        path = arrow.get_path() if arrow._path_original is None else arrow._path_original
        ends = [
            next(i for i, box in enumerate(boxes(figure)) if inside(box, *point, slack=-0.01))
            for point in (path.vertices[0], path.vertices[-1])
        ]
        found.append(tuple(ends))
    return sorted(found)


def branches():
    left, right = Input((8,), name="left"), Input((8,), name="right")
    tower = Dense(16, "tanh")
    a, b = tower(left), tower(right)
    h = Add()([a, Dense(16, "relu")(a)])
    same = Dense(1, "sigmoid", name="same")(Concatenate()([h, b]))
    return Model([left, right], [same, Dense(1, name="size")(h)], backend="numpy")


def densely_connected():
    first = Input((32,))
    outputs = [first]
    for _ in range(5):
        outputs.append(Dense(32, "relu")(Concatenate()(outputs) if len(outputs) > 1 else first))
    return Model(first, Dense(1)(outputs[-1]), backend="numpy")


def chain(layers):
    hidden = [Dense(32, "sigmoid") for _ in range(layers - 1)]
    return Sequential([Input((64,)), *hidden, Dense(10, "softmax")], backend="numpy")


MODELS = {"branches": branches, "dense": densely_connected, "2": lambda: chain(2), "40": lambda: chain(40)}


@pytest.mark.parametrize("name", MODELS)
def test_arrows_are_the_graph_s_and_nothing_is_hidden(name):
    model = MODELS[name]()
    figure = network(model)
    nodes = model.network.graph.nodes
    texts, drawn = in_boxes(figure), boxes(figure)
    assert len(drawn) == len(nodes)
    kinds = sorted(type(node.layer).__name__ if node.layer else "Input" for node in nodes)
    assert sorted(text.split("|")[0].split()[0] for text in texts) == kinds
    degrees = sorted((len({id(x) for x in node.inputs}), len(model.network.graph.readers(node))) for node in nodes)
    found = edges(figure)
    assert degrees == sorted((sum(e[1] == i for e in found), sum(e[0] == i for e in found)) for i in range(len(nodes)))
    for one, other in combinations(drawn, 2):
        apart = abs(one.get_x() + one.get_width() / 2 - other.get_x() - other.get_width() / 2)
        apart_y = abs(one.get_y() + one.get_height() / 2 - other.get_y() - other.get_height() / 2)
        wide, high = (one.get_width() + other.get_width()) / 2, (one.get_height() + other.get_height()) / 2
        assert apart > wide or apart_y > high
    assert_readable(figure)
    assert len(figure.axes[0].texts) == sum(text.count("|") + 1 for text in texts) + 1  # the title, and none outside


@pytest.mark.parametrize("name", MODELS)
def test_no_arrow_crosses_a_box(name):
    """Along each arrow, points are inside no box, but for its ends, which touch the rims."""
    figure = network(MODELS[name]())
    for arrow in arrows(figure):
        path = arrow._path_original.interpolated(1)
        points = np.concatenate(path.to_polygons(closed_only=False))
        for x, y in points[1:-1]:
            assert not any(inside(box, x, y, slack=0.01) for box in boxes(figure))


def test_what_the_boxes_say():
    layers = [Conv2D(4, 5, 2, activation="tanh"), MaxPooling2D(2), Flatten(), Dropout(0.25), Dense(10, name="digit")]
    figure = network(Sequential([Input((28, 28, 1)), *layers], backend="numpy"))
    assert in_boxes(figure) == [
        "Input|28×28×1",
        "Conv2D 5×5 stride 2×2 tanh|12×12×4 · 104 parameters",
        "MaxPooling2D 2×2|6×6×4",
        "Flatten|144",
        "Dropout 0.25|144",
        "Dense|digit|10 · 1,450 parameters",
    ]
    assert figure.axes[0].texts[0].get_text() == "1,554 parameters in 5 layers"
    assert boxes(figure)[-1].get_linewidth() > boxes(figure)[0].get_linewidth()  # the output


def test_a_shared_layer_s_parameters_are_counted_once():
    figure = network(branches())
    texts = in_boxes(figure)
    again = next(i for i, text in enumerate(texts) if "the same weights" in text)
    assert sum("144 parameters" in text for text in texts) == 1
    assert boxes(figure)[again].get_linestyle() == "--"
    assert {"Input left|8", "Dense sigmoid|same|1 · 33 parameters"} < set(texts)


def test_a_tall_network_is_folded():
    figure = network(chain(40))
    assert figure.get_figheight() < 10
    assert len({round(box.get_x() + box.get_width() / 2, 3) for box in boxes(figure)}) == 4


def test_a_box_stands_below_all_that_it_needs():
    assert rows_of(5, [(0, 1), (1, 2), (0, 2), (3, 4), (2, 4)]) == [0, 1, 2, 2, 3]


def test_letters_shrink_with_the_axes():
    figure = Figure(figsize=(4, 3), layout="constrained")
    left, _ = figure.subplots(1, 2)
    assert network(chain(5), ax=left) is figure
    assert_readable(figure)
