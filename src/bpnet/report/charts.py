"""Pictures of a run. Each function returns one that draws on an empty matplotlib figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpnet.report.drawing import FIRST, POINTS, SECOND, THIRD
from bpnet.report.html import short
from bpnet.report.outcome import number

Draw = Callable[[Any], None]

MOST_POINTS = 20_000
"""More would only lie upon one another."""
FAR = 1.5
"""The range of all errors, in that of all but 1%, from which on a histogram's bars would be too few for the others."""


def curve(
    history: Mapping[str, Sequence[float]], epochs: Sequence[int], name: str, label: str, best: int | None
) -> Draw:
    """history[name] against the epoch, counted from 1, and that of the held-out rows, dashed; `best` is marked."""
    at = np.asarray(epochs) + 1
    held_out = history.get(f"val_{name}")
    marker = "." if len(at) < 3 else ""  # a line of one point is not seen

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        axis.plot(at, history[name], "-", marker=marker, color=FIRST, label="training")
        if held_out is not None:
            axis.plot(at, held_out, "--", marker=marker, color=SECOND, label="validation")
        if best is not None:
            axis.axvline(best + 1, color=THIRD, linestyle=":", label=f"kept: epoch {best + 1}")
        axis.set(xlabel="epoch", ylabel=label)
        axis.xaxis.get_major_locator().set_params(integer=True)
        values = np.concatenate([np.asarray(part, dtype=float) for part in (history[name], held_out or [])])
        if name == "loss" and values.min() > 0 and values.max() > 20 * values.min():
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_formatter("")
        axis.legend()

    return draw


def predicted_against_true(true: np.ndarray, predicted: np.ndarray, target: str) -> Draw:
    """A point a row; on the line the two are the same."""
    true, predicted = _some(true, predicted)
    ends = [float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))]

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        _points(axis, true, predicted)
        axis.plot(ends, ends, "--", color=FIRST, linewidth=1.2, label="prediction = truth")
        axis.set(xlabel=f"{short(target)}, true", ylabel=f"{short(target)}, predicted")
        axis.legend()

    return draw


def residuals_against_predicted(true: np.ndarray, predicted: np.ndarray, target: str) -> Draw:
    """Where the errors are: above the line the prediction was too high."""
    true, predicted = _some(true, predicted)

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        _points(axis, predicted, predicted - true)
        axis.axhline(0, color=FIRST, linestyle="--", linewidth=1.2)
        axis.set(xlabel=f"{short(target)}, predicted", ylabel="error: predicted - true")

    return draw


def residual_histogram(true: np.ndarray, predicted: np.ndarray, target: str) -> Draw:
    """How many rows have which error. Where a few are far out, the outermost bars have them, and the label says so."""
    errors = predicted - true
    low, high = (float(each) for each in np.quantile(errors, [0.005, 0.995]))
    least, most = float(errors.min()), float(errors.max())
    beyond = int(((errors < low) | (errors > high)).sum()) if most - least > FAR * (high - low) > 0 else 0
    if not beyond:
        low, high = (least, most) if least < most else (least - 0.5, most + 0.5)
    label = f"error of {short(target)}: predicted - true"
    if beyond:
        label += f"\nouter bars: with {beyond:,} beyond, to {number(least)} and {number(most)}"

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        axis.hist(np.clip(errors, low, high), bins=41, range=(low, high), color=SECOND, edgecolor="none")
        axis.axvline(0, color=FIRST, linestyle="--", linewidth=1.2)
        axis.set(xlabel=label, ylabel="rows")

    return draw


def heat_map(counts: np.ndarray) -> Draw:
    """The confusion matrix of more classes than a table can show; each row is a true class, as shares of its rows."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        image = axis.imshow(shares, cmap="cividis", vmin=0, vmax=1, interpolation="nearest")
        axis.grid(visible=False)
        axis.set(xlabel="number of the predicted class", ylabel="number of the true class")
        figure.colorbar(image, ax=axis, label="share of the class's rows")

    return draw


def _points(axis: Any, x: np.ndarray, y: np.ndarray) -> None:
    """Many points are pixels: an element each would make a file of megabytes."""
    size, alpha = (14.0, 0.8) if len(x) < 500 else (5.0, 0.5) if len(x) < 5000 else (3.0, 0.25)
    axis.scatter(x, y, s=size, alpha=alpha, color=POINTS, linewidths=0, rasterized=len(x) > 400)


def _some(true: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most MOST_POINTS rows, drawn at random, the same ones each time."""
    if len(true) <= MOST_POINTS:
        return true, predicted
    chosen = np.random.default_rng(0).choice(len(true), MOST_POINTS, replace=False)
    return true[chosen], predicted[chosen]
