"""Numbers of things, each looked up in a table of vectors.

Forward:   y[n, l, :] = w[x[n, l], :].
Backward:  dw[v, :] = Σ dy[n, l, :] over all (n, l) with x[n, l] = v; as a product, dw = 1ᵀ dy with 1[m, v] = (x_m = v),
           because several rows may name the same v.
Shapes:    x (N, L) or (N,) of whole numbers from 0, w (V, D), y (N, L, D).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.graph import Shape
from bpnet.nn.initializers import Initializer, initializer
from bpnet.nn.layer import Layer
from bpnet.nn.op import op
from bpnet.nn.parameters import Parameter
from bpnet.nn.shapes import one_input, sample_shape, whole

LARGEST = 1 << 24
"""Whole numbers up to here are exact in float32, the type that inputs come in."""


@op
def embedding_grad(be: Backend, indices: Array, dy: Array, dw: Array) -> None:
    """dw = 1ᵀ dy;  indices (M,) int64, dy (M, D), dw (V, D)."""
    xp = be.xp
    numbers = be.asarray(range(dw.shape[0]), "int64")
    one_hot = xp.astype(xp.expand_dims(numbers, axis=1) == xp.expand_dims(indices, axis=0), dy.dtype)
    dw[...] = one_hot @ dy


class Embedding(Layer):
    """y = w[x];  dw[v] = Σ dy where x = v; x has no gradient.  x (N, L) → y (N, L, output_dim).

    x holds whole numbers from 0 below `input_dim`. Where an Input feeds the layer directly, a model refuses other
    numbers with a ValueError, on the host; what other layers hand to it is not checked, and what happens there with
    other numbers is undefined.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *,
        embeddings_initializer: str | Initializer = "uniform",
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.input_dim = whole("input_dim", input_dim)
        if input_dim > LARGEST:
            raise ValueError(f"input_dim: {input_dim} was given, expected at most {LARGEST}: inputs come as float32")
        self.table_rows = input_dim
        self.output_dim = whole("output_dim", output_dim)
        self.embeddings_initializer = initializer(embeddings_initializer)
        self.input_shape = sample_shape(input_shape)

    def output_shape(self, *inputs: Shape) -> Shape:
        """(…) → (…, output_dim)."""
        return (*one_input(self.name, inputs), self.output_dim)

    def parameters(self, *inputs: Shape) -> Sequence[Parameter]:
        """The table w (V, D)."""
        shape = (self.input_dim, self.output_dim)
        return (Parameter("w", shape, self.embeddings_initializer, *shape, decays=True),)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The rows of the table; backward needs their numbers."""
        xp = self.xp
        indices = xp.reshape(xp.astype(x[0], xp.int64), (-1,))
        y = xp.reshape(xp.take(p.w, indices, axis=0), (*x[0].shape, self.output_dim))
        return y, (indices, x[0])

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dw; the numbers of things have no gradient, which is 0 where one is asked for."""
        indices, x = saved
        embedding_grad(self.backend, indices, self.xp.reshape(dy, (-1, self.output_dim)), g.w)
        return (self.xp.zeros_like(x),) if need_dx else None
