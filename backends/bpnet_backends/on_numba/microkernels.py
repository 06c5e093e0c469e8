"""The two innermost loops of convolutions on planes, laid out for the registers of this processor.

`correlation`:  out_f[p] = Σ_t in[p + offset_t] · coefficient[t, f], for a few f and a block of p at a time.
`products`:     sum[t, f] += Σ_p in[p + offset_t] · other_f[p], for a few t and f at a time.

Each number that is loaded is used several times, and all sums stay in registers: of 32 that a processor with AVX-512
has, 24 are sums, of 16 others 12.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from llvmlite import binding

from bpnet_backends.on_numba.compiling import address_of
from bpnet_backends.on_numba.words import VECTORS

SHAPES = {32: {8: 3, 4: 6, 2: 8, 1: 8}, 16: {4: 3, 2: 4, 1: 8}}
"""For so many registers: how many planes are made at a time, and vectors of each; or planes and taps."""


@cache
def registers() -> tuple[int, int]:
    """The bytes of a vector register, and how many there are."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 64, 32
    if features.get("avx"):
        return 32, 16
    return 16, 32 if "neon" in features else 16


def lanes(dtype: str) -> int:
    """Numbers of that type in a register."""
    return registers()[0] // np.dtype(dtype).itemsize


def shape(planes: int) -> tuple[int, int]:
    """How many of `planes` are made at a time, and vectors (or taps) of each, for the least work in all."""
    shapes = SHAPES[registers()[1]]

    def work(many: int) -> float:
        loads = (2 * shapes[many] + many) / (many * shapes[many])  # a vector that begins anywhere is loaded twice
        return -(-planes // many) * many * max(1.0, loads)

    best = min(shapes, key=work)
    return best, shapes[best]


def correlation(dtype: str, planes: int, vectors: int) -> int:
    """The address of the function (in, offsets, coefficients, out, number of taps, blocks, bytes between planes)."""
    size = np.dtype(dtype).itemsize
    step = lanes(dtype) * size
    of_sums = [(f, v) for f in range(planes) for v in range(vectors)]
    lines = [
        "def kernel(source, offsets, coefficients, target, taps, blocks, apart):",
        f"    offset, w = int64_at(offsets), {dtype}_at(coefficients)",
        "    for i in range(blocks):",
        f"        here = source + i * {vectors * step}",
        *(f"        s{f}_{v} = spread(0, V_at(source))" for f, v in of_sums),
        "        for t in range(taps):",
        f"            x = V_at(here + {size} * offset[t])",
        *(f"            x{v} = x[{v}]" for v in range(vectors)),
        *(
            line
            for f in range(planes)
            for line in (
                f"            w{f} = spread(w[t * {planes} + {f}], x)",
                *(f"            s{f}_{v} = s{f}_{v} + x{v} * w{f}" for v in range(vectors)),
            )
        ),
        *(
            line
            for f in range(planes)
            for line in (
                f"        out{f} = V_at(target + i * {vectors * step} + {f} * apart)",
                *(f"        out{f}[{v}] = s{f}_{v}" for v in range(vectors)),
            )
        ),
    ]
    return _address(lines, dtype)


def products(dtype: str, planes: int, taps: int) -> int:
    """The address of the function (in, offsets, other, sums, vectors, bytes between planes)."""
    size = np.dtype(dtype).itemsize
    of_sums = [(t, f) for t in range(taps) for f in range(planes)]
    lines = [
        "def kernel(source, offsets, other, sums, vectors, apart):",
        f"    offset, made = int64_at(offsets), {dtype}_at(sums)",
        *(f"    x{t} = V_at(source + {size} * offset[{t}])" for t in range(taps)),
        *(f"    y{f} = V_at(other + {f} * apart)" for f in range(planes)),
        *(f"    s{t}_{f} = spread(0, x0)" for t, f in of_sums),
        "    for i in range(vectors):",
        *(f"        a{t} = x{t}[i]" for t in range(taps)),
        *(
            line
            for f in range(planes)
            for line in (
                f"        b{f} = y{f}[i]",
                *(f"        s{t}_{f} = s{t}_{f} + a{t} * b{f}" for t in range(taps)),
            )
        ),
        *(f"    made[{t * planes + f}] = made[{t * planes + f}] + total(s{t}_{f})" for t, f in of_sums),
    ]
    return _address(lines, dtype)


def _address(lines: list[str], dtype: str) -> int:
    return address_of("\n".join(lines), V_at=VECTORS[f"{dtype}x{lanes(dtype)}_at"])
