"""Which items a thread runs on its rows before it waits for the others, and into how many chunks the rows are divided.

Where chunks are summed, their number depends on the sizes alone, not on the number of threads: the sum is the same on
any number of them. Products that stand alone are divided into a part a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from bpnet_backends.fusion import products
from bpnet_backends.fusion.items import Item, conflict
from bpnet_backends.fusion.products import Product
from bpnet_backends.on_numba.models import Stacked
from bpnet_backends.on_numba.samples import Sampled
from bpnet_backends.on_numba.team import available

WORTH_DIVIDING = 40_000.0
"""Nanoseconds of work from which the start of threads, some 10,000, is worth it."""

CHUNK = 100_000.0
"""Nanoseconds of work that a chunk has where there is enough of it."""

MOST_CHUNKS = 64
LEAST_PART = 64
"""Rows or columns of a product that stands alone."""

FEWEST_ROWS = 16
"""Of a chunk."""

CHUNK_OF_SAMPLES = 400_000.0
"""The same where there are kernels that work sample by sample, each of which makes ready first."""

MOST_SUMS = 1 << 21
"""Numbers that the chunks of such a kernel may sum up in all, each its own: a gradient a chunk."""

BESIDE_SAMPLES = 4
"""What products matter less in a region in which most of the work is on samples: convolutions."""


@dataclass
class Region:
    """Items that run chunk by chunk; with one chunk, one after another."""

    items: list[Item]

    @property
    def rows(self) -> int:
        """The rows that are divided; 0 where NumPy does the work."""
        return self.items[0].rows

    @property
    def chunks(self) -> int:
        """Into how many parts: a power of two, which any usual number of cores divides evenly."""
        cost = sum(item.cost for item in self.items)
        if any(isinstance(item.work, Stacked) for item in self.items):
            return _parts_of_models(self.rows, cost)
        sampled = [item.work for item in self.items if isinstance(item.work, Sampled)]
        fewest = max((_fewest_samples(work) for work in sampled), default=FEWEST_ROWS)
        if self.rows < 2 * fewest or cost < WORTH_DIVIDING:
            return 1
        if all(isinstance(item.work, Product) and item.work.divided != products.INNER for item in self.items):
            return max(1, min(available(), int(2 * cost / WORTH_DIVIDING), self.rows // LEAST_PART))
        packing = max(_rows_to_pack(item) for item in self.items)
        fewest = max(fewest, packing // BESIDE_SAMPLES if sampled else packing)
        chunk = CHUNK_OF_SAMPLES if sampled else CHUNK
        most = min([MOST_CHUNKS, *(MOST_SUMS // max(work.sums, 1) for work in sampled)])
        parts = max(2, min(most, int(cost / chunk), self.rows // fewest))
        return 1 << (parts.bit_length() - 1)


def _parts_of_models(models: int, cost: float) -> int:
    """Chunks of as many models as are worth it, one at least; they need not be many, since models are alike."""
    if cost < WORTH_DIVIDING:
        return 1
    parts = max(2, min(MOST_CHUNKS, int(cost / CHUNK), models))
    return 1 << (parts.bit_length() - 1)


def _fewest_samples(work: Sampled) -> int:
    """As many as the kernel takes at a time, but so few that there can be four chunks."""
    return max(1, min(work.kernel.together, work.rows // 4))


def _rows_to_pack(item: Item) -> int:
    """The fewest rows of a product for which it is worth that every chunk packs the whole other factor."""
    if not isinstance(item.work, Product):
        return 1
    m, n, k = item.work.sizes
    other = {products.ROWS: n * k, products.COLUMNS: m * k, products.INNER: m * n}[item.work.divided]
    return max(64, min(512, isqrt(other) // 2))


def regions(items: Sequence[Item]) -> list[Region]:
    """The items in regions; an item joins an earlier region of its rows if it may overtake what lies between."""
    found: list[Region] = []
    for item in items:
        if not _joined(item, found):
            found.append(Region([item]))
    return found


def _joined(item: Item, found: Sequence[Region]) -> bool:
    for region in reversed(found):
        fits = item.rows > 1 and item.rows == region.rows
        if fits and not any(conflict(old, item, by_rows=True) for old in region.items):
            region.items.append(item)
            return True
        if any(conflict(old, item) for old in region.items):
            return False
    return False
