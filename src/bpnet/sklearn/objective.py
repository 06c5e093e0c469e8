"""What scikit-learn's multi-layer perceptron minimizes, for a batch of N samples with weights wₙ (1 by default):

    L = (Σₙ wₙ lₙ + α/2 ‖W‖²) / S,   S = Σₙ wₙ,   dL/dW = (Σₙ wₙ dlₙ/dW + α W) / S.

W are all weights without the biases: the first part of theta. The penalty is divided by the weights of the batch, so a
small last batch feels it more. S is another number where the batch is a part of the samples, and 1 where the loss is a
sum.
"""

from __future__ import annotations

from bpnet.backend import Array
from bpnet.nn.losses import Loss
from bpnet.nn.network import Network
from bpnet.sklearn.losses import leaves_out_activation, on_logits


class WeightedObjective:
    """L and its gradient for a network whose last activation is left to the loss."""

    def __init__(self, network: Network, loss: Loss, alpha: float) -> None:
        self.network = network
        self.loss = loss
        self.alpha = float(alpha)
        self.is_mean = loss.reduction == "mean"
        self.target_type = "int64" if loss.targets == "labels" else network.dtype
        loss = on_logits(loss)
        graph = network.graph
        self._graph = network.with_linear(graph.outputs) if leaves_out_activation(loss) else graph
        self._per_sample = loss.bind(network.backend)
        self._weights = network.theta[: network.layout.decaying]
        self._their_gradient = network.grad[: network.layout.decaying]

    def learn(self, x: Array, y: Array, weight: Array | None) -> Array:
        """L (0-d); its gradient goes to `network.grad`."""
        total = self.total(weight, int(x.shape[0]))
        value = self.gradient(x, y, weight, total)
        return value + self.add_penalty(total) if self.alpha else value

    def total(self, weight: Array | None, samples: int) -> Array | float:
        """S."""
        if not self.is_mean:
            return 1.0
        return float(samples) if weight is None else self.network.backend.xp.sum(weight)

    def gradient(self, x: Array, y: Array, weight: Array | None, total: Array | float) -> Array:
        """Σₙ wₙ lₙ / S (0-d), without the penalty; its gradient goes to `network.grad`."""
        outputs, tape = self.network.forward((x,), train=True, graph=self._graph)
        losses, dz = self._per_sample(y, outputs[0])
        xp = self.network.backend.xp
        if weight is not None:
            losses = losses * weight
            dz = dz * xp.reshape(weight / total, (-1, 1))
        else:
            dz = dz / total
        self.network.backward(tape, [dz], graph=self._graph)
        return xp.sum(losses) / total

    def value(self, x: Array, y: Array, weight: Array | None) -> Array:
        """Σₙ wₙ lₙ (0-d), with no part of the network at random."""
        outputs, _ = self.network.forward((x,), train=False, graph=self._graph)
        losses, _ = self._per_sample(y, outputs[0])
        return self.network.backend.xp.sum(losses if weight is None else losses * weight)

    def add_penalty(self, total: Array | float) -> Array:
        """α/2 ‖W‖² / S (0-d); its gradient is added to `network.grad`."""
        share = self.alpha / total
        weights, gradient = self._weights, self._their_gradient
        gradient[...] = gradient + share * weights
        return 0.5 * share * self.network.backend.xp.sum(weights * weights)
