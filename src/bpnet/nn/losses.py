"""Losses: the loss of each sample, lₙ, and its gradient with respect to the prediction, together.

y is the target, p the prediction, z logits; K outputs, N samples; p and z (N, K), l (N,). The loss of a batch is
L = (1/N) Σₙ wₙ lₙ (`reduction="mean"`, the default) or Σₙ wₙ lₙ (`"sum"`), wₙ the sample's weight, 1 by default.

Cross-entropies take logits with `from_logits=True`. From probabilities they bound p to [1e-7, 1 - 1e-7], and the
gradient of a bounded p is that at the bound. A model whose last activation is the loss's own (softmax or sigmoid) is
trained on logits in any case.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

from bpnet.backend import Array, Backend
from bpnet.constructor import Written
from bpnet.names import look_up
from bpnet.nn.checks import require_number
from bpnet.nn.op import op

PerSample: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]
"""(y, p) → (l, dl/dp)."""

EPSILON = 1e-7
"""How near to 0 and 1 a probability may come before its logarithm is taken."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Loss(Written, ABC):
    """The loss of each sample with its gradient, and how samples are joined."""

    targets: ClassVar[str] = "values"
    """What y is: `values` like the outputs, `binary` (in [0, 1]), `one_hot` (rows of a distribution), or `labels`."""
    head: ClassVar[str | None] = None
    """The activation whose outputs it takes, if it takes probabilities."""

    reduction: str = "mean"

    def __post_init__(self) -> None:
        look_up("reduction", self.reduction, {"mean": 0, "sum": 0})

    @abstractmethod
    def bind(self, be: Backend) -> PerSample:
        """(y, p) → (lₙ, dlₙ/dp) on `be`."""


@op
def reduce_loss(be: Backend, losses: Array, gradient: Array, weight: Array | None, scale: float) -> tuple[Array, Array]:
    """L = scale Σₙ wₙ lₙ and its gradient scale wₙ dlₙ/dp."""
    xp = be.xp
    if weight is None:
        return scale * xp.sum(losses), scale * gradient
    column = xp.reshape(scale * weight, (-1,) + (1,) * (gradient.ndim - 1))
    return scale * xp.sum(weight * losses), gradient * column


@dataclass(frozen=True, kw_only=True, repr=False)
class ElementwiseLoss(Loss):
    """lₙ = mean over the outputs of e(y, p), or their sum; e is elementwise, with its derivative."""

    over_outputs: ClassVar[str] = "mean"

    @abstractmethod
    def formula(self, xp: Any) -> PerSample:
        """(y, p) → (e, de/dp), elementwise."""

    def bind(self, be: Backend) -> PerSample:
        """The formula as one pass, then the sum over the outputs."""
        xp, element = be.xp, be.fuse(self.formula(be.xp))

        def per_sample(y: Array, p: Array) -> tuple[Array, Array]:
            e, de = element(y, p)
            axes = tuple(range(1, e.ndim))
            if self.over_outputs == "sum":
                return xp.sum(e, axis=axes), de
            outputs = 1
            for size in e.shape[1:]:
                outputs *= size
            return xp.sum(e, axis=axes) / outputs, de / outputs

        return per_sample


@dataclass(frozen=True, kw_only=True, repr=False)
class MeanSquaredError(ElementwiseLoss):
    """l = (1/K) Σₖ (p - y)²,  dl/dp = 2 (p - y) / K."""

    def formula(self, xp: Any) -> PerSample:
        """(p - y)² and 2 (p - y)."""

        def f(y: Array, p: Array) -> tuple[Array, Array]:
            e = p - y
            return e * e, 2.0 * e

        return f


@dataclass(frozen=True, kw_only=True, repr=False)
class HalfSumOfSquares(ElementwiseLoss):
    """l = ½ Σₖ (p - y)²,  dl/dp = p - y."""

    over_outputs: ClassVar[str] = "sum"

    def formula(self, xp: Any) -> PerSample:
        """½ (p - y)² and p - y."""

        def f(y: Array, p: Array) -> tuple[Array, Array]:
            e = p - y
            return 0.5 * e * e, e

        return f


@dataclass(frozen=True, kw_only=True, repr=False)
class MeanAbsoluteError(ElementwiseLoss):
    """l = (1/K) Σₖ |p - y|,  dl/dp = sign(p - y) / K, 0 where they are equal."""

    def formula(self, xp: Any) -> PerSample:
        """|p - y| and its sign."""

        def f(y: Array, p: Array) -> tuple[Array, Array]:
            e = p - y
            return xp.abs(e), xp.sign(e)

        return f


@dataclass(frozen=True, kw_only=True, repr=False)
class Huber(ElementwiseLoss):
    """l = (1/K) Σₖ h(p - y); h(e) = ½ e² where |e| <= δ, δ |e| - ½ δ² beyond; h' = e bounded to ±δ. Huber 1964."""

    delta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("delta", self.delta, above=0)

    def formula(self, xp: Any) -> PerSample:
        """With c = e bounded to ±δ: h = c (e - ½ c) and h' = c."""
        delta = self.delta

        def f(y: Array, p: Array) -> tuple[Array, Array]:
            e = p - y
            c = xp.minimum(xp.maximum(e, -delta), delta)
            return c * (e - 0.5 * c), c

        return f


@dataclass(frozen=True, kw_only=True, repr=False)
class CrossEntropy(Loss):
    """What the three cross-entropies share: logits or probabilities, and label smoothing."""

    from_logits: bool = False
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("label_smoothing", self.label_smoothing, least=0, below=1)

    def on_logits(self) -> Loss:
        """The same loss, taking logits."""
        return replace(self, from_logits=True)


