"""Matrix products through a BLAS that is called by address from compiled code.

c = a b, all in rows; c (M, N), a (M, K), b (K, N), a and b possibly transposed in memory. What a thread takes of it are
rows of c, columns of c, or, where K is long and c small, a part of K: then each chunk has a c of its own, and the sum
of them is the product.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet_backends.fusion.products import COLUMNS, ROWS, Product, leading
from bpnet_backends.on_numba.blas import routine
from bpnet_backends.on_numba.compiling import address_of_function
from bpnet_backends.on_numba.words import call_fortran, int64_at, of_type

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


def arguments(product: Product, a: int, b: int, c: int) -> list[int]:
    """The table of a product's kernel, given the addresses of a, b and c; c may be that of the chunks' own."""
    kind = "s" if product.out.dtype == np.float32 else "d"
    (lead_a, turned_a), (lead_b, turned_b) = leading(product.a), leading(product.b)
    routines = [routine(kind + name) for name in ("gemm", "gemv")]
    leads = [lead_a, lead_b, product.out.shape[1]]
    return [*routines, a, b, c, *product.sizes, *leads, turned_a, turned_b, product.divided]


def kernel(dtype: str) -> int:
    """The address of the compiled product of that type."""
    return address_of_function(multiply, **of_type(dtype))
