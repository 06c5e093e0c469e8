"""What is trained: a chain of layers, what a step of it costs at least, and how it is written as JSON.

All nets are float32, with a softmax, categorical cross-entropy of integer labels and Adam.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from bpnet_benchmarks.layers import Dense, Flatten, Layer, Shape, layer_from

BATCHES = (1, 32, 256, 2_048, 16_384)
"""Batch sizes where none are asked for."""

CHECKED_STEPS = 20
"""The steps after which a contender's loss is compared with the reference."""

CHECKED_FLOP = 2e11
"""A cell whose checked steps would need more than this takes fewer of them, but at least 3."""

FIT_ROWS = 16_384
"""Rows of an epoch of `fit`, at least."""

LEAST_FIT_ROWS = 2_048
FIT_FLOP = 2e11
"""An epoch that would need more than this on a CPU has fewer rows, but at least so many."""

FLOAT32 = 4
"""Bytes."""


@dataclass(frozen=True)
class Workload:
    """A net: the shape of a sample, (I,) or (H, W, C), and the layers, of which the last is Dense(…, "softmax")."""

    name: str
    input: Shape
    layers: tuple[Layer, ...]
    batches: tuple[int, ...] = BATCHES
    gpu_only: bool = False
    data: str = "teacher"
    """`teacher`: labels drawn from a linear model. `xor`: two bits, a 1 for the bias, and their exclusive or."""

    def __post_init__(self) -> None:
        if [layer.activation == "softmax" for layer in self.layers] != [False] * (len(self.layers) - 1) + [True]:
            raise ValueError(f"workload {self.name!r}: expected a softmax in the last layer, and there alone")
        list(self.chain())  # the shapes fit

    def chain(self) -> Iterator[tuple[Layer, Shape, Shape]]:
        """Each layer with the shapes of a sample before and after it."""
        shape = self.input
        for layer in self.layers:
            after = layer.output(shape)
            yield layer, shape, after
            shape = after

    @property
    def has_images(self) -> bool:
        """Is a sample (H, W, C)?"""
        return len(self.input) == 3

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers in a sample, and in what each layer makes of it; Flatten, which makes nothing, left out."""
        made = (prod(after) for layer, _, after in self.chain() if not isinstance(layer, Flatten))
        return (prod(self.input), *made)

    @property
    def parameters(self) -> int:
        """Weights and biases: Σ (I·O + O) of dense layers, Σ (K²·C·F + F) of convolutions."""
        return sum(self._parameters())

    def flop(self, batch: int) -> int:
        """Floating-point operations of one step's products on N = `batch` samples.

        Forward 2·N·I·O of a dense layer and 2·N·H'·W'·K²·C·F of a convolution; as much for dw; and as much for dx, but
        not in the first layer, whose dx nobody needs. Products with the zeros around an image count too. What is
        elementwise, maxima included, is left out.
        """
        products = [count for layer, before, _ in self.chain() if (count := layer.products(before))]
        return 2 * batch * (3 * sum(products) - products[0])

    def bytes(self, batch: int) -> int:
        """The least traffic of one step between memory and the arithmetic, in bytes of float32.

        With P parameters, P₁ of them in the first layer: read forward (P) and for dx (P - P₁); the gradient written and
        read (2P); Adam's θ, m and v read and written (6P). With N = `batch`: the gathered inputs and every layer's
        outputs written once and read once (2·N·Σ sizes). No patches of images: a convolution can do without.
        """
        parameters = 10 * self.parameters - self._parameters()[0]
        return FLOAT32 * (parameters + 2 * batch * sum(self.sizes))

    def checked_steps(self, batch: int) -> int:
        """After how many steps the loss is compared with the reference: 20, or fewer where a step is long."""
        return max(3, min(CHECKED_STEPS, int(CHECKED_FLOP / self.flop(batch))))

    def fit_rows(self) -> int:
        """How many rows an epoch of `fit` has, at least: 16,384, or fewer where it would take minutes."""
        if self.gpu_only:
            return FIT_ROWS
        return max(LEAST_FIT_ROWS, min(FIT_ROWS, int(FIT_FLOP / self.flop(1))))

    def _parameters(self) -> list[int]:
        """Of each layer that has any."""
        shapes = (layer.weights(before) for layer, before, _ in self.chain())
        return [sum(map(prod, both)) for both in shapes if both]


def dense_net(
    name: str,
    sizes: tuple[int, ...],
    hidden: str = "relu",
    batches: tuple[int, ...] = BATCHES,
    gpu_only: bool = False,
    data: str = "teacher",
) -> Workload:
    """Dense layers: `sizes` are those of the input, the hidden layers and the output."""
    layers = (*(Dense(size, hidden) for size in sizes[1:-1]), Dense(sizes[-1], "softmax"))
    return Workload(name, sizes[:1], layers, batches, gpu_only, data)


def workload_from(fields: Mapping[str, Any]) -> Workload:
    """The workload whose fields were written as JSON; files of format 1 give the sizes of a dense net."""
    fields = {**fields, "batches": tuple(fields["batches"])}
    if "sizes" in fields:
        return dense_net(**{**fields, "sizes": tuple(fields["sizes"])})
    return Workload(**{**fields, "input": tuple(fields["input"]), "layers": tuple(map(layer_from, fields["layers"]))})
