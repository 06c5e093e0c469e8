"""The calls of a traced step as kernels can take them: what must not overlap does not, and factors lie in rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from bpnet_backends.fusion.products import layout
from bpnet_backends.on_numpy.program import is_stack, overlap, same_view, with_results_in_place, without_unread
from bpnet_backends.on_numpy.recording import Call, Record
from bpnet_backends.on_numpy.reserved import reserved

EMPTY_REDUCTIONS = {np.add: 0, np.multiply: 1, np.logical_and: True, np.logical_or: False}
"""What a reduction of no elements gives."""

BY_ELEMENT = ("elementwise", "where", "copy")
"""Kinds of calls of which an element may be written where its own arguments lie."""


def prepared(record: Record) -> Record:
    """The same step in other calls, and what they make."""
    calls = [replace(call, kind="copy") if call.kind == "create" else call for call in record.calls]
    calls = with_results_in_place(record, without_unread(record, calls))
    found = Record(made=dict(record.made))
    for call in calls:
        for part in _sound(call, found):
            found.calls += _apart(part, found)
    return found


def _new(found: Record, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    made = reserved(shape, dtype)
    found.made[id(made)] = made
    return made


def _copy(source: Any, target: np.ndarray) -> Call:
    return Call("copy", np.copyto, (source,), (target,))


def _sound(call: Call, found: Record) -> Iterator[Call]:
    """The call, or what comes to the same where it has nothing to go through."""
    if not any(out.size for out in call.outputs):
        return
    if call.kind == "reduce" and not call.inputs[0].size:
        yield _copy(EMPTY_REDUCTIONS[call.function.__self__], call.outputs[0])
    elif call.kind == "matmul":
        yield from _product(call, found)
    else:
        yield call


def _apart(call: Call, found: Record) -> list[Call]:
    """The call, by way of new memory where it would write what it still has to read."""
    if call.kind in ("custom", "library") or len(call.outputs) != 1:
        return [call]
    (out,) = call.outputs
    if not any(overlap(x, out) and not (call.kind in BY_ELEMENT and same_view(x, out)) for x in call.reads):
        return [call]
    other = _new(found, out.shape, out.dtype)
    return [replace(call, outputs=(other,)), _copy(other, out)]


def _product(call: Call, found: Record) -> Iterator[Call]:
    """Factors and result of a product as a BLAS takes them: copies where they lie otherwise."""
    a, b = call.inputs
    (out,) = call.outputs
    if not a.shape[-1]:
        yield _copy(0, out)
        return
    factors = []
    for x in (a, b):
        stack = out.shape[:-2]
        if x.dtype != out.dtype or over(x, stack) is None or layout(x[(0,) * (x.ndim - 2)]) is None:
            made = _new(found, (*stack, *x.shape[-2:]), out.dtype)
            yield _copy(x, made)
            x = made
        factors.append(x)
    result = out if out.flags.c_contiguous or is_stack(out) else _new(found, out.shape, out.dtype)
    yield replace(call, inputs=tuple(factors), outputs=(result,))
    if result is not out:
        yield _copy(result, out)


def over(x: np.ndarray, stack: tuple[int, ...]) -> int | None:
    """The distance in elements between matrices of a stack of that shape; None where it differs."""
    strides = [stride // x.itemsize for stride in np.broadcast_to(x, (*stack, *x.shape[-2:])).strides[:-2]]
    axes = [(stride, length) for stride, length in zip(strides, stack, strict=True) if length > 1]
    for (stride, _), (next_stride, next_length) in pairwise(axes):
        if stride != next_stride * next_length:
            return None
    return axes[-1][0] if axes and prod(stack) > 1 else 0
