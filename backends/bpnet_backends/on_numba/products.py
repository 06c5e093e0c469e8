"""Matrix products through a BLAS that is called by address from compiled code.

c = a b, all in rows; c (M, N), a (M, K), b (K, N), a and b possibly transposed in memory. What a thread takes of it are
rows of c, columns of c, or, where K is long and c small, a part of K: then each chunk has a c of its own, and the sum
of them is the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet_backends.on_numba.blas import routine
from bpnet_backends.on_numba.compiling import address_of_function
from bpnet_backends.on_numba.words import call_fortran, int64_at, of_type
from bpnet_backends.on_numpy.recording import Call

ROWS, COLUMNS, INNER = range(3)
"""What is divided among threads."""

NORMAL, TRANSPOSED = np.uint8(ord("N")), np.uint8(ord("T"))


REAL: Any = None
"""float32 or float64: the type of the numbers of a product."""

BYTES = 0
"""Of one number."""


def multiply(arguments: int, start: int, stop: int, chunk: int) -> None:
    """A chunk's part of a product; `arguments` makes the table."""
    a = int64_at(arguments)
    gemm, gemv, x, y, z = a[0], a[1], a[2], a[3], a[4]
    rows, columns, inner = a[5], a[6], a[7]
    lead_x, lead_y, lead_z = a[8], a[9], a[10]
    turned_x, turned_y, divided = a[11] != 0, a[12] != 0, a[13]
    if divided == ROWS:
        x += BYTES * start * (1 if turned_x else lead_x)
        z += BYTES * start * lead_z
        rows = stop - start
    elif divided == COLUMNS:
        y += BYTES * start * (lead_y if turned_y else 1)
        z += BYTES * start
        columns = stop - start
    else:
        x += BYTES * start * (lead_x if turned_x else 1)
        y += BYTES * start * (1 if turned_y else lead_y)
        z += BYTES * chunk * rows * lead_z
        inner = stop - start
    m, n, k = np.int32(rows), np.int32(columns), np.int32(inner)
    lx, ly, lz = np.int32(lead_x), np.int32(lead_y), np.int32(lead_z)
    one, zero = REAL(1), REAL(0)
    # Fortran counts along columns: it sees the transposes, zᵀ = yᵀ xᵀ.
    if rows == 1:
        step = np.int32(lead_x if turned_x else 1)
        if turned_y:
            call_fortran(gemv, TRANSPOSED, k, n, one, y, ly, x, step, zero, z, np.int32(1))
        else:
            call_fortran(gemv, NORMAL, n, k, one, y, ly, x, step, zero, z, np.int32(1))
    else:
        tx = TRANSPOSED if turned_x else NORMAL
        ty = TRANSPOSED if turned_y else NORMAL
        call_fortran(gemm, ty, tx, n, m, k, one, y, ly, x, lx, zero, z, lz)


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
        return _layout(self.a)[1]

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


def arguments(product: Product, a: int, b: int, c: int) -> list[int]:
    """The table of a product's kernel, given the addresses of a, b and c; c may be that of the chunks' own."""
    kind = "s" if product.out.dtype == np.float32 else "d"
    (lead_a, turned_a), (lead_b, turned_b) = _layout(product.a), _layout(product.b)
    routines = [routine(kind + name) for name in ("gemm", "gemv")]
    leads = [lead_a, lead_b, product.out.shape[1]]
    return [*routines, a, b, c, *product.sizes, *leads, turned_a, turned_b, product.divided]


def _layout(x: np.ndarray) -> tuple[int, bool]:
    found = layout(x)
    assert found is not None, "products are made of what the BLAS can take only"
    return found


def kernel(dtype: str) -> int:
    """The address of the compiled product of that type."""
    return address_of_function(multiply, **of_type(dtype))
