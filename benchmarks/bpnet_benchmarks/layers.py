"""The layers of the nets that are timed: their shapes, and the multiplications of their products.

A sample is a vector (I,) or an image (H, W, C), channels last. A convolution's window of K × K moves by one and makes
H' × W' places: H' = H - K + 1, or H where it is `same`, with zeros around the image, the odd one behind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

Shape = tuple[int, ...]

ACTIVATIONS = ("relu", "tanh", "softmax")
"""softmax in a net's last layer alone."""


class Layer(ABC):
    """A link of the chain. It knows the shape of a sample, without the batch's axis."""

    kind: str
    """Its name in JSON."""
    activation: str = "linear"

    @abstractmethod
    def output(self, shape: Shape) -> Shape:
        """The shape that comes out where `shape` goes in. ValueError: it does not fit."""

    def weights(self, shape: Shape) -> tuple[Shape, ...]:
        """The shapes of w and b where `shape` goes in; none where the layer has no weights."""
        return ()

    def products(self, shape: Shape) -> int:
        """Multiplications of the forward product, of a sample: the numbers in w, times the places it is used at."""
        return 0


@dataclass(frozen=True)
class Dense(Layer):
    """y = f(x w + b);  x (I,), w (I, units), b (units,)."""

    units: int
    activation: str = "relu"
    kind: str = field(default="dense", init=False)

    def __post_init__(self) -> None:
        _known(self.activation)

    def output(self, shape: Shape) -> Shape:
        """(I,) → (units,)."""
        _of_axes(self, shape, 1)
        return (self.units,)

    def weights(self, shape: Shape) -> tuple[Shape, ...]:
        """(I, units) and (units,)."""
        return (*shape, self.units), (self.units,)

    def products(self, shape: Shape) -> int:
        """I · units."""
        return prod(self.weights(shape)[0])


@dataclass(frozen=True)
class Conv(Layer):
    """y = f(x ∗ w + b);  x (H, W, C), w (size, size, C, filters), b (filters,)."""

    filters: int
    size: int
    same: bool = False
    activation: str = "relu"
    kind: str = field(default="conv", init=False)

    def __post_init__(self) -> None:
        _known(self.activation)

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros before and behind, along each axis."""
        return ((self.size - 1) // 2, self.size // 2) if self.same else (0, 0)

    def output(self, shape: Shape) -> Shape:
        """(H, W, C) → (H', W', filters)."""
        _of_axes(self, shape, 3)
        height, width = (n + sum(self.padding) - self.size + 1 for n in shape[:2])
        return _there(self, shape, (height, width, self.filters))

    def weights(self, shape: Shape) -> tuple[Shape, ...]:
        """(size, size, C, filters) and (filters,)."""
        return (self.size, self.size, shape[-1], self.filters), (self.filters,)

    def products(self, shape: Shape) -> int:
        """H' · W' · size² · C · filters."""
        return prod(self.output(shape)[:2]) * prod(self.weights(shape)[0])


@dataclass(frozen=True)
class Pool(Layer):
    """y = the largest of each size × size square;  rows and columns that fill no square are left out."""

    size: int
    kind: str = field(default="pool", init=False)

    def output(self, shape: Shape) -> Shape:
        """(H, W, C) → (⌊H / size⌋, ⌊W / size⌋, C)."""
        _of_axes(self, shape, 3)
        height, width, channels = shape
        return _there(self, shape, (height // self.size, width // self.size, channels))


@dataclass(frozen=True)
class Flatten(Layer):
    """An image as a vector, channel by channel in a place, place by place in a row."""

    kind: str = field(default="flatten", init=False)

    def output(self, shape: Shape) -> Shape:
        """(H, W, C) → (H·W·C,)."""
        return (prod(shape),)


KINDS: dict[str, type[Layer]] = {"dense": Dense, "conv": Conv, "pool": Pool, "flatten": Flatten}


def layer_from(fields: Mapping[str, Any]) -> Layer:
    """The layer whose fields, with `kind`, were written as JSON."""
    return KINDS[fields["kind"]](**{name: value for name, value in fields.items() if name != "kind"})


def _known(activation: str) -> None:
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation: {activation!r} was given, expected one of {', '.join(ACTIVATIONS)}")


def _of_axes(layer: Layer, shape: Shape, count: int) -> None:
    if len(shape) != count:
        raise ValueError(f"{layer}: a sample of shape {shape} came, expected {count} axes")


def _there(layer: Layer, given: Shape, made: Shape) -> Shape:
    if min(made) < 1:
        raise ValueError(f"{layer}: its window does not fit into a sample of shape {given}")
    return made
