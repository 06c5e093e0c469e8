"""Weight gradients: the kernels `weight_gradients`, a part for each of some blocks, and `joined`, the sum of the parts.

No block waits for another and nothing is added atomically, so the same step always gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from bpnet_backends.on_cuda import texts
from bpnet_backends.on_cuda.custom import Custom
from bpnet_backends.on_cuda.gathering import MULTIPROCESSORS, SHARED, cuts, resident

MOST_THREADS = 512
"""Of a block, where there are not more rows of weights: each row and slice of filters has one thread at least."""
JOINING = 16
"""Threads that add up one element's parts."""


@dataclass(frozen=True)
class Summing:
    """dw (*size, into, groups·out) and db, of x (images, *image, groups·into) and dz."""

    dtype: str
    at: Any
    """The window."""
    images: int
    groups: int
    into: int
    out: int
    bias: bool

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return 4 if self.dtype == "float32" else 8

    @property
    def weights(self) -> int:
        """How many there are."""
        return int(self.at.size[0] * self.at.size[1] * self.into * self.groups * self.out)

    @property
    def total(self) -> int:
        """With biases."""
        return self.weights + self.groups * self.out * self.bias

    @property
    def rows(self) -> int:
        """Of the weights of a group, with the bias."""
        return int(self.at.size[0] * self.at.size[1] * self.into + self.bias)


@dataclass(frozen=True)
class Sizes:
    """How the work is cut up."""

    many: int
    slices: int
    chunks: int
    tile: tuple[int, int]
    parts: tuple[int, int]
    """Threads of a unit, along the rows and columns of a tile."""
    grid: int
    """Blocks along x, each with every so-manieth tile."""


@cache
def kernels(of: Summing) -> tuple[Custom, Custom] | None:
    """What makes the parts, (grid, total), and what adds them up; None where a block cannot hold a tile."""
    found = [(cycles, sizes) for sizes in candidates(of) if (cycles := cost(of, sizes)) is not None]
    return cut_up(of, min(found, key=lambda pair: pair[0])[1]) if found else None


