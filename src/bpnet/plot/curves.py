"""The figures of a run, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpnet.data.arrays import whole_number
from bpnet.plot.canvas import figure_on, shortened

HELD_OUT = "val_"
FEW = 40
"""Up to so many epochs each has a marker."""
WORDS = 20
"""Letters that fit beside a panel."""


def loss_curves(
    history: Any, *, figure: Any = None, log: bool = False, steps_each: int | None = None, names: Sequence[str] = ()
) -> Any:
    """The loss against epochs, and below it the metrics; held-out curves are dashed, the least held-out loss is ringed.

    `history` is what `fit` returns, or a dictionary of lists of one length. `names` chooses and orders the figures;
    by default all. `log` has the loss on a logarithmic axis. Where an entry is the mean of `steps_each` steps, the
    curves stand against steps.
    """
    values, epochs = _values(history)
    known = list(dict.fromkeys(name.removeprefix(HELD_OUT) for name in values))
    panels = list(names) or sorted(known, key=lambda name: name != "loss")
    for name in panels:
        if name not in known:
            raise ValueError(f"names: {name!r} was given, expected some of {known}")
    if steps_each is not None:
        epochs = np.arange(1, len(epochs) + 1) * whole_number("steps_each", steps_each)
    columns = 1 if len(panels) <= 3 else 2
    rows = -(-len(panels) // columns)
    figure = figure_on(figure, 8.0 if columns == 1 else 11.0, max(4.0, 2.6 * rows))
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False).T.reshape(-1)
    for axis, name in zip(axes, panels, strict=False):
        _panel(axis, name, epochs, values, "step" if steps_each else "epoch")
        if log and name.endswith("loss"):
            axis.set_yscale("log")
    if (measured := next((i for i, name in enumerate(panels) if HELD_OUT + name in values), None)) is not None:
        axes[measured].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, frameon=False)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for column in range(columns):
        last = min((column + 1) * rows, len(panels)) - 1
        axes[last].set_xlabel("step" if steps_each else "epoch")
        axes[last].tick_params(labelbottom=True)
    axes[0].xaxis.get_major_locator().set_params(integer=True)
    if len(epochs) == 1:
        axes[0].set_xlim(epochs[0] - 1, epochs[0] + 1)
    return figure


def _values(history: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The lists by name, and the epochs that they belong to, counted from 1."""
    given = getattr(history, "history", history)
    given = getattr(given, "history", given)  # a model has a history, which has the lists
    if not isinstance(given, Mapping):
        raise TypeError(f"history: {history!r} was given, expected what model.fit returns, or a dictionary of lists")
    values = {str(name): np.asarray(list(entries), dtype=np.float64) for name, entries in given.items()}
    lengths = {len(entries) for entries in values.values()}
    if not lengths or lengths == {0}:
        raise ValueError("history: it has no epochs, expected one at least. Mend: train first")
    if len(lengths) > 1:
        found = ", ".join(f"{name} {len(entries)}" for name, entries in values.items())
        raise ValueError(f"history: lists of different lengths came ({found}), expected an entry for each epoch")
    (epochs,) = lengths
    counted = getattr(history, "epoch", None)
    return values, np.asarray(counted) + 1 if counted and len(counted) == epochs else np.arange(1, epochs + 1)


def _panel(axis: Any, name: str, epochs: np.ndarray, values: dict[str, np.ndarray], unit: str) -> None:
    held_out = values.get(HELD_OUT + name)
    few = len(epochs) <= FEW
    if name in values:
        axis.plot(epochs, values[name], "-", color="black", marker="o" if few else "", markersize=3.5, label="training")
    if held_out is not None:
        style: dict[str, Any] = {"marker": "s" if few else "", "markersize": 3.5, "markerfacecolor": "white"}
        axis.plot(epochs, held_out, "--", color="tab:blue", label="held out", **style)
        if name == "loss" and np.isfinite(held_out).any():
            best = int(np.nanargmin(held_out))
            least = f"least: {held_out[best]:.4g}, {unit} {epochs[best]}"
            ring: dict[str, Any] = {"markersize": 11, "markerfacecolor": "none", "color": "tab:blue", "linestyle": ""}
            axis.plot(epochs[best], held_out[best], "o", label=least, **ring)
    axis.set_ylabel(shortened(name, WORDS), parse_math=False)
    axis.grid(alpha=0.3)
    if not all(np.isfinite(curve).all() for curve in (values.get(name), held_out) if curve is not None):
        axis.set_title("gaps: NaN or infinite", fontsize="small", loc="right")
