"""All trainable numbers in one vector: what a layer declares, and where its arrays lie in `theta`.

Weights come first, biases and scales after, so that weight decay is a slice. A layer's arrays are views.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.initializers import Initializer


@dataclass(frozen=True)
class Parameter:
    """One array that a layer declares."""

    name: str
    shape: tuple[int, ...]
    initializer: Initializer
    fan_in: int = 1
    fan_out: int = 1
    decays: bool = False
    """True for weights, which decay and regularization apply to; False for biases and scales."""


@dataclass(frozen=True)
class Place:
    """Where one parameter of one layer lies in the vector."""

    layer: int
    parameter: Parameter
    start: int

    @property
    def stop(self) -> int:
        """One past its last element."""
        return self.start + prod(self.parameter.shape)

    def first(self, generator: Callable[[int, str], Any]) -> Any:
        """What the parameter begins as, on the host; `generator(layer, parameter)` draws it."""
        p = self.parameter
        return p.initializer(generator(self.layer, p.name), p.shape, p.fan_in, p.fan_out)


@dataclass(frozen=True)
class Layout:
    """The places of all parameters of a network, in the vector's order."""

    layers: int
    places: tuple[Place, ...] = field(default=())

    @classmethod
    def of(cls, declared: Sequence[Sequence[Parameter]]) -> Layout:
        """Lay out what each layer declares: decaying parameters in layer order, then the others."""
        places: list[Place] = []
        start = 0
        for decays in (True, False):
            for layer, parameters in enumerate(declared):
                for parameter in parameters:
                    if parameter.decays == decays:
                        places.append(Place(layer, parameter, start))
                        start = places[-1].stop
        return cls(len(declared), tuple(places))

    @property
    def size(self) -> int:
        """The length of the vector."""
        return self.places[-1].stop if self.places else 0

    @property
    def decaying(self) -> int:
        """The length of its first part, which decay applies to."""
        return max((place.stop for place in self.places if place.parameter.decays), default=0)

    def views(self, be: Backend, vector: Array) -> list[SimpleNamespace]:
        """For each layer a namespace of views of `vector`, by parameter name, after its leading axes."""
        layers = [SimpleNamespace() for _ in range(self.layers)]
        for place in self.places:
            part = vector[..., place.start : place.stop]
            view = be.xp.reshape(part, (*vector.shape[:-1], *place.parameter.shape))
            setattr(layers[place.layer], place.parameter.name, view)
        return layers
