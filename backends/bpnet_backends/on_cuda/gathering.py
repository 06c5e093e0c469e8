"""Sums over taps, place by place: the kernel `gathered` for forward convolution and the gradient of its input.

Forward, along an axis, place u has element stride·u + dilation·p - before under tap p. Backward, element φ + stride·u,
for φ from 0 to stride - 1, is reached by the taps p for which φ + before - dilation·p is a multiple of the stride, from
the places u + (φ + before - dilation·p) / stride. So dx is made in as many phases as there are φ, down times across,
each of which is a convolution of dz by its own taps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import gcd
from typing import Any

from bpnet_backends.on_cuda import texts
from bpnet_backends.on_cuda.custom import Custom

MULTIPROCESSORS = 132
"""Of the H100; on other GPUs the sizes are not the best, but right."""
SHARED = 48 * 1024
"""Bytes of shared memory that a block may have."""
MOST_THREADS = 512
UNROLLED = 512
"""Multiply-adds of a thread that are written out; beyond, loops over taps stay loops."""


@dataclass(frozen=True)
class Along:
    """What a phase does along an axis. Tap number p is row `first` + p·`following` of the weights."""

    origin: int
    step: int
    """Its places lie at `origin` + u·`step` of what is made."""
    places: int
    move: int
    low: int
    """The first element of x that place u needs is u·`move` + `low`."""
    taps: int
    first: int
    following: int
    shift: int
    apart: int
    """Under tap p lies the element `shift` + p·`apart` from that first one."""

    @property
    def span(self) -> int:
        """How many elements a place needs."""
        return abs(self.apart) * max(self.taps - 1, 0) + 1


@dataclass(frozen=True)
class Gathering:
    """All that one launch makes: y (images, *made, groups·out) of x (images, *taken, groups·into)."""

    kind: str
    dtype: str
    images: int
    taken: tuple[int, int]
    made: tuple[int, int]
    groups: int
    into: int
    out: int
    size_across: int
    phases: tuple[tuple[Along, Along], ...]
    transposed: bool
    """Are the weights those of a forward pass the other way?"""
    bias: bool

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return 4 if self.dtype == "float32" else 8

    @property
    def places(self) -> tuple[int, int]:
        """The most that a phase has, down and across."""
        return max(down.places for down, _ in self.phases), max(across.places for _, across in self.phases)

    @property
    def taps(self) -> int:
        """The most that a phase has."""
        return max(down.taps * across.taps for down, across in self.phases)


@dataclass(frozen=True)
class Sizes:
    """How the work is cut up."""

    many: int
    """Output channels of a thread."""
    slices: int
    """So many threads have the output channels of a block."""
    together: int
    """Places of a thread."""
    tile: tuple[int, int, int]
    """Images, rows and columns of a block."""
    chunks: int
    """Blocks that have the same places."""


def forward(at: Any, images: int, into: int, out: int, groups: int, dtype: str, bias: bool) -> Gathering:
    """z; `into` and `out` are channels of a group."""
    axes = (
        Along(0, 1, n, s, -p, k, 0, 1, 0, d)
        for n, s, p, k, d in zip(at.places, at.strides, at.before, at.size, at.dilation, strict=True)
    )
    phases = ((next(axes), next(axes)),)
    return Gathering(
        "conv2d", dtype, images, at.image, at.places, groups, into, out, at.size[1], phases, False, bias
    )  # fmt: skip


def backward(at: Any, images: int, into: int, out: int, groups: int, dtype: str) -> Gathering:
    """dx of dz, whose channels are `into`."""
    down, across = (
        [_phase(phase, n, s, p, k, d) for phase in range(s)]
        for n, s, p, k, d in zip(at.image, at.strides, at.before, at.size, at.dilation, strict=True)
    )
    phases = tuple(product(down, across))
    return Gathering(
        "conv2d_input_grad", dtype, images, at.places, at.image, groups, into, out, at.size[1], phases, True, False
    )  # fmt: skip


def _phase(phase: int, n: int, stride: int, before: int, size: int, dilation: int) -> Along:
    taps = [p for p in range(size) if (phase + before - dilation * p) % stride == 0]
    from_places = [(phase + before - dilation * p) // stride for p in taps] or [0]
    following = stride // gcd(stride, dilation)
    low = min(from_places)
    return Along(
        phase, stride, max(-(-(n - phase) // stride), 0), 1, low,
        len(taps), taps[0] if taps else 0, following, from_places[0] - low, -(dilation * following // stride),
    )  # fmt: skip


@cache
def kernel(of: Gathering) -> Custom | None:
    """The kernel; None where its weights and a tile do not fit into shared memory."""
    found = [(cycles, sizes) for sizes in candidates(of) if (cycles := cost(of, sizes)) is not None]
    return cut_up(of, min(found, key=lambda pair: pair[0])[1]) if found else None


def cut_up(of: Gathering, sizes: Sizes) -> Custom:
    """The kernel for these sizes."""
    images, rows, columns = sizes.tile
    places = -(-images * rows * columns // sizes.together)
    per_group, wide = -(-of.out // sizes.many), sizes.slices * sizes.many
    channels = of.into * (1 if of.groups == 1 else sizes.slices // per_group)
    down, across = (-(-n // tile) for n, tile in zip(of.places, sizes.tile[1:], strict=True))
    unroll = _unrolled(of, sizes)
    grid = down * across * -(-of.images // images), sizes.chunks * len(of.phases)
    constants = {
        "IMAGES": of.images, "HEIGHT": of.taken[0], "WIDTH": of.taken[1], "OUT_HEIGHT": of.made[0],
        "OUT_WIDTH": of.made[1], "GROUPS": of.groups, "IN": of.into, "OUT": of.out, "SIZE_ACROSS": of.size_across,
        "TRANSPOSED": int(of.transposed), "BIAS": int(of.bias), "PHASES": len(of.phases), "MANY": sizes.many,
        "SLICES": sizes.slices, "WIDE": wide, "PER_GROUP": per_group, "TOGETHER": sizes.together,
        "TILE_IMAGES": images, "ROWS": rows, "COLUMNS": columns, "PLACES": places, "THREADS": places * sizes.slices,
        "CHANNELS": channels, "PIXEL": channels | 1, "TILES_DOWN": down, "TILES_ACROSS": across,
        "SLICES_FIRST": int(of.groups > 1), "UNROLL_DOWN": unroll[0], "UNROLL_ACROSS": unroll[1],
        "UNROLL_CHANNELS": unroll[2],
        "RESIDENT": resident(grid[0] * grid[1], places * sizes.slices, of.itemsize),
    }  # fmt: skip
    body = texts.file("gathered.cuh") + "".join(_struct(i, of, rows, columns) for i in range(len(of.phases)))
    entry, text = texts.named(of.kind, of.dtype, constants, body + _entry(of, sizes))
    return Custom(entry, text, grid, (places * sizes.slices, 1))


def resident(blocks: int, threads: int, itemsize: int) -> int:
    """Blocks that a multiprocessor is to hold, which limits a thread's registers: to 64, or 128 in float64.

    Where there are not more blocks than multiprocessors, each has one and its threads as many registers as they like.
    """
    return 1 if blocks <= MULTIPROCESSORS else max(1, 4096 // itemsize // (-(-threads // 32) * 32))


def _struct(number: int, of: Gathering, rows: int, columns: int) -> str:
    names: dict[str, int] = {}
    none = not all(along.taps for along in of.phases[number])
    for axis, many, along in zip(("DOWN", "ACROSS"), (rows, columns), of.phases[number], strict=True):
        names |= {
            axis: along.places, f"FROM_{axis}": along.origin, f"STEP_{axis}": along.step, f"MOVE_{axis}": along.move,
            f"LOW_{axis}": along.low, f"TAPS_{axis}": along.taps, f"FIRST_{axis}": along.first,
            f"NEXT_{axis}": along.following, f"SHIFT_{axis}": along.shift, f"APART_{axis}": along.apart,
            f"TILE_{axis}": (many - 1) * along.move + along.span,
        }  # fmt: skip
    if none:  # a row of no taps, as a column of none would be divided by
        names |= {"TAPS_DOWN": 0, "TAPS_ACROSS": 1}
    numbers = ", ".join(f"{name} = {value}" for name, value in names.items())
    return f"struct Phase{number} {{ enum {{ {numbers} }}; }};\n"


def _entry(of: Gathering, sizes: Sizes) -> str:
    tile, kept = _room(of, sizes)
    phases = "".join(
        f"    if (blockIdx.y % PHASES == {i}) gathered<Phase{i}>(x, w, {'b' if of.bias else '(const T*)0'}, "
        "y, tile, kept);\n"
        for i in range(len(of.phases))
    )
    return (
        f'extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT) ENTRY(const T* x, const T* w, '
        f"{'const T* b, ' if of.bias else ''}T* y) {{\n"
        f"    __shared__ __align__(16) T kept[{kept}];\n    __shared__ T tile[{tile}];\n{phases}}}\n"
    )


def _room(of: Gathering, sizes: Sizes) -> tuple[int, int]:
    """Numbers of the tile of x, and of the weights."""
    channels = of.into * (1 if of.groups == 1 else sizes.slices // -(-of.out // sizes.many))
    images, rows, columns = sizes.tile
    tile = max(
        images * ((rows - 1) * down.move + down.span) * ((columns - 1) * across.move + across.span)
        for down, across in of.phases
    )
    return tile * (channels | 1), max(of.taps, 1) * of.into * sizes.slices * sizes.many


def _unrolled(of: Gathering, sizes: Sizes) -> tuple[int, int, int]:
    """How often the loops over rows and columns of the window and over channels are written out."""
    work, found = sizes.many * sizes.together * of.itemsize // 4, []
    for n in (of.into, max(a.taps for _, a in of.phases), max(d.taps for d, _ in of.phases)):
        whole = work * n <= UNROLLED
        found.append(max(n, 1) if whole else 1)
        work = work * n if whole else UNROLLED + 1
    if found[0] == 1 and of.into > 1:
        found[0] = max(1, min(4, 64 // (sizes.many * sizes.together)))
    return found[2], found[1], found[0]


def candidates(of: Gathering) -> list[Sizes]:
    """Ways to cut it up, among them some that do not fit."""
    places, found = of.places, []
    for many in (n for n in (8, 4, 2, 1) if n <= of.out):
        per_group = -(-of.out // many)
        if of.groups > 1:
            of_block = max(1, min(of.groups, 32 // max(of.into, per_group * many)))
            chunked = [(of_block * per_group, -(-of.groups // of_block))]
        else:
            chunked = sorted({(-(-per_group // n), n) for n in cuts(per_group)})
        for (slices, chunks), together in product(chunked, (4, 2, 1)):
            for down, across in product(cuts(places[0]), cuts(places[1])):
                tile = -(-places[0] // down), -(-places[1] // across)
                together_images = (1, 2, 4, 8) if tile == places else (1,)
                found += [Sizes(many, slices, together, (n, *tile), chunks) for n in together_images if n <= of.images]
    return found


def cuts(n: int) -> Sequence[int]:
    """Into how many parts `n` may be cut: each size of a part once, as few parts as it takes."""
    return sorted(
        {-(-n // size) for size in {-(-n // parts) for parts in (1, 2, 3, 4, 5, 6, 8, 11, 16, 24, 32, 64, n)}}
    )


def cost(of: Gathering, sizes: Sizes) -> float | None:
    """Clock cycles, very roughly; None where a block cannot be so.

    In a cycle a multiprocessor does four warps' multiply-adds and one warp's read of shared memory: a number of a
    place, or 16 bytes of weights. A block that is alone waits some 1,500 cycles for its first reads, and about 10 in
    each sum; others use that time if there are any.
    """
    images, rows, columns = sizes.tile
    places = -(-images * rows * columns // sizes.together)
    threads = places * sizes.slices
    tile, kept = _room(of, sizes)
    shared = (tile + kept) * of.itemsize
    if threads > MOST_THREADS or shared > SHARED or sizes.chunks * len(of.phases) > 65535:
        return None
    warps, sums = -(-threads // 32), max(of.taps, 1) * of.into
    blocks = sizes.chunks * len(of.phases) * -(-of.images // images)
    blocks *= -(-of.places[0] // rows) * -(-of.places[1] // columns)
    double = of.itemsize // 4
    reads = sizes.together * double + max(sizes.many * of.itemsize / 16, 1)
    busy = warps * sums * max(sizes.together * sizes.many / 4 * double, reads) + (tile + kept) / 8
    alone = 1500 + (tile + kept) / threads * 20 + sums * (10 + sizes.together * sizes.many)
    at_once = max(1, min(2048 // (32 * warps), 200 * 1024 // shared, 16))
    return -(-blocks // MULTIPROCESSORS) * busy + -(-blocks // (MULTIPROCESSORS * at_once)) * alone
