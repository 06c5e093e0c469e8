"""Metrics: sums over a batch that are added up on the device, and the figure made of them at the end of an epoch.

`sums(xp, y, p, w)` returns a float64 vector; vectors of batches are added; `result` turns the total into a number.
w (N,) are the samples' weights. y (N, K) like p, or (N,) labels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bpnet.backend import Array
from bpnet.names import look_up
from bpnet.nn.checks import require_number
from bpnet.nn.losses import Loss


class Metric(ABC):
    """A figure of merit."""

    name: str
    size: ClassVar[int] = 2
    """The length of the vector of sums."""
    targets: ClassVar[tuple[str, ...]] = ("values", "binary", "one_hot", "labels")
    """The kinds of target (see `Loss.targets`) that it can be computed for."""

    @abstractmethod
    def sums(self, xp: Any, y: Array, p: Array, w: Array) -> Array:
        """The batch's contribution, float64."""

    def result(self, totals: Sequence[float]) -> float:
        """The weighted mean: Σ w·value / Σ w."""
        return totals[0] / totals[1] if totals[1] else float("nan")


class MeanMetric(Metric):
    """A weighted mean over samples."""

    @abstractmethod
    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """One value a sample, (N,)."""

    def sums(self, xp: Any, y: Array, p: Array, w: Array) -> Array:
        """(Σ w·value, Σ w)."""
        w = xp.astype(w, xp.float64)
        return xp.stack([xp.sum(w * xp.astype(self.values(xp, y, p), xp.float64)), xp.sum(w)])


class Accuracy(MeanMetric):
    """The share of samples whose largest output is in the place of the label, or of the target's largest element."""

    name = "accuracy"
    targets = ("one_hot", "labels")

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """1 where right, 0 where wrong."""
        label = y if y.ndim == 1 else xp.argmax(y, axis=-1)
        return xp.argmax(p, axis=-1) == label


@dataclass
class BinaryAccuracy(MeanMetric):
    """The share of outputs on the right side of the threshold; several outputs of a sample are averaged."""

    threshold: float = 0.5
    name: str = "binary_accuracy"
    targets = ("binary", "values")

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """The mean over the outputs of a sample."""
        right = (p > self.threshold) == (y > 0.5)
        return xp.mean(xp.astype(right, xp.float64), axis=-1)


class TopKAccuracy(MeanMetric):
    """The share of samples whose label is among the k largest outputs: fewer than k outputs are larger than its own."""

    targets = ("one_hot", "labels")

    def __init__(self, k: int = 5) -> None:
        require_number("k", k, least=1)
        self.k = k
        self.name = f"top_{k}_accuracy"

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """1 where right, 0 where wrong; equal outputs count for the sample."""
        label = y if y.ndim == 1 else xp.argmax(y, axis=-1)
        own = xp.take_along_axis(p, label[:, None], axis=-1)
        return xp.sum(xp.astype(p > own, xp.int64), axis=-1) < self.k


class MeanSquaredErrorMetric(MeanMetric):
    """(1/K) Σₖ (p - y)², averaged over samples."""

    name = "mse"
    targets = ("values", "binary", "one_hot")

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """The mean over the outputs of a sample."""
        return xp.mean((p - y) * (p - y), axis=-1)


class MeanAbsoluteErrorMetric(MeanMetric):
    """(1/K) Σₖ |p - y|, averaged over samples."""

    name = "mae"
    targets = ("values", "binary", "one_hot")

    def values(self, xp: Any, y: Array, p: Array) -> Array:
        """The mean over the outputs of a sample."""
        return xp.mean(xp.abs(p - y), axis=-1)


class R2(Metric):
    """R² = 1 - Σ w (y - p)² / Σ w (y - ȳ)², over all samples and outputs together."""

    name = "r2"
    size = 4
    targets = ("values",)

    def sums(self, xp: Any, y: Array, p: Array, w: Array) -> Array:
        """(Σ w e², Σ w y, Σ w y², Σ w) in float64."""
        y, p, w = (xp.astype(a, xp.float64) for a in (y, p, w))
        w = w[:, None] * xp.ones_like(y)
        return xp.stack([xp.sum(w * (y - p) * (y - p)), xp.sum(w * y), xp.sum(w * y * y), xp.sum(w)])

    def result(self, totals: Sequence[float]) -> float:
        """Not a number where all targets are equal."""
        errors, first, second, weight = totals
        spread = second - first * first / weight if weight else 0.0
        return 1.0 - errors / spread if spread > 0 else float("nan")


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
    """The metric of that name, or the one given; "accuracy" is binary accuracy where the loss has binary targets."""
    if not isinstance(which, Metric):
        which = "accuracy" if which == "acc" else which
        if which == "accuracy" and loss.targets in ("binary", "values"):
            found: Metric = BinaryAccuracy(name="accuracy")
        else:
            found = look_up("metric", which, METRICS)()
    else:
        found = which
    if loss.targets not in found.targets:
        raise ValueError(
            f"metrics: {found.name!r} needs targets that are {' or '.join(found.targets)}, "
            f"but the loss {type(loss).__name__} takes {loss.targets}"
        )
    return found
