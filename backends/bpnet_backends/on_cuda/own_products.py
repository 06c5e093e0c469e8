"""Matrix products by kernels of our own: for tiny ones, and where cuBLASLt is not installed.

c = a b in square tiles: a block of 256 threads computes one tile of c, a slice of `DEPTH` of a's columns and b's rows
at a time from shared memory. Any strides do. A small result of a long sum, such as a weight gradient, would keep only a
few blocks busy: the sum is then cut into parts, which a second kernel adds in their order. So the results are the same
at each run, and on each GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bpnet_backends.on_cuda.device import Device, Launch, Matrix, Memory

TINY = 1 << 15
"""Multiply-adds up to which our kernel is taken where there is a choice: a guess, not measured yet."""

DEPTH = 16
SIDE = 16
"""Threads of a block along x and y."""
BLOCKS = 256
"""Blocks that keep a large GPU busy."""
SHORTEST = 128
"""Summands of a part, at least."""

TYPES = {"float32": ("float", "fmaf"), "float64": ("double", "fma")}
"""What CUDA calls them, and x y + s rounded once, as the BLAS does it."""


def is_tiny(a: Matrix, c: Matrix) -> bool:
    """Is the product c = a b so small that a call of a library has nothing to win?"""
    return c.stack * c.rows * c.columns * a.columns <= TINY


class OwnProducts:
    """Products on a device; the sums' parts lie in its `workspace`, one product after the other."""

    def __init__(self, device: Device, workspace: Memory) -> None:
        self._device = device
        self._workspace = workspace
        self._loaded: dict[tuple[str, int], tuple[Any, Any]] = {}

    def prepared(self, a: Matrix, b: Matrix, c: Matrix) -> Callable[[], None]:
        """What computes c = a b on the current stream."""
        tile = 64 if min(c.rows, c.columns) > 32 else 32
        tiles = -(-c.rows // tile) * -(-c.columns // tile) * c.stack
        size, elements = (4 if c.dtype == "float32" else 8), c.stack * c.rows * c.columns
        if not elements:
            return lambda: None
        parts = max(1, min(BLOCKS // tiles, a.columns // SHORTEST, self._workspace.size // (elements * size)))
        product, join = self._kernels(c.dtype, tile)
        depth = -(-a.columns // parts)
        operands = (*_places(a), *_places(b))
        if parts == 1:
            result = (*_places(c), 0)
        else:
            result = (self._workspace.address, c.rows * c.columns, c.columns, 1, elements)
        extents = (c.rows, c.columns, a.columns, depth, c.stack)
        works = [Launch(product, (tiles * parts, 1), (SIDE, SIDE), (*operands, *result, *extents))]
        if parts > 1:
            arguments = (self._workspace.address, *_places(c), c.rows, c.columns, c.stack, parts)
            works.append(Launch(join, (-(-elements // 256), 1), (256, 1), arguments))
        launch, held = self._device.launch, (self._workspace, a.memory, b.memory, c.memory)

        def run() -> None:
            for work in works:
                launch(work)
            assert held  # as long as this can be called

        return run

    def _kernels(self, dtype: str, tile: int) -> tuple[Any, Any]:
        if (dtype, tile) not in self._loaded:
            names = [f"product_{dtype}_{tile}", f"join_{dtype}_{tile}"]
            product, join = self._device.load(text(dtype, tile), names)
            self._loaded[dtype, tile] = product, join
        return self._loaded[dtype, tile]


def _places(matrix: Matrix) -> tuple[int, int, int, int]:
    return matrix.address, matrix.over, matrix.down, matrix.along


def text(dtype: str, tile: int) -> str:
    """The two kernels for a type and a tile's side; integers are of 64 bits, strides count elements."""
    kind, fused = TYPES[dtype]
    return (
        _TEXT.replace("NAME", f"{dtype}_{tile}")
        .replace("TYPE", kind)
        .replace("FUSED", fused)
        .replace("TILE", str(tile))
        .replace("DEPTH", str(DEPTH))
        .replace("SIDE", str(SIDE))
    )


_TEXT = """
typedef long long whole;

// Part p of c[s, i, j] = sum over k of a[s, i, k] b[s, k, j]: summands p * part to (p + 1) * part.
extern "C" __global__ void product_NAME(
    const TYPE* a, whole a_over, whole a_down, whole a_along, const TYPE* b, whole b_over, whole b_down, whole b_along,
    TYPE* c, whole c_over, whole c_down, whole c_along, whole c_part,
    whole rows, whole columns, whole depth, whole part, whole stack)
{
    const int PER = TILE / SIDE;
    __shared__ TYPE left[DEPTH][TILE + 1];
    __shared__ TYPE right[DEPTH][TILE + 1];
    const int x = threadIdx.x, y = threadIdx.y, thread = y * SIDE + x;

    unsigned int rest = blockIdx.x;
    const unsigned int across = (unsigned int)((columns + TILE - 1) / TILE);
    const unsigned int downward = (unsigned int)((rows + TILE - 1) / TILE);
    const whole first_column = (whole)(rest % across) * TILE;
    rest /= across;
    const whole first_row = (whole)(rest % downward) * TILE;
    rest /= downward;
    const whole s = rest % (unsigned int)stack;
    const whole p = rest / (unsigned int)stack;
    const whole begin = p * part;
    const whole end = begin + part < depth ? begin + part : depth;

    a += s * a_over;
    b += s * b_over;
    TYPE sums[PER][PER];
    for (int i = 0; i < PER; ++i)
        for (int j = 0; j < PER; ++j) sums[i][j] = 0;

    for (whole from = begin; from < end; from += DEPTH) {
        // Neighbouring threads read neighbouring elements, whichever way these lie.
        for (int e = thread; e < TILE * DEPTH; e += SIDE * SIDE) {
            const int i = a_along == 1 ? e / DEPTH : e % TILE, k = a_along == 1 ? e % DEPTH : e / TILE;
            const bool inside = first_row + i < rows && from + k < end;
            left[k][i] = inside ? a[(first_row + i) * a_down + (from + k) * a_along] : (TYPE)0;
        }
        for (int e = thread; e < TILE * DEPTH; e += SIDE * SIDE) {
            const int j = b_along == 1 ? e % TILE : e / DEPTH, k = b_along == 1 ? e / TILE : e % DEPTH;
            const bool inside = first_column + j < columns && from + k < end;
            right[k][j] = inside ? b[(from + k) * b_down + (first_column + j) * b_along] : (TYPE)0;
        }
        __syncthreads();
        #pragma unroll
        for (int k = 0; k < DEPTH; ++k) {
            #pragma unroll
            for (int i = 0; i < PER; ++i) {
                const TYPE a_ik = left[k][y + i * SIDE];
                #pragma unroll
                for (int j = 0; j < PER; ++j) sums[i][j] = FUSED(a_ik, right[k][x + j * SIDE], sums[i][j]);
            }
        }
        __syncthreads();
    }

    c += p * c_part + s * c_over;
    for (int i = 0; i < PER; ++i) {
        for (int j = 0; j < PER; ++j) {
            const whole row = first_row + y + i * SIDE, column = first_column + x + j * SIDE;
            if (row < rows && column < columns) c[row * c_down + column * c_along] = sums[i][j];
        }
    }
}

// c[s, i, j] = the sum of its parts, in their order.
extern "C" __global__ void join_NAME(
    const TYPE* parts, TYPE* c, whole c_over, whole c_down, whole c_along,
    whole rows, whole columns, whole stack, whole number)
{
    const whole elements = stack * rows * columns;
    const whole e = (whole)blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= elements) return;
    TYPE sum = parts[e];
    for (whole p = 1; p < number; ++p) sum += parts[p * elements + e];
    const whole j = e % columns, i = e / columns % rows, s = e / columns / rows;
    c[s * c_over + i * c_down + j * c_along] = sum;
}
"""
