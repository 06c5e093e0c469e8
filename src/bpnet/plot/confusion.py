"""What each class was taken for."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from bpnet.plot.canvas import axes_on, name_ticks, shortened
from bpnet.plot.given import same_length

CELL = 0.42
"""Inches of a cell, where the figure is a new one."""
SMALLEST, LARGEST = 4.5, 10.0
"""The sizes of the numbers in the cells, in points; where they would be smaller, there are none."""
LETTER = 0.08
"""Inches of a letter of a name."""
SUMS: dict[str, Any] = {"true": 1, "pred": 0, "all": (0, 1)}


def confusion_matrix(
    y_true: Any, y_predicted: Any, labels: Sequence[Any] | None = None, normalize: str | None = None, *, ax: Any = None
) -> Any:
    """How often each class (row) was taken for each other (column); the darker, the more often. No number means
    never, or a share below 0.005.

    y_true and y_predicted have a class for each sample, (N,). `labels` are the classes to show, in that order; where y
    has whole numbers from 0 and `labels` other things, they name class 0, 1, …. `normalize` divides by the sums of the
    rows ("true"), of the columns ("pred"), or of everything ("all").

    >>> confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"]).axes[0].get_title()
    '3 of 4 right (75.0%)'
    """
    true, predicted = _classes("y_true", y_true), _classes("y_predicted", y_predicted)
    same_length(true, predicted)
    rows, columns, names = _numbered(true, predicted, labels)
    if normalize is not None and normalize not in SUMS:
        raise ValueError(f"normalize: {normalize!r} was given, expected 'true', 'pred', 'all' or None")
    counts = np.zeros((len(names), len(names)))
    np.add.at(counts, (rows, columns), 1)
    right = int(np.trace(counts))
    shown, texts = counts, np.char.mod("%d", counts)
    if normalize is not None:
        sums = counts.sum(SUMS[normalize], keepdims=True)
        shown = np.divide(counts, sums, out=np.zeros_like(counts), where=sums > 0)
        texts = np.char.mod("%.2f", shown)
    side = min(16.0, 2.4 + CELL * len(names))
    longest = max(map(len, names))
    ax = axes_on(ax, max(4.5, side + 0.08 * longest), max(4.0, side - 0.4 + 0.08 * longest))
    _draw(ax, shown, texts, names, counted=normalize is None)
    ax.set_title(f"{right:,} of {len(true):,} right ({right / len(true):.1%})")
    return ax.get_figure()


def _draw(ax: Any, shown: np.ndarray, texts: np.ndarray, names: list[str], *, counted: bool) -> None:
    depth = np.log1p(shown) if counted else np.sqrt(shown)  # rare confusions are to be seen
    image = ax.imshow(depth, cmap="gray_r", vmin=0.0, vmax=float(depth.max()) * 1.15)
    room, letters = _room(ax, len(names), max(map(len, names)))
    names = [shortened(name, letters) for name in names]
    filled = np.argwhere((shown > 0) & (texts != "0.00"))
    longest = max((len(texts[tuple(cell)]) for cell in filled), default=1)
    size = min(LARGEST, 72 * room / (0.75 * longest))
    if size >= SMALLEST:
        for row, column in filled:
            dark = depth[row, column] > 0.5 * depth.max()
            style = {"ha": "center", "va": "center", "color": "white" if dark else "black", "fontsize": size}
            ax.text(column, row, texts[row, column], **style)
    else:
        bar = ax.get_figure().colorbar(image, ax=ax)
        bar.set_label("log(1 + samples)" if counted else "square root of the share")
    small = min(10.0, max(4.0, 60 * room))
    wide = max(map(len, names)) * 0.62 * small > 65 * room
    every = max(1, ceil(1.3 * small / (72 * room)))  # of very many classes not all names are shown
    name_ticks(ax.xaxis, names, every, fontsize=small, rotation=90 if wide or every > 1 else 0)
    name_ticks(ax.yaxis, names, every, fontsize=small)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")


def _room(ax: Any, classes: int, longest: int) -> tuple[float, int]:
    """Inches of a cell, and how many letters of the names there is room for beside the cells."""
    box, figure = ax.get_position(), ax.get_figure(root=True)
    side = min(box.width * figure.get_figwidth(), box.height * figure.get_figheight()) * 1.2  # with its margins
    for_names = min(LETTER * longest, 0.45 * side)
    return (side - for_names - 0.6) / classes, max(6, int(for_names / LETTER))


def _classes(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not len(array):
        raise ValueError(
            f"{name}: shape {array.shape} came, expected a class for each sample, (N,). Mend: {name}.argmax(axis=1) of "
            "probabilities and one-hot rows"
        )
    if array.dtype.kind == "f" and not (array == np.round(array)).all():
        raise ValueError(f"{name}: fractions came, expected classes. Mend: ({name} > 0.5).astype(int) of probabilities")
    return array.astype(np.int64) if array.dtype.kind in "fb" else array


def _numbered(
    true: np.ndarray, predicted: np.ndarray, labels: Sequence[Any] | None
) -> tuple[list[int], list[int], list[str]]:
    """The row and the column of each sample, and the names of the classes."""
    found = set(true.tolist()) | set(predicted.tolist())
    whole = all(isinstance(value, int) and value >= 0 for value in found)
    if labels is None:
        kinds = {type(value) for value in found}
        labels = sorted(found) if len(kinds) == 1 else sorted(found, key=str)
    labels = list(labels.tolist() if isinstance(labels, np.ndarray) else labels)
    if len(set(labels)) < len(labels):
        raise ValueError(f"labels: {labels!r} was given, expected each class once")
    if found <= set(labels):
        place = {label: number for number, label in enumerate(labels)}
    elif whole and max(found) < len(labels) and not found & set(labels):
        place = {number: number for number in range(len(labels))}
    else:
        missing = sorted(found - set(labels), key=str)[:5]
        raise ValueError(f"labels: {labels!r} was given, but y has {missing!r}. Mend: a label for each class")
    names = [shortened(label) for label in labels]
    return [place[y] for y in true.tolist()], [place[y] for y in predicted.tolist()], names
