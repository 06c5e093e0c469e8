"""Which results of a merged kernel have to be stored: those that are read elsewhere, or outlive the step."""

from __future__ import annotations

from collections.abc import Sequence

from bpnet_backends.fusion.items import Item
from bpnet_backends.fusion.operations import Operation
from bpnet_backends.fusion.rows import RowKernel
from bpnet_backends.on_numpy.recording import Record, root


class Readers:
    """Who reads which memory, of all items of a step."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._of: dict[int, list[Item]] = {}
        for item in items:
            for memory in {id(root(access.array)) for access in item.reads()}:
                self._of.setdefault(memory, []).append(item)

    def needed_elsewhere(self, op: Operation, kernel: RowKernel, record: Record) -> bool:
        """Does anybody but `kernel` read the result, or is its memory older than the step?"""
        readers = self._of.get(id(root(op.output.array)), [])
        return not record.is_own(op.output.array) or any(item.work is not kernel for item in readers)
