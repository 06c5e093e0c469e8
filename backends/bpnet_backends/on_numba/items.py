"""A recorded step as a short list: merged operations on rows, matrix products, and what has to be left to NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.array_utils import byte_bounds

from bpnet_backends.on_numba import products
from bpnet_backends.on_numba.blas import mkl
from bpnet_backends.on_numba.folding import folded
from bpnet_backends.on_numba.operands import operand, same_place
from bpnet_backends.on_numba.operations import MAP, ROW, Operation, operation
from bpnet_backends.on_numba.products import Product
from bpnet_backends.on_numba.rows import RowKernel
from bpnet_backends.on_numba.samples import Sampled
from bpnet_backends.on_numpy.recording import Call, is_alone, root

WHOLE = (0, 0)
"""The place of memory that is not visited row by row."""


@dataclass(frozen=True, eq=False)
class Access:
    """Memory that an item reads or writes, and where its row n lies: (address, bytes from row to row), or WHOLE."""

    array: np.ndarray
    place: tuple[int, int] = WHOLE

    @cached_property
    def owner(self) -> int | None:
        """The identity of the array whose memory this is; None where it is not NumPy's own."""
        owner = root(self.array)
        return id(owner) if is_alone(owner) else None

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """The addresses of its first byte and of the byte after its last."""
        return byte_bounds(self.array)

    def meets(self, other: Access) -> bool:
        """May the two share a byte?"""
        if self.owner != other.owner and self.owner is not None and other.owner is not None:
            return False
        return self.bounds[0] < other.bounds[1] and other.bounds[0] < self.bounds[1]


class Item:
    """A part of a step: what it does, over how many rows, and the memory that it touches."""

    def __init__(self, work: RowKernel | Product | Sampled | Call) -> None:
        self.work = work
        self._reads: list[Access] = []
        self._writes: list[Access] = []
        self._touched: set[int | None] = set()
        self._known = 0  # how many operations of a row kernel the two lists are of

    @property
    def rows(self) -> int:
        """How many rows may be divided among threads; 0 where NumPy does it."""
        return 0 if isinstance(self.work, Call) else self.work.rows

    @property
    def cost(self) -> float:
        """Nanoseconds on one thread, about."""
        return 0.0 if isinstance(self.work, Call) else self.work.cost

    def reads(self) -> list[Access]:
        """What it reads."""
        self._look()
        return self._reads

    def writes(self) -> list[Access]:
        """What it writes."""
        self._look()
        return self._writes

    def may_meet(self, other: Item) -> bool:
        """May the two touch the same memory? Told by the owners alone."""
        own, others = self._owners(), other._owners()
        return None in own or None in others or not own.isdisjoint(others)

    def _owners(self) -> set[int | None]:
        self._look()
        return self._touched

    def _look(self) -> None:
        """Bring the lists up to date: a row kernel grows."""
        if isinstance(self.work, RowKernel):
            for op in self.work.operations[self._known :]:
                self._reads += _operation_reads(op)
                self._writes.append(_operation_write(op))
                self._touched |= op.owners
            self._known = len(self.work.operations)
        elif not self._writes:
            self._reads, self._writes = _accesses(self.work)
            self._touched = {access.owner for access in (*self._reads, *self._writes)}


def _accesses(work: Product | Sampled | Call) -> tuple[list[Access], list[Access]]:
    if isinstance(work, Call):
        return [Access(array) for array in work.reads], [Access(array) for array in work.outputs]
    if isinstance(work, Sampled):
        found = [Access(x, (x.ctypes.data, x.strides[0]) if by_rows else WHOLE) for x, by_rows in work.arrays]
        return found[: len(work.inputs)], found[len(work.inputs) :]
    by_rows = (work.out.ctypes.data, work.out.strides[0]) if work.divided == products.ROWS else WHOLE
    return _product_reads(work), [Access(work.out, by_rows)]


