"""What a search found: the figure that ranks, against each setting that was searched."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet.plot.canvas import figure_on, name_ticks, shortened

COLUMNS = 3
REACH = 4.0
"""Candidates that are further below the middle one than so many times the best one is above it are at the rim."""


def search(found: Any, *, figure: Any = None) -> Any:
    """A panel for each searched setting: a ring a candidate, a star for the best, crosses at the rim for those that
    diverged, triangles there for those too far away to be shown; a bar is the median of a choice.

    `found` is what `bpnet.ensembles.search` returns.
    """
    names = list(found.space.searched) or ["seed"]
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = figure_on(figure, 1.5 + 3.6 * columns, 0.9 + 3.3 * rows)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axis, name in zip(axes.flat, names, strict=False):
        _panel(axis, found, name)
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for row in axes:
        row[0].set_ylabel(f"held-out {shortened(found.by.figure, 20)}", parse_math=False)
    found_labels = [axis.get_legend_handles_labels() for axis in axes.flat[: len(names)]]
    by_label = {
        label: handle for handles, labels in found_labels for handle, label in zip(handles, labels, strict=True)
    }
    figure.legend(by_label.values(), by_label.keys(), loc="outside upper left", ncols=5, frameon=False)
    return figure


def _panel(axis: Any, found: Any, name: str) -> None:
    trials, larger = found.trials, found.by.larger
    one = found.space.ranges.get(name)
    given = [trial.candidate.settings[name] for trial in trials]
    if one is not None and one.values is None:
        x = np.array(given, dtype=np.float64)
        axis.set_xscale("log" if one.is_log else "linear")
    else:
        choices = list(dict.fromkeys([str(group[name]) for group in found.space.groups if name in group]))
        choices = choices or list(map(str, one.values if one is not None else dict.fromkeys(given)))
        place = {choice: at for at, choice in enumerate(choices)}
        spread = np.array([trial.candidate.number * 0.618034 % 1.0 - 0.5 for trial in trials])
        x = np.array([place[str(value)] for value in given]) + 0.5 * spread
        name_ticks(axis.xaxis, [shortened(choice, 12) for choice in choices], every=-(-len(choices) // 10))
        axis.set_xlim(-0.6, len(choices) - 0.4)
    y = np.array([trial.figure for trial in trials])
    diverged = np.array([trial.diverged for trial in trials]) | ~np.isfinite(y)
    low, high = _limits(y[~diverged], larger)
    rim = low if larger else high
    far = ~diverged & ((y < low) if larger else (y > high))
    shown = ~diverged & ~far
    ring: dict[str, Any] = {"facecolors": "none", "edgecolors": "black", "linewidths": 0.8}
    size = float(np.clip(6000 / len(trials), 8, 32))
    axis.scatter(x[shown][1:], y[shown][1:], s=size, alpha=0.7, label="candidate", **ring)
    if far.any():
        axis.scatter(x[far], np.full(far.sum(), rim), s=20, marker="v" if larger else "^", clip_on=False,
                     label="further away", **ring)  # fmt: skip
    if diverged.any():
        axis.scatter(x[diverged], np.full(diverged.sum(), rim), s=24, marker="x", color="black", linewidths=0.8,
                     clip_on=False, label="diverged")  # fmt: skip
    axis.scatter(x[:1], y[:1], s=190, marker="*", color="tab:orange", edgecolors="black", zorder=3, label="the best")
    if one is None or one.values is not None:
        for at in np.unique(np.round(x[shown])):
            middle = np.median(y[shown][np.round(x[shown]) == at])
            axis.hlines(middle, at - 0.3, at + 0.3, color="black", linewidth=2.5, label="median" if at == 0 else None)
    axis.set_ylim(low, high)
    axis.set_xlabel(shortened(name, 28), parse_math=False)
    axis.grid(alpha=0.3)


def _limits(y: np.ndarray, larger: bool) -> tuple[float, float]:
    """Such that the better half fills a good part, however bad the worst are."""
    best, middle = (y.max(), np.median(y)) if larger else (y.min(), np.median(y))
    reach = REACH * abs(best - middle) or 0.1 * abs(best) or 1.0
    worst = max(y.min(), middle - reach) if larger else min(y.max(), middle + reach)
    room = 0.06 * abs(best - worst) or 0.1 * abs(best) or 1.0
    return (float(worst - room), float(best + room)) if larger else (float(best - room), float(worst + room))
