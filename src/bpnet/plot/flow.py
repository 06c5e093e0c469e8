"""How large the gradient is, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np

from bpnet.data import samples
from bpnet.data.random import generator
from bpnet.nn.network import Network
from bpnet.plot.canvas import figure_on, name_ticks, shortened
from bpnet.plot.given import model_within
from bpnet.training.objective import Objective


@dataclass(frozen=True)
class Gradient:
    """Of one layer's parameters θ and their gradient g, all arrays of it together."""

    layer: str
    mean: float
    """The mean of |gᵢ|."""
    largest: float
    """max |gᵢ|."""
    relative: float
    """‖g‖ / ‖θ‖; NaN where θ is 0."""


def gradients_by_layer(model: Any, x: Any, y: Any, sample_weight: Any = None) -> list[Gradient]:
    """The gradient of the loss on all of x and y, penalty included, of each layer that has parameters, in their order.

    In training mode, at the present weights; nothing of the model is changed.
    """
    model = model_within(model)
    data = samples.checked(model.expected(x), x, y, sample_weight)
    backend, own = model.backend, model.network
    network = Network(own.graph, backend, model.dtype, lambda *_: generator(0))
    network.theta[...], network.state[...], network.keys[...] = own.theta, own.state, own.keys
    Objective(network, model.terms).value_and_gradient(*model.put(data))
    theta, grad = (np.asarray(backend.to_numpy(v), dtype=np.float64) for v in (network.theta, network.grad))
    found = []
    for number, layer in enumerate(network.graph.layers):
        places = [place for place in network.layout.places if place.layer == number]
        if not places:
            continue
        g, of = (np.concatenate([vector[place.start : place.stop] for place in places]) for vector in (grad, theta))
        size = float(np.linalg.norm(of))
        relative = float(np.linalg.norm(g)) / size if size else float("nan")
        found.append(Gradient(layer.name, float(np.abs(g).mean()), float(np.abs(g).max()), relative))
    if not found:
        raise ValueError("model: no layer of it has parameters, expected one at least")
    return found


def gradient_flow(model: Any, x: Any, y: Any, *, sample_weight: Any = None, figure: Any = None) -> Any:
    """The mean and the largest |gradient| of each layer on x and y, and ‖g‖ / ‖θ‖; the first layer is on top.

    A mean that falls by orders of magnitude towards the top is a gradient that vanishes. The model must be compiled; it
    is not changed.
    """
    found = gradients_by_layer(model, x, y, sample_weight)
    figure = figure_on(figure, 9.5, max(2.8, 1.5 + 0.26 * len(found)))
    left, right = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(found))
    means, largest = [g.mean for g in found], [g.largest for g in found]
    left.hlines(rows, _shown(means), _shown(largest), color="0.6", linewidth=1.0, zorder=1)
    ratios = [g.relative for g in found]
    left.plot(_shown(means), rows, "o", color="black", label="mean")
    left.plot(_shown(largest), rows, ">", color="black", markerfacecolor="white", label="largest")
    right.plot(_shown(ratios), rows, "s", color="black")
    _decades(left, [*means, *largest])
    _decades(right, ratios)
    _notes(left, largest, "gradient 0")
    _notes(right, ratios, "parameters 0")
    left.set_xlabel("|gradient|")
    right.set_xlabel("‖gradient‖ / ‖parameters‖")
    name_ticks(left.yaxis, [shortened(g.layer) for g in found], fontsize=9 if len(found) < 60 else 6)
    left.set_ylim(len(found) - 0.5, -0.5)
    for axis in (left, right):
        axis.grid(axis="both", alpha=0.3)
    handles, names = left.get_legend_handles_labels()
    left.legend(handles, names, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, frameon=False)
    return figure


def _shown(values: Sequence[float]) -> np.ndarray:
    """0 and NaN have no place on a logarithmic axis."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(array > 0, array, np.nan)


def _decades(axis: Any, values: Sequence[float]) -> None:
    """A logarithmic axis of whole decades, one at least."""
    shown = _shown(values)
    if not np.isfinite(shown).any():
        axis.set_xticks([])
        return
    low, high = floor(np.nanmin(np.log10(shown)) - 0.02), ceil(np.nanmax(np.log10(shown)) + 0.02)
    axis.set_xscale("log")
    axis.set_xlim(10.0**low, 10.0**high)
    axis.xaxis.set_minor_formatter("")


def _notes(axis: Any, values: Sequence[float], missing: str) -> None:
    """Words for what has no place on the axis."""
    for row, value in enumerate(values):
        if not value > 0:
            text = "0" if value == 0 else missing
            axis.annotate(text, (0.015, row), xycoords=("axes fraction", "data"), va="center", fontsize=8)
