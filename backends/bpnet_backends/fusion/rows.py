"""Operations on the same rows, merged: one loop over the rows, in which intermediate values stay in registers.

The text of a kernel names no address and no size: those come from its table of arguments, so one compiled kernel serves
every network in which the same operations follow one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bpnet_backends.fusion.operands import Operand, overlap, same_place
from bpnet_backends.fusion.operations import COLUMNS, MAP, ROW, TOTAL, Operation

MOST_OPERATIONS = 48
"""Longer kernels take long to compile, and have no more to share."""

TRAVEL = 0.05
"""Nanoseconds an element between memory and registers."""


@dataclass(eq=False)
class Stage:
    """A loop over the columns of a row; of width 1, what is done once a row."""

    width: int
    operations: list[Operation] = field(default_factory=list)


class RowKernel:
    """Operations that go through the same rows together."""

    def __init__(self, first: Operation) -> None:
        self.rows = first.rows
        self.operations = [first]

    def accepts(self, more: Operation) -> bool:
        """May `more` join? Not if it needs a sum over all rows, or memory that is written here in another order."""
        if more.rows != self.rows or len(self.operations) >= MOST_OPERATIONS:
            return False
        return not any(_overtakes(more, old) for old in self.operations if old.may_meet(more))

    @property
    def cost(self) -> float:
        """Nanoseconds on one thread, about: of the operations, and of the memory that they go through."""
        memory = {x.address: x.rows * x.width for op in self.operations for x in (*op.inputs, op.output) if x.is_whole}
        return sum(op.rows * op.width * op.cost for op in self.operations) + TRAVEL * sum(memory.values())


def _overtakes(more: Operation, old: Operation) -> bool:
    """Would row n of `more`, done right after row n of `old`, meet memory of other rows of the two?"""
    tables = [(op.table, other.output) for op, other in ((more, old), (old, more)) if op.table is not None]
    return (
        any(overlap(table, written) for table, written in tables)
        or any(_conflict(old.output, x, old.kind) for x in (*more.inputs, more.output))
        or any(_conflict(more.output, x, more.kind) for x in (*old.inputs, old.output))
    )


def _conflict(written: Operand, other: Operand, kind: str) -> bool:
    """Does `other` touch what is written, and not just the element of the same place?"""
    return overlap(written, other) and (kind in (COLUMNS, TOTAL) or not same_place(written, other))


def stages(operations: Sequence[Operation], *, reductions_apart: bool = True) -> list[Stage]:
    """Operations of one width in one loop, until one needs a value that is complete at the loop's end only.

    Where one instruction works on several columns, reductions of rows are better in loops of their own.
    """
    found: list[Stage] = []
    for op in operations:
        stage = found[-1] if found else None
        reduced = [old.output for old in stage.operations if old.kind == ROW] if stage else []
        waits = any(same_place(old, x) for old in reduced for x in op.inputs)
        other = stage is not None and op.width > 1 and (op.kind == ROW) != (stage.operations[-1].kind == ROW)
        if stage is None or stage.width != op.width or (other and reductions_apart) or (waits and op.width > 1):
            stage = Stage(op.width)
            found.append(stage)
        stage.operations.append(op)
    return found


def is_flat(found: Sequence[Stage]) -> bool:
    """Can rows and columns be one loop? Then all arrays are whole, or one value."""
    if len(found) != 1:
        return False
    (stage,) = found
    return all(
        op.kind in (MAP, TOTAL)
        and op.table is None
        and all(x.is_whole or x.is_scalar for x in (*op.inputs, *_target(op)))
        for op in stage.operations
    )


def _target(op: Operation) -> tuple[Operand, ...]:
    return (op.output,) if op.kind == MAP else ()
