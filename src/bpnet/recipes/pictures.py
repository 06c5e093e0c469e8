"""Pictures of a run. Each function returns one that draws on an empty matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np

from bpnet import plot
from bpnet.recipes.recipe import Draw
from bpnet.training.history import History


def loss_curve(history: History, *, steps_each: int | None = None, log: bool = False) -> Draw:
    """`bpnet.plot.loss_curves` of the run."""
    return lambda figure: plot.loss_curves(history, figure=figure, log=log, steps_each=steps_each)


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, classes: int) -> Draw:
    """`bpnet.plot.confusion_matrix` of classes 0, 1, …."""
    return lambda figure: plot.confusion_matrix(actual, predicted, range(classes), ax=figure.subplots())


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
    """`bpnet.plot.filters` of the kernels w (K, L, C, F) of a convolution."""
    return lambda figure: plot.filters(w, ax=figure.subplots())


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
