"""A recorded step as a short list: merged operations on rows, matrix products, and what has to be left to NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from bpnet_backends.fusion import products
from bpnet_backends.fusion.accesses import WHOLE, Access
from bpnet_backends.fusion.folding import folded
from bpnet_backends.fusion.operands import operand, same_place
from bpnet_backends.fusion.operations import MAP, ROW, Operation, operation
from bpnet_backends.fusion.products import Product
from bpnet_backends.fusion.rows import RowKernel
from bpnet_backends.on_numpy.recording import Call


class Other(Protocol):
    """Work of a kind that only the backend knows."""

    @property
    def rows(self) -> int:
        """How many rows may be divided among threads."""

    @property
    def cost(self) -> float:
        """Nanoseconds on one thread, about."""

    def accesses(self) -> tuple[list[Access], list[Access]]:
        """What it reads, and what it writes."""


Work = RowKernel | Product | Call | Other
Alone = Callable[[Call, Product | None], Product | Call | Other]
"""What becomes of a call that is no operation on rows; it comes with itself as a product, if it is one."""


class Item:
    """A part of a step: what it does, over how many rows, and the memory that it touches."""

    def __init__(self, work: Work) -> None:
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


def _accesses(work: Product | Call | Other) -> tuple[list[Access], list[Access]]:
    if isinstance(work, Call):
        return [Access(array) for array in work.reads], [Access(array) for array in work.outputs]
    if not isinstance(work, Product):
        return work.accesses()
    by_rows = (work.out.ctypes.data, work.out.strides[0]) if work.divided == products.ROWS else WHOLE
    return _product_reads(work), [Access(work.out, by_rows)]


def conflict(first: Item, second: Item, *, by_rows: bool = False) -> bool:
    """Must `second` wait for `first`? With `by_rows`, a row of the one need not wait for another row of the other."""
    if not first.may_meet(second):
        return False
    written, read = first.writes(), second.writes()
    pairs = [(a, b) for a in written for b in [*second.reads(), *read]] + [(a, b) for a in first.reads() for b in read]
    return any(a.meets(b) and not (by_rows and a.place == b.place != WHOLE) for a, b in pairs)


def _product_or_call(call: Call, product: Product | None) -> Product | Call:
    return product or call


def items(calls: Sequence[Call], alone: Alone = _product_or_call) -> list[Item]:
    """The calls, merged where their order allows it."""
    found: list[Item] = []
    for call in calls:
        product = products.product(call)
        forms = _forms(call, product)
        if not any(_joined(op, found) for op in forms):
            found.append(Item(RowKernel(forms[0]) if forms else alone(call, product)))
    return found


def _forms(call: Call, product: Product | None) -> list[Operation]:
    """The call as an operation with the first axis as rows, or with all axes but the last; those that it has."""
    if product:
        forms = [_outer(product) if product.sizes[2] == 1 else None]
    else:
        alike = folded(call)
        forms = [operation(call), operation(alike) if alike else None]
    return [op for op in forms if op is not None]


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
    if a is None or b is None or out is None:
        return None
    return Operation(MAP, (a, b), out, "{0} * {1}", name="outer product", flop=product.out.size)


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
