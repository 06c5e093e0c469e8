"""A recorded step made shorter: what nobody reads is left out, and results go straight to where they were copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from bpnet_backends.on_numpy.recording import Call, Record, is_alone, root

WORD = 16
"""Bytes that a kernel written by hand may store at once, into memory that is so aligned."""


def shortened(record: Record) -> list[Call]:
    """The calls that a replay has to make: the same values in all memory that outlives the step."""
    return with_results_in_place(record, without_unread(record, without_constants(record, record.calls)))


def without_constants(record: Record, calls: list[Call]) -> list[Call]:
    """Leave out what computes the same each time from constants alone; its memory keeps the result."""
    writes: dict[int, int] = {}
    for call in calls:
        for memory in roots(call.outputs):
            writes[memory] = writes.get(memory, 0) + 1
    constant: set[int] = set()
    left = []
    for call in calls:
        own = all(record.is_own(array) and writes[id(root(array))] == 1 for array in call.outputs)
        if own and (call.kind == "create" or roots(call.reads) <= constant):
            constant |= roots(call.outputs)
        else:
            left.append(call)
    return left


def without_unread(record: Record, calls: list[Call]) -> list[Call]:
    """Leave out what only writes memory of the step's own that no later call reads."""
    read: set[int] = set()
    left = []
    for call in reversed(calls):
        unread = all(record.is_own(array) and id(root(array)) not in read for array in call.outputs)
        if unread and call.kind != "host":
            continue
        read |= roots(call.reads)
        left.append(call)
    return left[::-1]


def with_results_in_place(record: Record, calls: list[Call]) -> list[Call]:
    """Where a result is copied elsewhere, write it there at once, read it there, and leave out the copy."""
    program = Program(calls)
    for position, call in enumerate(calls):
        if call.kind == "copy":
            _leave_out(record, program, position)
    return [call for call in program.calls if call is not None]


class Program:
    """Calls, of which some are left out, and where each memory is used."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls: list[Call | None] = list(calls)
        self._uses: dict[int, set[int]] = {}
        self._foreign: set[int] = set()
        for position, call in enumerate(calls):
            for array in (*call.reads, *call.outputs):
                owner = root(array)
                self._uses.setdefault(id(owner), set()).add(position)
                if not is_alone(owner):
                    self._foreign.add(id(owner))

    def uses(self, array: np.ndarray) -> list[tuple[int, Call]]:
        """The calls that use the memory of `array`, and their places."""
        return self._at(self._uses.get(id(root(array)), set()))

    def near(self, array: np.ndarray) -> list[tuple[int, Call]]:
        """The calls that use memory which `array` may share: its own, and all that NumPy does not own."""
        if not is_alone(root(array)):
            return self._at(set(range(len(self.calls))))
        memories = {id(root(array)), *self._foreign}
        return self._at(set().union(*(self._uses.get(memory, set()) for memory in memories)))

    def redirect(self, source: np.ndarray, target: np.ndarray) -> None:
        """Use `target` wherever `source` was used."""
        positions = self._uses.pop(id(root(source)))
        for position, call in self._at(positions):
            self.calls[position] = _redirected(call, source, target)
        self._uses.setdefault(id(root(target)), set()).update(positions)

    def _at(self, positions: set[int]) -> list[tuple[int, Call]]:
        found = ((position, self.calls[position]) for position in sorted(positions))
        return [(position, call) for position, call in found if call is not None]


def _leave_out(record: Record, program: Program, position: int) -> None:
    """Leave out the copy at `position`, if its source may be made in its target."""
    copy = program.calls[position]
    assert copy is not None
    if not isinstance(copy.inputs[0], np.ndarray):
        return
    (source,), (target,) = copy.inputs, copy.outputs
    fits = source.shape == target.shape and source.dtype == target.dtype and target.flags.c_contiguous
    if not fits or not record.is_own(source) or source.size != root(source).size:
        return
    memory, used = id(root(source)), program.uses(source)
    makers = [(i, call) for i, call in used if memory in roots(call.outputs)]
    views = [x for _, call in used for x in (*call.reads, *call.outputs) if id(root(x)) == memory]
    if (
        len(makers) != 1
        or any(call.kind == "other" for _, call in used)
        or not all(same_view(x, source) for x in views)
    ):
        return
    ((first, maker),), (last, _) = makers, used[-1]
    between = [call for i, call in program.near(target) if first < i <= last and i != position]
    if any(overlap(target, x) for call in between for x in (*call.reads, *call.outputs)):
        return
    if maker.kind == "custom" and target.ctypes.data % WORD:
        return
    hazards = [x for x in maker.reads if overlap(x, target)]
    if all(maker.kind in ("elementwise", "where", "copy") and same_view(x, target) for x in hazards):
        program.calls[position] = None
        program.redirect(source, target)


def _redirected(call: Call, source: np.ndarray, target: np.ndarray) -> Call:
    """The call with `target` wherever it has `source`."""
    memory = id(root(source))

    def turned(x: Any) -> Any:
        return target if isinstance(x, np.ndarray) and id(root(x)) == memory else x

    inputs, outputs = (tuple(turned(x) for x in arrays) for arrays in (call.inputs, call.outputs))
    return Call(call.kind, call.function, inputs, outputs, call.options)


def roots(arrays: Iterable[np.ndarray]) -> set[int]:
    """The identities of the memory behind `arrays`."""
    return {id(root(array)) for array in arrays}


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """May the two share a byte? Of one owner's memory the first and last bytes tell."""
    first, second = root(a), root(b)
    if first is not second and is_alone(first) and is_alone(second):
        return False
    (a_low, a_high), (b_low, b_high) = byte_bounds(a), byte_bounds(b)
    return a_low < b_high and b_low < a_high


def same_view(a: np.ndarray, b: np.ndarray) -> bool:
    """Are the two the same elements in the same order?"""
    return (a.ctypes.data, a.shape, a.strides, a.dtype) == (b.ctypes.data, b.shape, b.strides, b.dtype)
