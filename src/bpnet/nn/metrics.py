"""Metrics: sums over a batch that are added up on the device, and the figure made of them at the end of an epoch.

`sums(xp, y, p, w)` returns 0-d float64 arrays; those of all batches are added; `result` turns the totals into a
number. w (N,) are the samples' weights, None where all are 1; Σ w is counted apart, once for all metrics. y (N, K) like
p, or (N,) labels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bpnet.backend import Array
from bpnet.constructor import Written
from bpnet.names import look_up
from bpnet.nn.checks import require_number
from bpnet.nn.losses import Loss


class Metric(Written, ABC):
    """A figure of merit."""

    name: str
    size: ClassVar[int] = 1
    """How many sums it keeps."""
    targets: ClassVar[tuple[str, ...]] = ("values", "binary", "one_hot", "labels")
    """The kinds of target (see `Loss.targets`) that it can be computed for."""
    takes_logits: ClassVar[bool] = False
    """True where logits give the same figure as the probabilities made of them."""
    larger_is_better: ClassVar[bool | None] = None
    """Which way is better; None where the metric does not say, and whoever watches it has to."""

    @abstractmethod
    def sums(self, xp: Any, y: Array, p: Array, w: Array | None) -> tuple[Array, ...]:
        """The batch's contribution: `size` float64 scalars."""

    @abstractmethod
    def result(self, totals: Sequence[float], weight: float) -> float:
        """The figure, from the total of each sum and Σ w."""


class MeanMetric(Metric):
    """A weighted mean over samples: Σ w·value / Σ w."""

    @abstractmethod
    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """One value a sample, (N,)."""

    def sums(self, xp: Any, y: Array, p: Array, w: Array | None) -> tuple[Array, ...]:
        """(Σ w·value,)."""
        values = xp.astype(self.values(xp, y, p), xp.float64)
        return (xp.sum(values if w is None else xp.astype(w, xp.float64) * values),)

    def result(self, totals: Sequence[float], weight: float) -> float:
        """Not a number where no sample weighs anything."""
        return totals[0] / weight if weight else float("nan")


class Accuracy(MeanMetric):
    """The share of samples whose largest output is in the place of the label, or of the target's largest element."""

    name = "accuracy"
    larger_is_better = True
    targets = ("one_hot", "labels", "values")
    takes_logits = True

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """1 where right, 0 where wrong."""
        label = y if y.ndim == 1 else xp.argmax(y, axis=-1)
        return xp.argmax(p, axis=-1) == label


@dataclass(repr=False)
class BinaryAccuracy(MeanMetric):
    """The share of outputs on the right side of the threshold; several outputs of a sample are averaged."""

    threshold: float = 0.5
    name: str = "binary_accuracy"
    larger_is_better: ClassVar[bool | None] = True
    targets = ("binary", "values")

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """The mean over the outputs of a sample."""
        right = (p > self.threshold) == (y > 0.5)
        return xp.mean(xp.astype(right, xp.float64), axis=-1)


class AccuracyOfValues(MeanMetric):
    """Accuracy for a loss of values: binary accuracy of one output, accuracy of the one-hot rows of several."""

    name = "accuracy"
    larger_is_better = True
    targets = ("values",)

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """1 where right, 0 where wrong."""
        return (BinaryAccuracy() if p.shape[-1] == 1 else Accuracy()).values(xp, y, p)


class TopKAccuracy(MeanMetric):
    """The share of samples whose label is among the k largest outputs: fewer than k outputs are larger than its own."""

    larger_is_better = True
    targets = ("one_hot", "labels")

    def __init__(self, k: int = 5) -> None:
        require_number("k", k, least=1)
        self.k = k
        self.name = f"top_{k}_accuracy"

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """1 where right, 0 where wrong; equal outputs count for the sample."""
        label = y if y.ndim == 1 else xp.argmax(y, axis=-1)
        own = xp.take_along_axis(p, label[:, None], axis=-1)
        ahead = xp.logical_not(p <= own)  # true also where an output is not a number
        return xp.sum(xp.astype(ahead, xp.int64), axis=-1) < self.k


class MeanSquaredErrorMetric(MeanMetric):
    """(1/K) Σₖ (p - y)², averaged over samples."""

    name = "mse"
    larger_is_better = False
    targets = ("values", "binary", "one_hot")

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """The mean over the outputs of a sample."""
        return xp.mean((p - y) * (p - y), axis=-1)


class MeanAbsoluteErrorMetric(MeanMetric):
    """(1/K) Σₖ |p - y|, averaged over samples."""

    name = "mae"
    larger_is_better = False
    targets = ("values", "binary", "one_hot")

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """The mean over the outputs of a sample."""
        return xp.mean(xp.abs(p - y), axis=-1)


class R2(Metric):
    """R² = 1 - Σ w (y - p)² / Σ w (y - ȳ)², over all samples and outputs together."""

    name = "r2"
    larger_is_better = True
    size = 3
    targets = ("values",)

    def sums(self, xp: Any, y: Array, p: Array, w: Array | None) -> tuple[Array, ...]:
        """(Σ w e², Σ w y, Σ w y²), each a mean over the outputs of a sample."""
        y, p = xp.astype(y, xp.float64), xp.astype(p, xp.float64)
        parts = (xp.mean(term, axis=-1) for term in ((y - p) * (y - p), y, y * y))
        return tuple(xp.sum(part if w is None else xp.astype(w, xp.float64) * part) for part in parts)

    def result(self, totals: Sequence[float], weight: float) -> float:
        """Not a number where all targets are equal, or so nearly that float64 cannot tell (relative spread 1e-6)."""
        errors, first, second = totals
        spread = second - first * first / weight if weight else 0.0
        return 1.0 - errors / spread if spread > 1e-12 * second else float("nan")


METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "binary_accuracy": BinaryAccuracy,
    "top_k_accuracy": TopKAccuracy,
    "mse": MeanSquaredErrorMetric,
    "mean_squared_error": MeanSquaredErrorMetric,
    "mae": MeanAbsoluteErrorMetric,
    "mean_absolute_error": MeanAbsoluteErrorMetric,
    "r2": R2,
}


def metric(which: str | Metric, loss: Loss) -> Metric:
    """The metric of that name, or the one given.

    "accuracy" is that of the targets: binary accuracy where the loss's targets are binary, or values of one output.
    """
    if isinstance(which, Metric):
        found = which
    elif isinstance(which, Loss):
        raise ValueError(f"metrics: the loss {which!r} was given, expected a metric. Mend: its name, 'mse' or 'mae'")
    elif which in ("accuracy", "acc"):
        chosen = {"binary": BinaryAccuracy(name="accuracy"), "values": AccuracyOfValues()}
        found = chosen.get(loss.targets, Accuracy())
    else:
        found = look_up("metric", which, METRICS)()
    if loss.targets not in found.targets:
        raise ValueError(
            f"metrics: {found.name!r} needs targets that are {' or '.join(found.targets)}, "
            f"but the loss {type(loss).__name__} takes {loss.targets}"
        )
    return found
