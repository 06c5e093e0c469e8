"""K networks of one architecture that learn side by side: each array of one network has a model axis before it.

theta and its gradient are (K, P), a weight (K, I, O), a bias (K, 1, O), a batch (K, N, ...). What differs between the
models, such as learning rates and penalties, is a column (K, 1). Each model's numbers are those that it would have
alone; see `objective.py` and `optimizers.py` for the formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from bpnet.backend import Array, Backend
from bpnet.nn.graph import Input, Node
from bpnet.nn.layer import Layer
from bpnet.nn.losses import Loss
from bpnet.nn.op import zeros
from bpnet.sequential import Sequential
from bpnet.sklearn.losses import leaves_out_activation, on_logits
from bpnet.sklearn.placed import Architecture
from bpnet.sklearn.stacked_update import StackedUpdate
from bpnet.training.step import batch_sizes


class Stack:
    """K networks, their optimizer, and the samples that they learn from, which they share.

    A model's batch is x[rows], y[rows + shift]: `shift` (K, 1) leads to its own targets, where y has several sets.
    """

    def __init__(self, models: int, architecture: Architecture, backend: Backend, dtype: str, loss: Loss) -> None:
        self.models, self.backend, self.dtype = models, backend, dtype
        layers: list[Layer | Node] = [Input((architecture.units[0],)), *architecture.layers()]
        network = Sequential(layers, backend=backend, dtype=dtype, seed=0).network
        self._places = network.layout.places
        self._weights = network.layout.decaying
        self._graph = network.graph
        loss = on_logits(loss)
        self._learning = network.with_linear(network.graph.outputs) if leaves_out_activation(loss) else network.graph
        self._per_sample = loss.bind(backend)
        self.theta = zeros(backend, (models, network.layout.size), dtype)
        self.grad = zeros(backend, (models, network.layout.size), dtype)
        self._p, self._g = self._views(self.theta, across_samples=True), self._views(self.grad, across_samples=False)
        self.alpha = zeros(backend, (models, 1), dtype)

    def _views(self, vectors: Array, *, across_samples: bool) -> list[SimpleNamespace]:
        """For each layer its views; biases (K, O), or (K, 1, O) to be added to the outputs for many samples."""
        layers = [SimpleNamespace() for _ in self._graph.layers]
        for place in self._places:
            shape = place.parameter.shape
            shape = (1, *shape) if across_samples and len(shape) == 1 else shape
            view = self.backend.xp.reshape(vectors[:, place.start : place.stop], (self.models, *shape))
            setattr(layers[place.layer], place.parameter.name, view)
        return layers

    def learn(self, x: Array, y: Array) -> Array:
        """L of each model (K,) on its x (K, N, I) and y (K·N, ...); the gradients go to `grad`."""
        xp, samples = self.backend.xp, int(x.shape[1])
        outputs, tape = self._graph_forward(self._learning, x, train=True)
        losses, dz = self._losses(y, outputs)
        self._learning.backward(self._p, tape, [dz / float(samples)], self._g)
        share, weights, gradient = self.alpha / float(samples), self.theta[:, : self._weights], self.grad
        gradient = gradient[:, : self._weights]
        gradient[...] = gradient + share * weights
        penalty = 0.5 * share[:, 0] * xp.sum(weights * weights, axis=-1)
        return xp.sum(losses, axis=-1) / float(samples) + penalty

    def outputs(self, x: Array) -> Array:
        """The outputs (K, N, O) for x (K, N, I), last activation included."""
        return self._graph_forward(self._graph, x, train=False)[0]

    def total_loss(self, x: Array, y: Array) -> Array:
        """Σₙ lₙ (K,), without the penalty."""
        z, _ = self._graph_forward(self._learning, x, train=False)
        return self.backend.xp.sum(self._losses(y, z)[0], axis=-1)

    def _graph_forward(self, graph: Any, x: Array, *, train: bool) -> tuple[Array, Any]:
        outputs, tape = graph.forward(self._p, (x,), train=train)
        return outputs[0], tape

    def _losses(self, y: Array, z: Array) -> tuple[Array, Array]:
        """The loss of each sample (K, N) and its gradient, like z. A loss knows no models: they are more samples."""
        xp = self.backend.xp
        losses, dz = self._per_sample(y, xp.reshape(z, (-1, z.shape[-1])))
        return xp.reshape(losses, z.shape[:2]), xp.reshape(dz, z.shape)


class StackedDescent:
    """Epochs of a stack: a captured step for full batches, and one for a smaller last batch."""

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
