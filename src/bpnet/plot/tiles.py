"""First layers as images: what each unit or filter looks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, prod, sqrt
from typing import Any

import numpy as np

from bpnet.data.arrays import whole_number
from bpnet.nn.layer import Layer
from bpnet.plot.canvas import axes_on, shortened
from bpnet.plot.given import model_within

IN_A_ROW = 24
Chosen = Layer | str | int | None


def weights(
    model: Any, layer: Chosen = None, *, shape: Sequence[int] | None = None, most: int = 64, ax: Any = None
) -> Any:
    """The weights of each unit of a dense layer, laid out as its input: an image a unit, one scale for all.

    Light is above 0, dark below. `layer` is a layer of the model, its name, or its number in the model's graph; by
    default the first with weights (I, O). `shape` is that of the input as an image, (H, W) or (H, W, C); by default
    that of the model's input, or the square of I numbers. Where I is no square, the weights are one image (I, O).
    The first `most` units are shown.
    """
    found, w = _weights(model, layer, lambda array: array.ndim == 2, "weights (inputs, units)")
    inputs, units = w.shape
    if shape is None:
        shape = _image_shape(model_within(model), inputs)
    elif prod(shape) != inputs or len(shape) not in (2, 3):
        raise ValueError(f"shape: {tuple(shape)} was given, expected (H, W) or (H, W, C) of {inputs} numbers in all")
    if shape is None:
        return _matrix(found, w, ax)
    tiles = w[:, : whole_number("most", most)].reshape(*shape[:2], prod(shape[2:]), -1)
    title = f"{shortened(found)}: {_of(tiles.shape[3], units, 'units')} as images of {shape[0]}×{shape[1]}"
    return _draw(tiles, "unit", title, ax)


def filters(model: Any, layer: Chosen = None, *, most: int = 64, channels: int = 8, ax: Any = None) -> Any:
    """The kernels of a convolution, one scale for all: light is above 0, dark below.

    A row for each input channel, a column for each filter; those of one channel are laid out in a square. `layer` as in
    `weights`, by default the first convolution; in place of a model, an array (K, L, C, F) or (K, C, F). The first
    `channels` and the first `most` filters are shown, at most 24 of several channels.
    """
    if isinstance(model, np.ndarray):
        found, w = "", model
        if w.ndim not in (3, 4):
            raise ValueError(f"model: an array of shape {w.shape} came, expected kernels (K, L, C, F) or (K, C, F)")
    else:
        found, w = _weights(model, layer, lambda array: array.ndim in (3, 4), "kernels: a convolution")
    if w.ndim == 3:
        w = w[np.newaxis]
    whole_number("channels", channels)
    whole_number("most", most)
    if w.shape[-1] == 1 < w.shape[-2]:  # one kernel for each channel, as DepthwiseConv2D has them
        w = w.swapaxes(-1, -2)
    tiles = w[:, :, :channels, : most if w.shape[2] == 1 else min(most, IN_A_ROW)]
    of = f" on {_of(tiles.shape[2], w.shape[2], 'channels')}" if w.shape[2] > 1 else ""
    title = f"{_of(tiles.shape[3], w.shape[3], 'filters')} of {w.shape[0]}×{w.shape[1]}{of}"
    return _draw(tiles, "filter", f"{shortened(found)}: {title}" if found else title, ax)


def _weights(model: Any, layer: Chosen, fits: Callable[[Any], bool], wanted: str) -> tuple[str, np.ndarray]:
    """The name and the weights of the layer that was asked for, or of the first that fits."""
    network = model_within(model).network
    layers = network.graph.layers
    have = [number for number, p in enumerate(network.p) if hasattr(p, "w") and fits(p.w)]
    if layer is None:
        if not have:
            raise ValueError(f"model: no layer of it has {wanted}")
        number = have[0]
    else:
        places: list[object] = [other if isinstance(layer, Layer) else other.name for other in layers]
        if isinstance(layer, int) and not isinstance(layer, bool):
            places = list(range(len(layers)))
        if layer not in places or places.index(layer) not in have:
            names = [layers[number].name for number in have]
            raise ValueError(f"layer: {layer!r} was given, expected one with {wanted}: one of {names}")
        number = places.index(layer)
    return layers[number].name, model_within(model).backend.to_numpy(network.p[number].w)


def _image_shape(model: Any, inputs: int) -> Sequence[int] | None:
    """Of the model's input where it is an image of so many numbers, else of the square."""
    (first, *others) = model.network.graph.inputs
    if not others and len(first.shape) in (2, 3) and prod(first.shape) == inputs:
        return tuple(first.shape)
    side = round(sqrt(inputs))
    return (side, side) if side * side == inputs and side > 2 else None


