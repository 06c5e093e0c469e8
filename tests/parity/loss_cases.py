"""Every loss with its targets, and the loss of each sample in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows

from bpnet import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    HalfSumOfSquares,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    MulticlassHinge,
    SparseCategoricalCrossentropy,
)
from bpnet.nn.activations import ElementwiseActivation, Softmax, sigmoid
from bpnet.nn.losses import CrossEntropy, Loss
from parity.arrays import exact, generator, normal, off_zero, one_hot

Tensor = torch.Tensor
N, K = 37, 9

Z = normal("losses: logits", N, K) * 2.0
VALUES = exact(Z + off_zero("losses: errors", N, K))  # no |p - y| near 0
LABELS = generator("losses: labels").integers(K, size=N)
WEIGHT = exact(generator("losses: weights").uniform(0.0, 3.0, N) * (np.arange(N) % 5 > 0))  # some of them 0
TARGETS = {
    "values": VALUES,
    "binary": exact(generator("losses: binary").integers(2, size=(N, K))),
    "one_hot": one_hot(LABELS, K),
    "labels": LABELS,
}
SETTINGS = [(weight, reduction) for weight in (None, WEIGHT) for reduction in ("mean", "sum")]
HEADS = {"sigmoid": torch.sigmoid, "softmax": lambda z: F.softmax(z, dim=-1)}
# The same functions as activations of a user's own: bpnet does not join them to a loss, which then takes probabilities.
OWN_HEADS = {"sigmoid": ElementwiseActivation("own sigmoid", sigmoid), "softmax": Softmax("own softmax")}


@dataclass(frozen=True)
class Case:
    """A loss, the activation whose outputs it takes (None: linear), and (y, p) → lₙ in PyTorch."""

    loss: Callable[..., Loss]
    head: str | None
    reference: Callable[[Tensor, Tensor], Tensor]

    @property
    def y(self) -> np.ndarray:
        """The targets."""
        return TARGETS[self.loss().targets]

    @property
    def p(self) -> np.ndarray:
        """The predictions."""
        return Z if self.head is None else exact(HEADS[self.head](torch.tensor(Z)).numpy())

    def per_sample(self, p: Tensor) -> Tensor:
        """lₙ of the predictions, in PyTorch."""
        return self.reference(torch.tensor(self.y), p)


def weighed(losses: Tensor, weight: np.ndarray | None, reduction: str) -> Tensor:
    """L = (1/N) Σₙ wₙ lₙ or Σₙ wₙ lₙ."""
    total = (losses if weight is None else torch.tensor(weight) * losses).sum()
    return total / len(losses) if reduction == "mean" else total


def _binary(s: float, from_logits: bool) -> Callable[[Tensor, Tensor], Tensor]:
    f = F.binary_cross_entropy_with_logits if from_logits else F.binary_cross_entropy
    return lambda y, p: f(p, y * (1 - s) + s / 2, reduction="none").mean(1)


def _categorical(s: float, from_logits: bool) -> Callable[[Tensor, Tensor], Tensor]:
    """y as rows or as labels."""

    def from_probabilities(y: Tensor, p: Tensor) -> Tensor:
        rows = F.one_hot(y, K).to(p.dtype) if y.ndim == 1 else y
        return -((rows * (1 - s) + s / K) * p.log()).sum(1)

    if from_logits:
        return lambda y, z: F.cross_entropy(z, y, label_smoothing=s, reduction="none")
    return from_probabilities


def _crossentropies(
    name: str, kind: type[CrossEntropy], reference: Callable[[float, bool], Callable[[Tensor, Tensor], Tensor]]
) -> dict[str, Case]:
    """From logits and from probabilities, with and without label smoothing."""
    cases = {}
    for s in (0.0, 0.1):
        for from_logits in (True, False):

            def make(s: float = s, from_logits: bool = from_logits, **settings: str) -> Loss:
                return kind(from_logits=from_logits, label_smoothing=s, **settings)

            label = f"{name}, {'logits' if from_logits else 'probabilities'}{', smoothed' if s else ''}"
            cases[label] = Case(make, None if from_logits else kind.head, reference(s, from_logits))
    return cases


CASES = {
    "mean_squared_error": Case(MeanSquaredError, None, lambda y, p: F.mse_loss(p, y, reduction="none").mean(1)),
    "half_sum_of_squares": Case(HalfSumOfSquares, None, lambda y, p: F.mse_loss(p, y, reduction="none").sum(1) / 2),
    "mean_absolute_error": Case(MeanAbsoluteError, None, lambda y, p: F.l1_loss(p, y, reduction="none").mean(1)),
    "huber": Case(Huber, None, lambda y, p: F.huber_loss(p, y, reduction="none").mean(1)),
    "huber(0.3)": Case(
        lambda **settings: Huber(delta=0.3, **settings),
        None,
        lambda y, p: F.huber_loss(p, y, delta=0.3, reduction="none").mean(1),
    ),
    **_crossentropies("binary_crossentropy", BinaryCrossentropy, _binary),
    **_crossentropies("categorical_crossentropy", CategoricalCrossentropy, _categorical),
    **_crossentropies("sparse_categorical_crossentropy", SparseCategoricalCrossentropy, _categorical),
    "multiclass_hinge": Case(MulticlassHinge, None, lambda y, s: F.multi_margin_loss(s, y, reduction="none") * K),
    "multiclass_hinge(0.5)": Case(
        lambda **settings: MulticlassHinge(margin=0.5, **settings),
        None,
        lambda y, s: F.multi_margin_loss(s, y, margin=0.5, reduction="none") * K,
    ),
}
