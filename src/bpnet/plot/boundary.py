"""What a network of two inputs makes of the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnet.data.arrays import numeric, whole_number
from bpnet.nn.checks import require_number
from bpnet.plot.canvas import MARKERS, axes_on, legend, shortened

LEVELS = 12


def decision_boundary(
    model: Any,
    x: Any,
    y: Any,
    *,
    labels: Sequence[str] | None = None,
    grid: int = 200,
    margin: float = 0.1,
    ax: Any = None,
) -> Any:
    """The model's output over the plane of its two inputs, and the samples x (N, 2), y on it.

    Several outputs: the class of the largest, y being classes from 0 or one-hot rows. One output and a y of 0 and 1:
    the output with its boundary, at 0.5 or, of logits, at 0. One output and another y: a surface, with lines of equal
    height. A class has a marker of its own; a cross is on a sample of another class than the model's. `model` may be
    an estimator too, with `predict_proba` or `predict`. `grid` points are asked along each axis; `margin` is the share
    of the samples' range that is added on each side.
    """
    points, targets = numeric("x", x), np.asarray(y)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"x: shape {points.shape} came, expected (N, 2). Mend: x[:, :2], and a model of two inputs")
    if targets.ndim == 2 and targets.shape[1] > 1:
        targets = _of_one_hot(targets)
    targets = targets.reshape(-1)
    if len(targets) != len(points):
        raise ValueError(f"y: {len(targets)} targets came for {len(points)} samples in x, expected one for each")
    whole_number("grid", grid, least=2)
    require_number("margin", margin, least=0)
    ends = [_ends(points[:, axis], margin) for axis in (0, 1)]
    across, up = (np.linspace(*pair, grid) for pair in ends)
    outputs = _outputs(model, np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2))
    at_samples = _outputs(model, points)
    height = outputs.reshape(grid, grid, -1)
    ax = axes_on(ax, 7.0, 5.2)
    ax.set(xlabel="input 0", ylabel="input 1", xlim=ends[0], ylim=ends[1])
    if height.shape[-1] > 1:
        numbered, names = _classes(targets, getattr(model, "classes_", None), height.shape[-1], labels)
        _regions(ax, across, up, height)
        _samples(ax, points, numbered, at_samples.argmax(axis=-1), names)
    elif set(np.unique(targets).tolist()) <= {0, 1} and not _is_regressor(model):
        limit = 0.5 if outputs.min() >= 0 and outputs.max() <= 1 else 0.0
        numbered, names = _classes(targets, None, 2, labels)
        _surface(ax, across, up, height[..., 0], "output: class 1 above the line", at=limit)
        _samples(ax, points, numbered, (at_samples[:, 0] > limit).astype(int), names)
    else:
        values = numeric("y", targets)
        shades = _surface(ax, across, up, height[..., 0], "prediction; of a point, the true value")
        ax.scatter(*points.T, c=values, cmap=shades.cmap, norm=shades.norm, edgecolors="black", s=_size(len(points)))
    return ax.get_figure()


def _outputs(model: Any, points: np.ndarray) -> np.ndarray:
    """What the model makes of the points, (N, K)."""
    answer = getattr(model, "predict_proba", None) or getattr(model, "predict", None)
    if answer is None:
        raise TypeError(f"model: {model!r} was given, expected a model of two inputs, with predict(x)")
    outputs = np.asarray(answer(points), dtype=np.float64)
    if outputs.ndim > 2 or len(outputs) != len(points):
        raise ValueError(f"model: its output has the shape {outputs.shape}, expected a number or a class a sample")
    return outputs.reshape(len(points), -1)


def _is_regressor(model: Any) -> bool:
    return hasattr(model, "get_params") and not hasattr(model, "predict_proba")


def _of_one_hot(targets: np.ndarray) -> np.ndarray:
    if not (np.isin(targets, (0, 1)).all() and (targets.sum(axis=1) == 1).all()):
        raise ValueError(
            f"y: rows of {targets.shape[1]} numbers came, expected classes, one-hot rows, or one number a sample. "
            "Mend: one output at a time"
        )
    return np.asarray(targets.argmax(axis=1))


def _ends(values: np.ndarray, margin: float) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    rim = margin * (high - low) or 1.0
    return low - rim, high + rim


def _classes(targets: np.ndarray, known: Any, many: int, labels: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    """The number of each sample's class, and the names of the classes."""
    order = list(range(many)) if known is None else np.asarray(known).tolist()
    place = {value: number for number, value in enumerate(order)}
    unknown = sorted(set(targets.tolist()) - set(place), key=str)
    if unknown:
        raise ValueError(f"y: it has {unknown[:5]!r}, expected the model's classes, {order[:10]!r}")
    names = list(order if labels is None else labels)
    if len(names) != many:
        raise ValueError(f"labels: {len(names)} names came, expected {many}, one for each class")
    return np.array([place[value] for value in targets.tolist()]), [shortened(name) for name in names]


