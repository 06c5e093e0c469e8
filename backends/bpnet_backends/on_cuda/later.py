"""Small kernels that can wait: on a GPU a launch costs more than what a kernel of one row does."""

from __future__ import annotations

from collections.abc import Sequence

from bpnet_backends.fusion.items import Item, conflict
from bpnet_backends.fusion.rows import RowKernel


def later(items: Sequence[Item]) -> list[Item]:
    """The items; kernels of one row are joined to the next one of one row, if nothing between waits for them."""
    found = list(items)
    for place in reversed(range(len(found))):
        target = _target(found, place)
        if target is not None:
            first, second = found.pop(place).work, found[target - 1].work
            assert isinstance(first, RowKernel)
            assert isinstance(second, RowKernel)
            merged = RowKernel(first.operations[0])
            merged.operations = [*first.operations, *second.operations]
            found[target - 1] = Item(merged)
    return found


def _target(found: Sequence[Item], place: int) -> int | None:
    """Where the kernel goes that the item at `place` may join."""
    item = found[place]
    if not isinstance(item.work, RowKernel) or item.rows != 1:
        return None
    for number in range(place + 1, len(found)):
        other = found[number]
        if isinstance(other.work, RowKernel) and other.rows == 1 and _fits(item.work, other.work):
            return number
        if conflict(item, other):
            return None
    return None


def _fits(first: RowKernel, second: RowKernel) -> bool:
    """Could the operations of the second have been added to the first?"""
    merged = RowKernel(first.operations[0])
    merged.operations = list(first.operations)
    for op in second.operations:
        if not merged.accepts(op):
            return False
        merged.operations.append(op)
    return True