@dataclass(frozen=True, kw_only=True, repr=False)
class BinaryCrossentropy(CrossEntropy, ElementwiseLoss):
    """l = -(1/K) Σₖ [y log p + (1-y) log(1-p)],  dl/dp = (p - y) / (p (1-p)) / K.

    On logits dl/dz = (sigmoid z - y) / K, and the term of an output is max(z, 0) - y z + log(1 + exp(-|z|)). Smoothing
    by s: y ← y (1-s) + s/2.
    """

    targets: ClassVar[str] = "binary"
    head: ClassVar[str | None] = "sigmoid"

    def formula(self, xp: Any) -> PerSample:
        """The form for logits or the form for probabilities."""
        s = self.label_smoothing

        def from_logits(y: Array, z: Array) -> tuple[Array, Array]:
            y = y * (1.0 - s) + 0.5 * s
            e = xp.exp(-xp.abs(z))
            p = xp.exp(xp.minimum(z, 0.0)) / (1.0 + e)
            return xp.maximum(z, 0.0) - y * z + xp.log1p(e), p - y

        def from_probabilities(y: Array, p: Array) -> tuple[Array, Array]:
            y = y * (1.0 - s) + 0.5 * s
            p = xp.minimum(xp.maximum(p, EPSILON), 1.0 - EPSILON)
            return -(y * xp.log(p) + (1.0 - y) * xp.log(1.0 - p)), (p - y) / (p * (1.0 - p))

        return from_logits if self.from_logits else from_probabilities


@op
def softmax_crossentropy(be: Backend, y: Array, z: Array) -> tuple[Array, Array]:
    """l = Σₖ yₖ (log Σⱼ exp zⱼ - zₖ),  dl/dz = softmax(z) Σₖ yₖ - y."""
    xp = be.xp
    z = z - xp.max(z, axis=-1, keepdims=True)
    e = xp.exp(z)
    total = xp.sum(e, axis=-1, keepdims=True)
    losses = xp.sum(y * (xp.log(total) - z), axis=-1)
    return losses, e / total * xp.sum(y, axis=-1, keepdims=True) - y


@op
def crossentropy(be: Backend, y: Array, p: Array) -> tuple[Array, Array]:
    """l = -Σₖ yₖ log pₖ,  dl/dp = -y / p."""
    xp = be.xp
    p = xp.minimum(xp.maximum(p, EPSILON), 1.0 - EPSILON)
    return -xp.sum(y * xp.log(p), axis=-1), -y / p


@dataclass(frozen=True, kw_only=True, repr=False)
class CategoricalCrossentropy(CrossEntropy):
    """l = -Σₖ yₖ log pₖ,  dl/dp = -y/p;  on logits dl/dz = softmax(z) - y. Smoothing by s: y ← y (1-s) + s/K."""

    targets: ClassVar[str] = "one_hot"
    head: ClassVar[str | None] = "softmax"

    def bind(self, be: Backend) -> PerSample:
        """The form for logits or the form for probabilities."""
        formula = softmax_crossentropy if self.from_logits else crossentropy
        s = self.label_smoothing

        def per_sample(y: Array, p: Array) -> tuple[Array, Array]:
            return formula(be, y * (1.0 - s) + s / y.shape[-1] if s else y, p)

        return per_sample


@dataclass(frozen=True, kw_only=True, repr=False)
class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """Categorical cross-entropy with y the number of the class, (N,)."""

    targets: ClassVar[str] = "labels"

    def bind(self, be: Backend) -> PerSample:
        """Categorical cross-entropy of the one-hot rows."""
        dense = super().bind(be)
        return lambda y, p: dense(one_hot(be, y, p), p)


@op
def one_hot(be: Backend, labels: Array, like: Array) -> Array:
    """1 in the column of the label, 0 elsewhere; (N,) whole numbers → (N, K) of the type and width of `like`."""
    xp = be.xp
    classes = xp.arange(like.shape[-1], dtype=labels.dtype, device=like.device)
    return xp.astype(labels[..., None] == classes, like.dtype)


@op
def multiclass_hinge(be: Backend, y: Array, s: Array, margin: float) -> tuple[Array, Array]:
    """l = Σ_{k≠c} max(0, sₖ - s_c + margin), y the one-hot row of class c.

    dl/dsₖ = 1 where the term is above 0, and 0 elsewhere; dl/ds_c = -Σ_{k≠c} dl/dsₖ.
    """
    xp = be.xp
    own = xp.sum(y * s, axis=-1, keepdims=True)
    terms = xp.maximum(s - own + margin, 0.0) * (1.0 - y)
    active = xp.sign(terms)
    return xp.sum(terms, axis=-1), active - y * xp.sum(active, axis=-1, keepdims=True)


@dataclass(frozen=True, kw_only=True, repr=False)
class MulticlassHinge(Loss):
    """l = Σ_{k≠y} max(0, sₖ - s_y + margin): Weston and Watkins 1999. y the number of the class, (N,)."""

    targets: ClassVar[str] = "labels"
    margin: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("margin", self.margin, above=0)

    def bind(self, be: Backend) -> PerSample:
        """The hinge of the one-hot rows."""
        return lambda y, s: multiclass_hinge(be, one_hot(be, y, s), s, self.margin)


LOSSES: dict[str, Callable[[], Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "half_sum_of_squares": HalfSumOfSquares,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "multiclass_hinge": MulticlassHinge,
}


def loss(which: str | Loss) -> Loss:
    """The loss of that name with its defaults, or the one given."""
    return which if isinstance(which, Loss) else look_up("loss", which, LOSSES)()
