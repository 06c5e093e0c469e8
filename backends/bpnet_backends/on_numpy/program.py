"""A recorded step made shorter: what nobody reads is left out, and results go straight to where they were copied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from bpnet_backends.on_numpy.recording import Call, Record, root


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
        if all(record.is_own(array) and id(root(array)) not in read for array in call.outputs):
            continue
        read |= roots(call.reads)
        left.append(call)
    return left[::-1]


def with_results_in_place(record: Record, calls: list[Call]) -> list[Call]:
    """Where a result is copied elsewhere, write it there at once, read it there, and leave out the copy."""
    left = list(calls)
    position = 0
    while position < len(left):
        maker = _maker_of_copied(record, left, position)
        if maker is None:
            position += 1
            continue
        (source,), (target,) = left[position].inputs, left[position].outputs
        del left[position]
        for i in range(maker, len(left)):
            left[i] = _redirected(left[i], source, target)
    return left


def _maker_of_copied(record: Record, calls: list[Call], position: int) -> int | None:
    """The place of the call whose result may be written where the call at `position` copies it to."""
    copy = calls[position]
    if copy.kind != "copy" or not isinstance(copy.inputs[0], np.ndarray):
        return None
    (source,), (target,) = copy.inputs, copy.outputs
    fits = source.shape == target.shape and source.dtype == target.dtype and target.flags.c_contiguous
    if not fits or not record.is_own(source) or source.size != root(source).size:
        return None
    memory = id(root(source))
    makers = [i for i, call in enumerate(calls) if memory in roots(call.outputs)]
    readers = [i for i, call in enumerate(calls) if memory in roots(call.reads)]
    used = [x for i in readers for x in calls[i].reads if id(root(x)) == memory]
    kinds = {calls[i].kind for i in (*makers, *readers)}
    if len(makers) != 1 or "other" in kinds or not all(same_view(x, source) for x in used):
        return None
    (maker,) = makers
    if not all(same_view(x, source) for x in calls[maker].outputs):
        return None
    between = [call for i, call in enumerate(calls[maker + 1 : readers[-1] + 1], maker + 1) if i != position]
    if any(overlap(target, x) for call in between for x in (*call.reads, *call.outputs)):
        return None
    elementwise = calls[maker].kind in ("elementwise", "where", "copy")
    hazards = [x for x in calls[maker].reads if overlap(x, target)]
    return maker if all(elementwise and same_view(x, target) for x in hazards) else None


def _redirected(call: Call, source: np.ndarray, target: np.ndarray) -> Call:
    """The call with `target` wherever it has `source`."""

    def turned(x: Any) -> Any:
        return target if isinstance(x, np.ndarray) and same_view(x, source) else x

    if call.kind == "other":
        return call
    return Call(
        call.kind,
        call.function,
        tuple(turned(x) for x in call.inputs),
        tuple(turned(x) for x in call.outputs),
        call.options,
    )


def roots(arrays: Iterable[np.ndarray]) -> set[int]:
    """The identities of the memory behind `arrays`."""
    return {id(root(array)) for array in arrays}


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """May the two share a byte? Of one owner's memory the first and last bytes tell."""
    first, second = root(a), root(b)
    if first is not second and first.flags.owndata and second.flags.owndata:
        return False
    (a_low, a_high), (b_low, b_high) = byte_bounds(a), byte_bounds(b)
    return a_low < b_high and b_low < a_high


def same_view(a: np.ndarray, b: np.ndarray) -> bool:
    """Are the two the same elements in the same order?"""
    return (a.ctypes.data, a.shape, a.strides, a.dtype) == (b.ctypes.data, b.shape, b.strides, b.dtype)
