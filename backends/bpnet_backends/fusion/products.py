"""Matrix products c = a b as a BLAS takes them: c (M, N) in rows, a (M, K) and b (K, N) in rows or in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpnet_backends.on_numpy.recording import Call

ROWS, COLUMNS, INNER = range(3)
"""What is divided among threads."""


@dataclass(eq=False)
class Product:
    """One matrix product."""

    a: np.ndarray
    b: np.ndarray
    out: np.ndarray
    divided: int = ROWS

    @property
    def sizes(self) -> tuple[int, int, int]:
        """M, N, K."""
        return self.a.shape[0], self.b.shape[1], self.a.shape[1]

    @property
    def is_turned(self) -> bool:
        """Are the rows of a its columns in memory?"""
        return leading(self.a)[1]

    @property
    def rows(self) -> int:
        """How long the axis is that is divided."""
        return self.sizes[self.divided]

    @property
    def cost(self) -> float:
        """Nanoseconds on one thread, about: 80 operations each, but 8 where a number is used a few times only."""
        m, n, k = self.sizes
        return 2.0 * m * n * k / (80 if min(m, n, k) >= 8 else 8)


def product(call: Call) -> Product | None:
    """The call as a matrix product; None where the BLAS cannot take it as it lies in memory."""
    if call.kind != "matmul" or call.options:
        return None
    (a, b), (out,) = call.inputs, call.outputs
    arrays = (a, b, out)
    fits = all(isinstance(x, np.ndarray) and x.ndim == 2 and x.size and x.dtype == out.dtype for x in arrays)
    if not fits or out.dtype.name not in ("float32", "float64") or not out.flags.c_contiguous:
        return None
    if layout(a) is None or layout(b) is None:
        return None
    return Product(a, b, out)


def layout(x: np.ndarray) -> tuple[int, bool] | None:
    """The distance between rows in elements, and whether rows are columns in memory; None where neither follow on."""
    size = x.dtype.itemsize
    down, along = (stride // size for stride in x.strides)
    if (along == 1 or x.shape[1] == 1) and down >= x.shape[1]:
        return down, False
    if (down == 1 or x.shape[0] == 1) and along >= x.shape[0]:
        return along, True
    return None


def leading(x: np.ndarray) -> tuple[int, bool]:
    """The layout of a factor of a product."""
    found = layout(x)
    assert found is not None, "products are made of what the BLAS can take only"
    return found
