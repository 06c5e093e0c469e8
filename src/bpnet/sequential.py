"""A chain of layers, written as a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpnet.backend import Backend
from bpnet.data import arrays
from bpnet.models import Model
from bpnet.names import numbered
from bpnet.nn.graph import Node, chain
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network


class Sequential(Model):
    """A chain of layers.

    The input's shape comes from `Input(shape)` in the first place, from the first layer's `input_dim` or
    `input_shape`, or from the first data that the model sees.

    >>> from bpnet import Dense, Input
    >>> model = Sequential([Input((4,)), Dense(8, "tanh"), Dense(3, "softmax")])
    >>> model.output_shape, [array.shape for array in model.get_weights()]
    ((3,), [(4, 8), (8,), (8, 3), (3,)])
    """

    is_chain = True

    def __init__(
        self,
        layers: Sequence[Layer | Node] = (),
        *,
        backend: str | Backend | None = None,
        dtype: str | None = None,
        seed: int = 0,
        precision: str | None = None,
    ) -> None:
        super().__init__(backend=backend, dtype=dtype, seed=seed, precision=precision)
        self._layers: list[Layer] = []
        self._input_shape: tuple[int, ...] | None = None
        if isinstance(layers, Layer | Node):
            raise TypeError(f"layers: {layers!r} was given, expected a list of layers: [{layers!r}]")
        for layer in layers:
            self.add(layer)

    def take_input_shape(self, shape: Sequence[int]) -> None:
        """The shape of a sample, where it is not known yet."""
        if self._input_shape is None:
            self._input_shape = tuple(shape)

    def add(self, layer: Layer | Node) -> None:
        """Append a layer; `Input(shape)` in the first place states the shape of a sample."""
        if self._network is not None:
            raise RuntimeError("the model is built already; make a new one with all its layers")
        if isinstance(layer, Node):
            if self._layers or layer.layer is not None:
                raise ValueError("layers: Input(shape) may stand in the first place only")
            self._input_shape = layer.shape
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"layers: {layer!r} was given, expected a layer, or Input(shape) in the first place")
        if any(layer is other for other in self._layers):
            raise ValueError(f"layers: {layer.name!r} stands twice in the model; make a layer for each place")
        layer.name = self._free_name(layer)
        if not self._layers and self._input_shape is None:
            self._input_shape = getattr(layer, "input_shape", None)
        self._layers.append(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers in their order, before the model is built too. To append one is what `add` does."""
        return list(self._layers)

    @property
    def network(self) -> Network:
        """The graph and its vectors theta, grad and state; built when first asked for."""
        if self._network is None and self._input_shape is not None:
            if not self._layers:
                raise ValueError("layers: the model has none; add at least one")
            self.build(chain(self._layers, self._input_shape))
        return super().network

    @property
    def output_names(self) -> list[str]:
        """The name of the last layer; before there is one, nobody can ask for it by name."""
        return [self._layers[-1].name if self._layers else "output"]

    @property
    def can_build(self) -> bool:
        """Is the input shape known, and is there a layer?"""
        return self._input_shape is not None and bool(self._layers)

    def _network_for(self, x: Any) -> Network:
        if self._network is None and self._input_shape is None:
            self._input_shape = arrays.numeric("x", x).shape[1:] or (1,)
        return self.network

    def _free_name(self, layer: Layer) -> str:
        """The layer's name, numbered where an earlier layer has it already."""
        taken = {other.name for other in self._layers}
        if layer.is_named and layer.name in taken:
            raise ValueError(f"name: two layers are called {layer.name!r}; give each its own")
        return numbered(layer.name, taken)
