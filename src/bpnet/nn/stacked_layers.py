"""Layers at work on a stack of K models: x (K, N, …) → y (K, N, …), parameters with the model axis first.

A layer whose formulas count axes from the end is asked once, for all models. Dropout draws for each model by its own
key, as it would alone. Any other layer is asked for one model after another, on views of its parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from bpnet.nn.dense import Dense
from bpnet.nn.dropout import Dropout
from bpnet.nn.layer import Layer
from bpnet.nn.op import zeros
from bpnet.nn.random import advance, below, threshold

FROM_THE_END = (Dense, Activation, ReLU, LeakyReLU, ELU, Softmax)
"""The layers whose formulas hold with any axes before those of a batch. A class derived from them may have others."""


class StackedLayer:
    """A layer as it is, asked once for all models; the base of the other two."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.xp = layer.xp

    def parameters(self, views: SimpleNamespace) -> SimpleNamespace:
        """Views (K, …) as the layer takes them: a vector (K, O) is added to batches (K, N, O), so it is (K, 1, O)."""
        vectors = {name: view for name, view in vars(views).items() if view.ndim == 2}
        rows = {name: self.xp.reshape(view, (view.shape[0], 1, view.shape[1])) for name, view in vectors.items()}
        return SimpleNamespace(**(vars(views) | rows))

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """y, and what backward will need."""
        return self.layer.forward(p, *x, train=train)

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """The gradients of the parameters into g, views (K, …); dx, one for each input."""
        return self.layer.backward(p, saved, dy, g, need_dx=need_dx)


class StackedDropout(StackedLayer):
    """y = x ⊙ m / (1 - rateₖ), the mask m drawn for model k by its own key; see `dropout.py`."""

    def __init__(self, layer: Dropout, models: int) -> None:
        super().__init__(layer)
        self._most = zeros(layer.backend, (models,), "int64")
        self._factor = zeros(layer.backend, (models,), "float64")
        self.set_rates([layer.rate] * models)

    def set_rates(self, rates: Sequence[float]) -> None:
        """Another rate for each model; a step that was captured goes on with them."""
        be = self.layer.backend
        self._most[...] = be.asarray([threshold(1 - rate) for rate in rates], "int64")
        self._factor[...] = be.asarray([1 / (1 - rate) for rate in rates], "float64")

    def parameters(self, views: SimpleNamespace) -> SimpleNamespace:
        """The keys (K,)."""
        return views

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """Some elements of x, enlarged; backward needs to know which, and how much."""
        if not train:
            return x[0], None
        xp, along = self.xp, (-1,) + (1,) * (x[0].ndim - 1)
        most, key = xp.reshape(self._most, along), xp.reshape(p.key, along)
        mask = below(self.layer.backend, key, tuple(x[0].shape[1:]), most)
        advance(p.key)
        factor = xp.astype(xp.reshape(self._factor, along), x[0].dtype)
        return xp.where(mask, x[0] * factor, 0.0), (mask, factor)

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """The same elements of dy, enlarged."""
        mask, factor = saved
        return (self.xp.where(mask, dy * factor, 0.0),) if need_dx else None


class OneByOne(StackedLayer):
    """A layer that is asked for each model in turn."""

    def __init__(self, layer: Layer, models: int) -> None:
        super().__init__(layer)
        self._models = range(models)

    def parameters(self, views: SimpleNamespace) -> SimpleNamespace:
        """The views (K, …), of which each model has its own part."""
        return views

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The models' y, and what backward will need of each."""
        found = [
            self.layer.forward(_of_model(k, p), *(array[k, ...] for array in x), train=train) for k in self._models
        ]
        return self.xp.stack([y for y, _ in found]), [saved for _, saved in found]

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """Each model's gradients into its part of g; the models' dx."""
        found = [
            self.layer.backward(_of_model(k, p), saved[k], dy[k, ...], _of_model(k, g), need_dx=need_dx)
            for k in self._models
        ]
        parts = [dx for dx in found if dx is not None]
        return tuple(self.xp.stack(list(dx)) for dx in zip(*parts, strict=True)) if parts else None


def stacked_layer(layer: Layer, models: int) -> StackedLayer:
    """The layer, bound to its backend, at work on stacks of so many models."""
    if type(layer) in FROM_THE_END:
        return StackedLayer(layer)
    return StackedDropout(layer, models) if type(layer) is Dropout else OneByOne(layer, models)


def _of_model(k: int, views: SimpleNamespace) -> SimpleNamespace:
    """Model k's parts, themselves views."""
    return SimpleNamespace(**{name: array[k, ...] for name, array in vars(views).items()})
