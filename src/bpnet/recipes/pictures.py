"""Pictures of a run. Each function returns one that draws on an empty matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np

from bpnet.recipes.recipe import Draw
from bpnet.training.history import History


def loss_curve(history: History, *, steps_each: int | None = None, log: bool = False) -> Draw:
    """The loss, and the accuracy below it where there is one; held-out curves are dashed.

    Against epochs, or against steps where an entry is the mean of `steps_each` of them.
    """

    def draw(figure: Any) -> None:
        curves = history.history
        rows = [name for name in ("loss", "accuracy") if name in curves]
        axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        steps = (np.arange(len(curves["loss"])) + 1) * (steps_each or 1)
        for axis, name in zip(axes, rows, strict=True):
            axis.plot(steps, curves[name], "-", color="black", label="training")
            if f"val_{name}" in curves:
                axis.plot(steps, curves[f"val_{name}"], "--", color="tab:blue", label="held out")
                axis.legend()
            axis.set_ylabel(name)
            axis.grid(alpha=0.3)
        if log:
            axes[0].set_yscale("log")
        axes[-1].set_xlabel("step" if steps_each else "epoch")
        axes[-1].xaxis.get_major_locator().set_params(integer=True)

    return draw


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, classes: int) -> Draw:
    """How often each class was taken for each other; the numbers stand in the cells."""
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (actual, predicted), 1)

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        axis.imshow(np.log1p(counts), cmap="Greys")
        for row, column in np.argwhere(counts):
            dark = counts[row, column] > np.expm1(np.log1p(counts.max()) / 2)
            axis.text(column, row, counts[row, column], ha="center", va="center", color="white" if dark else "black")
        axis.set_xticks(range(classes))
        axis.set_yticks(range(classes))
        axis.set_xlabel("predicted")
        axis.set_ylabel("actual")
        axis.set_title(f"{int((actual == predicted).sum())} of {len(actual)} right")

    return draw


def misread(images: np.ndarray, actual: np.ndarray, predicted: np.ndarray, most: int = 24) -> Draw:
    """The images that were misread, with what they are and what they were taken for."""
    wrong = np.flatnonzero(actual != predicted)[:most]

    def draw(figure: Any) -> None:
        columns = max(1, ceil(sqrt(1.5 * len(wrong))))
        rows = max(1, -(-len(wrong) // columns))
        figure.suptitle(f"{int((actual != predicted).sum())} of {len(actual)} misread, {len(wrong)} of them shown")
        for axis in (axes := figure.subplots(rows, columns, squeeze=False)).flat:
            axis.axis("off")
        for axis, index in zip(axes.flat, wrong, strict=False):
            axis.imshow(images[index], cmap="gray_r")
            axis.set_title(f"{actual[index]} read as {predicted[index]}", fontsize=10)

    return draw


def filters(w: np.ndarray) -> Draw:
    """The kernels w (K, L, C, F) of a convolution: blue below 0, red above, one scale for all.

    A row for each input channel, a column for each filter; those of a single channel are laid out in a square.
    """
    many, (channels, each) = w.shape[2] * w.shape[3], w.shape[2:]
    rows, columns = (channels, each) if channels > 1 else (-(-each // ceil(sqrt(each))), ceil(sqrt(each)))
    kernels = w.reshape(*w.shape[:2], many)

    def draw(figure: Any) -> None:
        largest = float(np.abs(w).max()) or 1.0
        figure.suptitle(f"{each} filters of {w.shape[0]}×{w.shape[1]} on {channels} channel{'s' * (channels > 1)}")
        for axis in (axes := figure.subplots(rows, columns, squeeze=False)).flat:
            axis.axis("off")
        for number, axis in zip(range(many), axes.flat, strict=False):
            image = axis.imshow(kernels[..., number], cmap="RdBu_r", vmin=-largest, vmax=largest)
        figure.colorbar(image, ax=axes)

    return draw


def variants(images: np.ndarray, changed: Sequence[np.ndarray]) -> Draw:
    """Images (N, H, W) and beside each what an epoch made of it, one (N, H, W) a column; each has greys of its own."""

    def draw(figure: Any) -> None:
        axes = figure.subplots(len(images), 1 + len(changed), squeeze=False)
        for column, part in enumerate((images, *changed)):
            axes[0, column].set_title(f"epoch {column}" if column else "image", fontsize=10)
            for axis, image in zip(axes[:, column], part, strict=True):
                axis.imshow(image, cmap="gray_r")
                axis.axis("off")

    return draw


def curves(x: np.ndarray, lines: Sequence[tuple[str, np.ndarray, str]], *, xlabel: str, ylabel: str) -> Draw:
    """Named lines over x; a style of "." draws points."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        for name, values, style in lines:
            axis.plot(x, values, style, label=name)
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel)
        axis.legend()
        axis.grid(alpha=0.3)

    return draw
