"""Predicted numbers beside the true ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet.plot.canvas import axes_on
from bpnet.plot.given import pair_of_numbers

MANY = 4_000
"""Samples from which on cells of a grid are shaded by how many lie in them, in place of points."""


def residuals(y_true: Any, y_predicted: Any, *, ax: Any = None) -> Any:
    """ŷ - y against ŷ: above 0 the prediction was too high. Both (N,) or (N, 1). The dotted lines are at ±2 RMSE.

    A curve in the points is what the model has not learned; a funnel is noise that grows.
    """
    true, predicted = pair_of_numbers(y_true, y_predicted)
    ax = axes_on(ax, 7.0, 4.6)
    left = predicted - true
    rms = float(np.sqrt(np.mean(left**2)))
    _points(ax, predicted, left)
    ax.axhline(0.0, color="black", linewidth=1.2, label="0")
    for side in (-2, 2):
        ax.axhline(side * rms, color="black", linestyle=":", label="±2 RMSE" if side > 0 else None)
    ax.set(xlabel="predicted", ylabel="residual: predicted - true")
    ax.set_title(f"mean {left.mean():.3g}, RMSE {rms:.3g}, {len(true):,} samples")
    ax.legend()
    return ax.get_figure()


def predicted_against_true(y_true: Any, y_predicted: Any, *, ax: Any = None) -> Any:
    """ŷ against y, on axes of one scale; on the line they are equal. Both (N,) or (N, 1)."""
    true, predicted = pair_of_numbers(y_true, y_predicted)
    ax = axes_on(ax, 5.6, 5.4)
    lowest, highest = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    rim = 0.04 * (highest - lowest) or 1.0
    ends = lowest - rim, highest + rim
    _points(ax, true, predicted)
    ax.plot(ends, ends, "--", color="black", linewidth=1.2, label="predicted = true")
    ax.set(xlabel="true", ylabel="predicted", xlim=ends, ylim=ends)
    ax.set_aspect("equal")
    spread = float(np.sum((true - true.mean()) ** 2))
    r2 = f"R² {1 - float(np.sum((true - predicted) ** 2)) / spread:.4g}, " if spread else ""
    ax.set_title(f"{r2}MAE {np.abs(true - predicted).mean():.3g}, {len(true):,} samples")
    ax.legend(loc="upper left")
    return ax.get_figure()


def _points(ax: Any, x: np.ndarray, y: np.ndarray) -> None:
    if len(x) < MANY:
        size = float(np.clip(4000 / len(x), 6, 30))
        ax.scatter(x, y, s=size, facecolors="none" if len(x) < 400 else "tab:blue", edgecolors="tab:blue", alpha=0.7)
        ax.grid(alpha=0.3)
        return
    cells = ax.hexbin(x, y, gridsize=60, bins="log", mincnt=1, cmap="viridis_r", linewidths=0.1)
    ax.get_figure().colorbar(cells, ax=ax).set_label("samples in a cell")
