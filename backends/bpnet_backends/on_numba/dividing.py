"""What is no operation on rows: sample kernels, products and how they are divided among threads, and NumPy's calls."""

from __future__ import annotations

from bpnet_backends.fusion import products
from bpnet_backends.fusion.products import Product
from bpnet_backends.on_numba.blas import mkl
from bpnet_backends.on_numba.samples import Sampled
from bpnet_backends.on_numpy.recording import Call

OWN_THREADS = 2e7
"""Nanoseconds of work from which a product is left to NumPy, whose OpenBLAS divides it better; MKL needs no help."""

SMALL_RESULT = 1 << 17
"""Elements of a product of which each thread may have a copy."""

SMALL_FACTOR = 1 << 18
"""Elements of a factor that every chunk may read as a whole, however few its rows are."""

MANY_ROWS = 256
"""From here on a product is divided by the rows of the batch, which lets a thread go on with what it has in cache."""


def alone(call: Call, product: Product | None) -> Product | Sampled | Call:
    """What replays the call."""
    if call.kind == "samples":
        return Sampled(call.function, call.inputs, call.outputs)
    return _divided(product) if product and (mkl() or product.cost < OWN_THREADS) else call


def _divided(product: Product) -> Product:
    """The product, divided so that threads have the most to do and the least to share."""
    m, n, k = product.sizes
    if product.is_turned and k >= MANY_ROWS and m * n <= SMALL_RESULT:
        product.divided = products.INNER
    elif not product.is_turned and m >= MANY_ROWS and (n * k <= SMALL_FACTOR or m >= n):
        product.divided = products.ROWS
    else:
        product.divided = products.COLUMNS if n > m else products.ROWS
    return product