def _of(shown: int, there: int, what: str) -> str:
    return f"{shown} {what if shown > 1 else what[:-1]}" if shown == there else f"the first {shown} of {there:,} {what}"


def _columns(many: int, shape: float) -> int:
    """How many stand in a row: a rectangle that is wider than high, with a full last row if that can be."""
    most = min(many, ceil(sqrt(1.4 * many * shape)))
    if many <= 8:
        return many
    return min(range(max(1, most - 2), most + 1), key=lambda columns: (-many % columns, -columns))


def _draw(tiles: np.ndarray, what: str, title: str, ax: Any) -> Any:
    """Tiles (H, W, C, F) in one image with gaps; a row a channel, or a rectangle where there is one channel."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    fine = ceil(10 / max(tiles.shape[:2]))
    tiles = tiles.repeat(fine, axis=0).repeat(fine, axis=1)  # so that gaps may be thinner than a weight
    high, wide, channels, many = tiles.shape
    columns = many if channels > 1 else _columns(many, high / wide)
    rows = channels if channels > 1 else -(-many // columns)
    gap = round(0.1 * max(high, wide))
    step, across = high + gap, wide + gap
    mosaic = np.full((rows * step - gap, columns * across - gap), np.nan)
    corners = []
    for position in range(channels * many):
        row, column = divmod(position, columns)
        channel, tile = (row, column) if channels > 1 else (0, position)
        mosaic[row * step :, column * across :][:high, :wide] = tiles[:, :, channel, tile]
        corners.append((column * across - 0.5, row * step - 0.5))
    scale = max(1.2, min(0.9 * columns, 8.0)) / columns
    ax = axes_on(ax, max(5.0, 2.3 + scale * columns), max(2.2, 1.0 + scale * rows * step / across))
    ax.set_facecolor("white")
    _image(ax, mosaic)
    frames = [Rectangle(corner, wide, high) for corner in corners]  # white is a weight too
    ax.add_collection(PatchCollection(frames, facecolors="none", edgecolors="black", linewidths=0.5))
    middle = [column * across + (wide - 1) / 2 for column in range(columns)]
    heights = [row * step + (high - 1) / 2 for row in range(rows)]
    ax.tick_params(length=0)
    if channels > 1:
        ax.set_xticks(middle, [str(number) for number in range(columns)])
        ax.set_yticks(heights, [str(channel) for channel in range(channels)])
        ax.set(xlabel=what, ylabel="channel")
    else:
        ax.set_xticks([])
        ax.set_yticks(heights, [_range(row * columns, min(many, (row + 1) * columns) - 1) for row in range(rows)])
        ax.set_ylabel(f"{what}s, from left to right")
    ax.set(xlim=(-1.5, mosaic.shape[1] + 0.5), ylim=(mosaic.shape[0] + 0.5, -1.5))
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    return ax.get_figure()


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} – {last}"


def _matrix(name: str, w: np.ndarray, ax: Any) -> Any:
    """The weights as they are: a row an input, a column a unit."""
    inputs, units = w.shape
    ax = axes_on(ax, float(np.clip(1.8 + 0.3 * units, 4.5, 11)), float(np.clip(1.2 + 0.3 * inputs, 2.6, 9)))
    _image(ax, w).set_aspect("auto")
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_major_locator().set_params(integer=True)
    ax.set(xlabel="unit", ylabel="input", title=f"{shortened(name)}: weights {inputs} × {units}")
    return ax.get_figure()


def _image(ax: Any, values: np.ndarray) -> Any:
    """0 is in the middle of the scale, whose lightness grows evenly."""
    largest = float(np.nanmax(np.abs(values))) or 1.0
    image = ax.imshow(values, cmap="gray", vmin=-largest, vmax=largest, interpolation="nearest")
    ax.get_figure().colorbar(image, ax=ax, fraction=0.05, pad=0.02).set_label("weight")
    return ax