def _shades(many: int) -> Any:
    """Colours that differ in lightness, from dark to light."""
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0.0, 1.0, many))


def _regions(ax: Any, across: np.ndarray, up: np.ndarray, height: np.ndarray) -> None:
    """Where each output is the largest; the boundary is where it is as large as the largest of the others."""
    many = height.shape[-1]
    for number, shade in enumerate(_shades(many)):
        ahead = height[..., number] - np.delete(height, number, axis=-1).max(axis=-1)
        if (ahead > 0).any():
            ax.contourf(across, up, ahead, levels=[0.0, np.inf], colors=[shade], alpha=0.35)
        if ahead.min() < 0 < ahead.max():
            ax.contour(across, up, ahead, levels=[0.0], colors="black", linewidths=1.0)


def _surface(
    ax: Any, across: np.ndarray, up: np.ndarray, height: np.ndarray, what: str, at: float | None = None
) -> Any:
    if np.ptp(height) == 0:
        height = height + np.linspace(-1e-6, 1e-6, height.size).reshape(height.shape)  # one level, and no contours
    levels = np.linspace(0, 1, 11) if at == 0.5 else LEVELS
    shades = ax.contourf(across, up, height, levels=levels, cmap="viridis", alpha=0.75)
    if at is None:
        lines = ax.contour(across, up, height, levels=shades.levels[::2], colors="black", linewidths=0.6)
        for text in ax.clabel(lines, fontsize=8):
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    elif height.min() < at < height.max():
        ax.contour(across, up, height, levels=[at], colors="black", linewidths=2.0)
    side = "right" if at is None else "bottom"  # where there are classes, their legend is on the right
    ax.get_figure().colorbar(shades, ax=ax, location=side).set_label(what)
    return shades


def _samples(ax: Any, points: np.ndarray, actual: np.ndarray, predicted: np.ndarray, names: list[str]) -> None:
    from matplotlib.lines import Line2D

    size, handles = _size(len(points)), []
    for number, shade in enumerate(_shades(len(names))):
        style: dict[str, Any] = {
            "color": shade,
            "marker": MARKERS[number % len(MARKERS)],
            "markeredgecolor": "black",
            "linestyle": "",
        }
        ax.plot(*points[actual == number].T, markersize=size**0.5, markeredgewidth=0.6, **style)
        handles.append(Line2D([], [], **style))
    wrong = actual != predicted
    if wrong.any():
        crosses: dict[str, Any] = {"marker": "x", "color": "red", "linestyle": ""}
        ax.plot(*points[wrong].T, markersize=1.6 * size**0.5, **crosses)
        handles, names = [*handles, Line2D([], [], **crosses)], [*names, "taken for another"]
    legend(ax, handles, names, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    ax.set_title(f"{int((~wrong).sum()):,} of {len(wrong):,} right")


def _size(samples: int) -> float:
    return float(np.clip(6000 / samples, 8, 36))
