"""A figure of the history that is watched: its name, which way is better, and what counts as better."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from bpnet.data.arrays import one_of
from bpnet.names import look_up
from bpnet.nn.checks import require_number
from bpnet.training.callbacks import Callback


class Monitored(Callback):
    """A value is better than a reference if it is more than `min_delta` below it (mode "min") or above it ("max").

    "auto" takes the direction from the figure: losses fall, and a metric knows (`Metric.larger_is_better`). What is
    not a number is never better. ValueError, before training: no such figure, or "auto" for a metric that does not say.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        one_of("mode", mode, ("auto", "min", "max"))
        require_number("min_delta", min_delta, least=0)
        self.monitor = monitor
        self.mode = mode
        self.min_delta = min_delta
        self.best = inf
        """The best value so far; before there is one, infinitely bad."""

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Find the figure and its direction, and forget an earlier run."""
        self._larger = self._larger_is_better()
        self.best = -inf if self._larger else inf

    def better(self, value: float, reference: float) -> bool:
        """Is `value` better than `reference`?"""
        return value - self.min_delta > reference if self._larger else value + self.min_delta < reference

    def watching(self) -> dict[str, Any]:
        """For `state`: what is watched, and the best value so far."""
        return {"monitor": self.monitor, "larger": self._larger, "best": exact(self.best)}

    def watches(self, state: Mapping[str, Any]) -> bool:
        """Is the state of one that watches the same figure, and takes the same values for better?"""
        return bool((state["monitor"], state["larger"]) == (self.monitor, self._larger))

    def restore_best(self, state: Mapping[str, Any]) -> None:
        """Take the best value so far. ValueError: it is one of another figure, or in the other direction."""
        if not self.watches(state):
            before, now = ((name, "max" if larger else "min") for name, larger in (
                (state["monitor"], state["larger"]), (self.monitor, self._larger)
            ))  # fmt: skip
            raise ValueError(
                f"resume: {type(self).__name__} watched {before[0]!r} (mode {before[1]!r}) in the run of the "
                f"checkpoint, and {now[0]!r} (mode {now[1]!r}) was given. Mend: the same as before, or fit without "
                "resume"
            )
        self.best = float(state["best"])

    def _larger_is_better(self) -> bool:
        who = type(self).__name__
        name, figures = self.monitor, self.figures
        if isinstance(name, str) and name not in figures and name.removeprefix("val_") in figures:
            raise ValueError(
                f"{who}: the monitor {name!r} was given, but nothing is held out. Mend: "
                f"fit(…, validation_data=(x, y)), or monitor={name.removeprefix('val_')!r}"
            )
        larger = look_up(f"{who}: the monitor", name, figures)
        if self.mode != "auto":
            return self.mode == "max"
        if larger is None:
            raise ValueError(
                f"{who}: mode 'auto' was given, but the metric {name!r} does not say whether larger is better. "
                "Mend: mode='max' or mode='min', or larger_is_better = True in the metric's class"
            )
        return larger


def exact(value: float) -> str:
    """`value` as text that gives it back bit for bit, infinity included, which JSON has not."""
    return repr(float(value))


def watched(monitored: Monitored, logs: Mapping[str, float]) -> float:
    """The figure of the epoch."""
    return float(logs[monitored.monitor])