def cut_up(of: Summing, sizes: Sizes) -> tuple[Custom, Custom]:
    """The kernels for these sizes."""
    at, per_group, (rows, columns) = of.at, -(-of.out // sizes.many), sizes.tile
    units, wide = of.rows * sizes.slices, sizes.slices * sizes.many
    channels = _channels(of, sizes)
    tile = _taken(of, sizes.tile)
    threads = units * sizes.parts[0] * sizes.parts[1]
    constants = {
        "IMAGES": of.images, "HEIGHT": at.image[0], "WIDTH": at.image[1], "DOWN": at.places[0], "ACROSS": at.places[1],
        "GROUPS": of.groups, "IN": of.into, "OUT": of.out, "SIZE_DOWN": at.size[0], "SIZE_ACROSS": at.size[1],
        "MOVE_DOWN": at.strides[0], "MOVE_ACROSS": at.strides[1], "APART_DOWN": at.dilation[0],
        "APART_ACROSS": at.dilation[1], "TOP": at.before[0], "LEFT": at.before[1], "MANY": sizes.many,
        "SLICES": sizes.slices, "WIDE": wide, "PER_GROUP": per_group, "ROWS": rows, "COLUMNS": columns,
        "TILE_DOWN": tile[0], "TILE_ACROSS": tile[1], "CHANNELS": channels, "PIXEL": channels | 1, "UNITS": units,
        "TILES_DOWN": -(-at.places[0] // rows), "TILES_ACROSS": -(-at.places[1] // columns),
        "PARTS_DOWN": sizes.parts[0], "PARTS_ACROSS": sizes.parts[1], "THREADS": threads, "GRID": sizes.grid,
        "TOTAL": of.total, "ROOM": _room(of, sizes),
        "RESIDENT": resident(sizes.grid * sizes.chunks, threads, of.itemsize),
    }  # fmt: skip
    entry, text = texts.named("conv2d_grads", of.dtype, constants, texts.file("weight_gradients.cuh"))
    return Custom(entry, text, (sizes.grid, sizes.chunks), (threads, 1)), _joined(of, sizes.grid)


def _joined(of: Summing, parts: int) -> Custom:
    body = texts.file("joined.cuh").replace("OUTPUT_OF_BIAS", ", T* __restrict__ db" if of.bias else "")
    body = body.replace("BIAS_GRADIENT", "else db[e - WEIGHTS] = sum;" if of.bias else "")
    rows = min(JOINING, parts)
    constants = {"PARTS": parts, "TOTAL": of.total, "WEIGHTS": of.weights, "ROWS": rows}
    entry, text = texts.named("joined", of.dtype, constants, body)
    return Custom(entry, text, (-(-of.total // 32), 1), (32, rows))


def candidates(of: Summing) -> list[Sizes]:
    """Ways to cut it up, among them some that do not fit."""
    found = []
    for many in (n for n in (8, 4, 2, 1) if n <= of.out):
        per_group = -(-of.out // many)
        if of.groups > 1:
            of_block = max(
                1, min(of.groups, 32 // max(of.into, per_group * many), MOST_THREADS // (of.rows * per_group))
            )
            chunked = [(of_block * per_group, -(-of.groups // of_block))]
        else:
            chunked = sorted({(-(-per_group // n), n) for n in cuts(per_group)})
        for slices, chunks in chunked:
            units = of.rows * slices
            for down, across in product(cuts(of.at.places[0]), cuts(of.at.places[1])):
                tile = -(-of.at.places[0] // down), -(-of.at.places[1] // across)
                along = min(max(MOST_THREADS // units, 1), tile[1])
                parts = min(max(MOST_THREADS // (units * along), 1), tile[0]), along
                tiles = of.images * down * across
                found += [
                    Sizes(many, slices, chunks, tile, parts, -(-tiles // -(-tiles // most)))
                    for most in (MULTIPROCESSORS, 2 * MULTIPROCESSORS, 4 * MULTIPROCESSORS)
                ]
    return found


def _channels(of: Summing, sizes: Sizes) -> int:
    return of.into * (1 if of.groups == 1 else sizes.slices // -(-of.out // sizes.many))


def _taken(of: Summing, tile: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of x that lie under a tile of places."""
    down, across = (
        (n - 1) * s + (k - 1) * d + 1
        for n, s, k, d in zip(tile, of.at.strides, of.at.size, of.at.dilation, strict=True)
    )
    return down, across


def _room(of: Summing, sizes: Sizes) -> int:
    """Numbers in shared memory: tiles of dz and x, and in the end the sums of all threads."""
    taken, parts = _taken(of, sizes.tile), sizes.parts[0] * sizes.parts[1]
    tiles = sizes.tile[0] * sizes.tile[1] * sizes.slices * sizes.many
    tiles += taken[0] * taken[1] * (_channels(of, sizes) | 1)
    return max(tiles, of.rows * sizes.slices * parts * sizes.many if parts > 1 else 0)


def cost(of: Summing, sizes: Sizes) -> float | None:
    """Clock cycles, very roughly, as in `gathering`; None where a block cannot be so."""
    (rows, columns), (of_rows, of_columns) = sizes.tile, sizes.parts
    threads, room = of.rows * sizes.slices * of_rows * of_columns, _room(of, sizes)
    if threads > max(MOST_THREADS, 1024 * (of_rows * of_columns == 1)) or room * of.itemsize > SHARED:
        return None
    warps, places = -(-threads // 32), -(-rows // of_rows) * -(-columns // of_columns)
    tiles = of.images * -(-of.at.places[0] // rows) * -(-of.at.places[1] // columns)
    double = of.itemsize // 4
    busy = warps * places * max(sizes.many / 4 * double, double + max(sizes.many * of.itemsize / 16, 1)) + room / 8
    alone = 1500 + room / threads * 20 + places * (15 + sizes.many)
    blocks, at_once = (
        sizes.grid * sizes.chunks,
        max(1, min(2048 // (32 * warps), 200 * 1024 // (room * of.itemsize), 16)),
    )
    of_block = -(-tiles // sizes.grid)
    each = -(-blocks // MULTIPROCESSORS) * busy + -(-blocks // (MULTIPROCESSORS * at_once)) * alone
    return float(of_block * each + 600 * -(-sizes.grid // (8 * JOINING)))
