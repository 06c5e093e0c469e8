"""K networks of one architecture that learn side by side: each array of one network has a model axis before it.

What differs between the models, such as learning rates and penalties, is a column (K, 1). Each model's numbers are
those that it would have alone; see `objective.py` and `optimizers.py` for the formulas.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bpnet.backend import Array, Backend
from bpnet.nn.graph import Input, Node
from bpnet.nn.layer import Layer
from bpnet.nn.losses import Loss
from bpnet.nn.op import zeros
from bpnet.nn.stacked import StackedNetwork
from bpnet.sequential import Sequential
from bpnet.sklearn.losses import leaves_out_activation, on_logits
from bpnet.sklearn.placed import Architecture
from bpnet.sklearn.stacked_update import StackedUpdate
from bpnet.training.step import batch_sizes


class Stack:
    """K networks and what they minimize: `WeightedObjective`'s L, each with its own alpha."""

    def __init__(self, models: int, architecture: Architecture, backend: Backend, dtype: str, loss: Loss) -> None:
        self.models, self.backend, self.dtype = models, backend, dtype
        layers: list[Layer | Node] = [Input((architecture.units[0],)), *architecture.layers()]
        one = Sequential(layers, backend=backend, dtype=dtype, seed=0).network
        self.network = StackedNetwork(one, models)
        self.theta, self.grad = self.network.theta, self.network.grad
        self.alpha = zeros(backend, (models, 1), dtype)
        decaying = one.layout.decaying
        self._weights, self._their_gradient = self.theta[:, :decaying], self.grad[:, :decaying]
        loss = on_logits(loss)
        learning = one.with_linear(one.graph.outputs) if leaves_out_activation(loss) else one.graph
        self._learning = self.network.stacked(learning)
        self._per_sample = loss.bind(backend)

    def learn(self, x: Array, y: Array) -> Array:
        """L of each model (K,) on its x (K, N, I) and y (K·N, ...); the gradients go to `grad`."""
        xp, samples = self.backend.xp, float(x.shape[1])
        z, tape = self.network.forward(x, train=True, graph=self._learning)
        losses, dz = self._losses(y, z)
        self.network.backward(tape, dz / samples, graph=self._learning)
        share, gradient = self.alpha / samples, self._their_gradient
        gradient[...] = gradient + share * self._weights
        penalty = 0.5 * share[:, 0] * xp.sum(self._weights * self._weights, axis=-1)
        return xp.sum(losses, axis=-1) / samples + penalty

    def outputs(self, x: Array) -> Array:
        """The outputs (K, N, O) for x (K, N, I), last activation included."""
        return self.network.forward(x, train=False, graph=self.network.graph)[0]

    def total_loss(self, x: Array, y: Array) -> Array:
        """Σₙ lₙ (K,), without the penalty."""
        z, _ = self.network.forward(x, train=False, graph=self._learning)
        return self.backend.xp.sum(self._losses(y, z)[0], axis=-1)

    def _losses(self, y: Array, z: Array) -> tuple[Array, Array]:
        """The loss of each sample (K, N) and its gradient, like z. A loss knows no models: they are more samples."""
        xp = self.backend.xp
        losses, dz = self._per_sample(y, xp.reshape(z, (-1, z.shape[-1])))
        return xp.reshape(losses, z.shape[:2]), xp.reshape(dz, z.shape)


class StackedDescent:
    """Epochs of a stack: a captured step for full batches, and one for a smaller last batch.

    All models learn from the same samples. A model's batch is x[rows], y[rows + shift]: `shift` (K, 1) leads to its own
    targets, where y has several sets.
    """

    def __init__(self, stack: Stack, update: StackedUpdate, x: Array, y: Array, samples: int, batch_size: int) -> None:
        be = stack.backend
        self.stack, self.update, self._x, self._y = stack, update, x, y
        self.shift = zeros(be, (stack.models, 1), "int64")
        self._rows = zeros(be, (stack.models, samples), "int64")
        self._cursor = zeros(be, (), "int64")
        self._loss = zeros(be, (stack.models,), "float64")
        self._samples = samples
        self._sizes = batch_sizes(samples, batch_size)
        self._steps = {size: be.capture(self._step(size)) for size in set(self._sizes)}

    def epoch(self, rows: np.ndarray) -> np.ndarray:
        """Learn from the samples in this order (K, N): each model's mean of the batches' losses (K,)."""
        be = self.stack.backend
        self._loss[...] = 0.0
        self._rows[...] = be.asarray(rows, "int64")
        self._cursor[...] = 0
        for size in self._sizes:
            self._steps[size]()
        return np.asarray(be.to_numpy(self._loss)) / self._samples

    def taken(self, rows: Array) -> tuple[Array, Array]:
        """x (K, N, I) and y (K·N, ...) of these rows (K, N)."""
        xp = self.stack.backend.xp
        x = xp.take(self._x, xp.reshape(rows, (-1,)), axis=0)
        y = xp.take(self._y, xp.reshape(rows + self.shift, (-1,)), axis=0)
        return xp.reshape(x, (*rows.shape, x.shape[-1])), y

    def _step(self, size: int) -> Callable[[], None]:
        xp = self.stack.backend.xp
        offsets = self.stack.backend.asarray(range(size), "int64")

        def step() -> None:
            rows = xp.take(self._rows, self._cursor + offsets, axis=1)
            self._cursor[...] = self._cursor + size
            value = self.stack.learn(*self.taken(rows))
            self.update.step()
            self._loss[...] = self._loss + float(size) * xp.astype(value, xp.float64)

        return step
