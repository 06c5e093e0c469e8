"""What is minimized: a network, a loss, and the metrics that are watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bpnet.backend import Array
from bpnet.nn.activations import ACTIVATIONS, ActivationFunction, BoundActivation
from bpnet.nn.graph import Graph
from bpnet.nn.losses import CrossEntropy, Loss, PerSample, reduce_loss
from bpnet.nn.metrics import Metric
from bpnet.nn.network import Network


@dataclass
class Objective:
    """L(θ) = loss + penalty of a network's outputs, its gradient, and the metrics.

    Where the last activation is the one whose outputs the loss takes (softmax or sigmoid before its cross-entropy),
    the network runs without it and the loss takes logits: the same function, and stable for all logits below 1e38.
    """

    network: Network
    loss: Loss
    metrics: Sequence[Metric]
    fused: bool = field(init=False)
    """True where the last activation is part of the loss."""
    _graph: Graph = field(init=False)
    _per_sample: PerSample = field(init=False)
    _head: BoundActivation | None = field(init=False)

    def __post_init__(self) -> None:
        network, loss = self.network, self.loss
        last = network.graph.last_layer
        from_logits = isinstance(loss, CrossEntropy) and loss.from_logits
        self.fused = (
            isinstance(loss, CrossEntropy)
            and not from_logits
            and len(network.graph.uses(last)) == 1
            and last.activation is not None
            and last.activation == ACTIVATIONS[str(loss.head)]
        )
        self._graph = network.linear_output_graph() if self.fused else network.graph
        if self.fused:
            assert isinstance(loss, CrossEntropy)
            loss = loss.on_logits()
        self._per_sample = loss.bind(network.backend)
        needs_head = self.fused or from_logits
        self._head = ACTIVATIONS[str(loss.head)].bind(network.backend) if needs_head else None

    def value_and_gradient(self, x: Array, y: Array, weight: Array | None) -> tuple[Array, Array | float, Array]:
        """Forward and backward: the gradient of L goes to `network.grad`.

        Returns the loss (0-d), the penalty (0-d, or 0.0 where there is none), and the output of the graph.
        """
        (z,), tape = self.network.forward([x], train=True, graph=self._graph)
        losses, dz = self._per_sample(y, z)
        value, dz = reduce_loss(self.network.backend, losses, dz, weight, self._scale(x.shape[0]))
        self.network.backward(tape, [dz], graph=self._graph)
        self.network.add_penalty_gradient()
        return value, self.network.penalty(), z

    def value(self, x: Array, y: Array, weight: Array | None, *, train: bool = False) -> tuple[Array, Array]:
        """L without the penalty (0-d), and the output of the graph; nothing is written."""
        (z,), _ = self.network.forward([x], train=train, graph=self._graph)
        losses, dz = self._per_sample(y, z)
        return reduce_loss(self.network.backend, losses, dz, weight, self._scale(x.shape[0]))[0], z

    def metric_sums(self, y: Array, z: Array, weight: Array | None) -> list[tuple[Array, ...]]:
        """Each metric's sums over the batch; of logits, probabilities are formed where one needs them."""
        xp = self.network.backend.xp
        p = z
        if self._head is not None and not all(metric.takes_logits for metric in self.metrics):
            p, _ = self._head.forward(z)
        return [metric.sums(xp, y, p, weight) for metric in self.metrics]

    def _scale(self, samples: int) -> float:
        return 1.0 / samples if self.loss.reduction == "mean" else 1.0


def check_head(loss: Loss, activation: ActivationFunction | None) -> None:
    """ValueError where a cross-entropy is told the wrong thing about the model's last activation.

    -Σ y log p is a cross-entropy only of outputs that sum to 1: sigmoids would learn to be 1 everywhere. An activation
    of the user's own is taken to be what the loss expects.
    """
    if not isinstance(loss, CrossEntropy) or activation not in (None, *ACTIVATIONS.values()):
        return
    name, last = type(loss).__name__, activation.name if activation else "linear"
    fitting = ("softmax", "sigmoid") if loss.head == "sigmoid" else ("softmax",)
    if loss.from_logits and last in ("softmax", "sigmoid"):
        raise ValueError(
            f"loss: {name}(from_logits=True) was given, but the last activation is {last!r}, which makes "
            "probabilities. Mend: leave from_logits out; such a model is trained on its logits anyway"
        )
    if not loss.from_logits and last not in fitting:
        raise ValueError(
            f"loss: {name} takes probabilities, but the last activation is {last!r}. "
            f"Mend: end the model with {loss.head!r}, or use {name}(from_logits=True)"
        )