def conflict(first: Item, second: Item, *, by_rows: bool = False) -> bool:
    """Must `second` wait for `first`? With `by_rows`, a row of the one need not wait for another row of the other."""
    if not first.may_meet(second):
        return False
    written, read = first.writes(), second.writes()
    pairs = [(a, b) for a in written for b in [*second.reads(), *read]] + [(a, b) for a in first.reads() for b in read]
    return any(a.meets(b) and not (by_rows and a.place == b.place != WHOLE) for a, b in pairs)


def items(calls: Sequence[Call]) -> list[Item]:
    """The calls, merged where their order allows it."""
    found: list[Item] = []
    for call in calls:
        if call.kind == "samples":
            found.append(Item(Sampled(call.function, call.inputs, call.outputs)))
            continue
        product = products.product(call)
        forms = _forms(call, product)
        if not any(_joined(op, found) for op in forms):
            found.append(Item(RowKernel(forms[0]) if forms else _alone(call, product)))
    return found


def _forms(call: Call, product: Product | None) -> list[Operation]:
    """The call as an operation with the first axis as rows, or with all axes but the last; those that it has."""
    if product:
        forms = [_outer(product) if product.sizes[2] == 1 else None]
    else:
        alike = folded(call)
        forms = [operation(call), operation(alike) if alike else None]
    return [op for op in forms if op is not None]


def _alone(call: Call, product: Product | None) -> Product | Call:
    """What is no operation on rows."""
    return _divided(product) if product and (mkl() or product.cost < OWN_THREADS) else call


def _joined(op: Operation, found: Sequence[Item]) -> bool:
    """Put `op` into an earlier kernel, unless it would overtake what it depends on.

    The last kernel of its rows takes anything. One further back takes what leaves one value a row of what it has in
    registers; a whole array made long before it is needed would only travel to memory and back.
    """
    own = Item(RowKernel(op))
    is_near = True
    for item in reversed(found):
        if isinstance(item.work, RowKernel) and (is_near or _shrinks(op, item.work)) and item.work.accepts(op):
            item.work.operations.append(op)
            return True
        if conflict(item, own):
            return False
        is_near = is_near and (op.rows == 1 or item.rows == 1)
    return False


def _shrinks(op: Operation, kernel: RowKernel) -> bool:
    """Does it make one value a row, or less, of what the kernel computes?"""
    made = [old.output for old in kernel.operations]
    return (op.kind != MAP or op.width == 1) and any(same_place(out, x) for out in made for x in op.inputs)


def _outer(product: Product) -> Operation | None:
    """The product of one column and one row, which is elementwise."""
    a, b, out = (operand(x, product.out.shape) for x in (product.a, product.b, product.out))
    return None if a is None or b is None or out is None else Operation(MAP, (a, b), out, "{0} * {1}")


OWN_THREADS = 2e7
"""Nanoseconds of work from which a product is left to NumPy, whose OpenBLAS divides it better; MKL needs no help."""

SMALL_RESULT = 1 << 17
"""Elements of a product of which each thread may have a copy."""

SMALL_FACTOR = 1 << 18
"""Elements of a factor that every chunk may read as a whole, however few its rows are."""

MANY_ROWS = 256
"""From here on a product is divided by the rows of the batch, which lets a thread go on with what it has in cache."""


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


def _operation_reads(op: Operation) -> list[Access]:
    aligned = [
        Access(x.array, (x.address, x.across * x.array.itemsize) if x.across and x.rows == op.rows else WHOLE)
        for x in op.inputs
    ]
    return [*aligned, *([Access(op.table.array)] if op.table else [])]


def _operation_write(op: Operation) -> Access:
    x = op.output
    by_rows = op.kind in (MAP, ROW) and x.rows == op.rows and x.across
    return Access(x.array, (x.address, x.across * x.array.itemsize) if by_rows else WHOLE)


def _product_reads(product: Product) -> list[Access]:
    a, b = product.a, product.b
    by_rows = {
        products.ROWS: (Access(a, (a.ctypes.data, a.strides[0])), Access(b)),
        products.COLUMNS: (Access(a), Access(b)),
        products.INNER: (Access(a, (a.ctypes.data, a.strides[1])), Access(b, (b.ctypes.data, b.strides[0]))),
    }
    return list(by_rows[product.divided])
