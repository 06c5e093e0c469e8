"""A recorded step as a list of NumPy calls, each with its arguments and the place of its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bpnet_backends.on_numpy.arena import recycled
from bpnet_backends.on_numpy.costs import flop, moved, name
from bpnet_backends.on_numpy.program import shortened
from bpnet_backends.on_numpy.recording import Call, Record, with_arrays
from bpnet_backends.parts import Part

Place = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Calls:
    """NumPy's calls, one after another, and the same as parts."""

    _bound: list[Callable[[], Any]]
    _parts: list[Part]

    def __call__(self) -> None:
        """One step."""
        for call in self._bound:
            call()

    def parts(self) -> list[Part]:
        """A part a call."""
        return self._parts


def list_of_calls(record: Record) -> Calls:
    """The step, replayed."""
    calls = shortened(record)
    place = recycled(record, calls)
    bound = [bind(call, place) for call in calls]
    return Calls(bound, [part(call, run) for call, run in zip(calls, bound, strict=True)])


def part(call: Call, run: Callable[[], Any]) -> Part:
    """The call as a part, which `run` does. It holds none of the record's memory."""
    return Part(name(call), call.outputs[0].shape, moved(call), flop(call), run)


def bind(call: Call, place: Place) -> Callable[[], Any]:
    """The call without arguments: what it reads and writes is settled."""
    inputs: Any = with_arrays(call.inputs, place)
    outputs = tuple(place(array) for array in call.outputs)
    out = outputs[0]
    if call.kind == "elementwise":
        return partial(call.function, *inputs, out=outputs, **call.options)
    if call.kind == "matmul":
        a, b = inputs
        return _product(a, b, out)
    if call.kind == "reduce":
        options = call.options
        keepdims = options.get("keepdims", False)
        return partial(call.function, inputs[0], options.get("axis", 0), options.get("dtype"), out, keepdims)
    if call.kind == "take":
        # The first run has checked the indices. With "raise" NumPy would make the result elsewhere first and copy it.
        return partial(inputs[0].take, inputs[1], 0, out, "wrap")
    if call.kind == "where":
        condition, a, b = inputs
        return partial(_where, condition, a, b, out)
    if call.kind == "host":
        return partial(call.function, inputs[0])
    if call.kind in ("copy", "create"):
        return partial(np.copyto, out, inputs[0], "unsafe")
    args, kwargs = inputs
    return partial(_compute_and_copy, call.function, args, kwargs, out)


def _product(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    """a @ b. `dot` has less to do before the BLAS is called; it takes no stacks, and writes contiguous results only."""
    if a.ndim == b.ndim == 2 and out.flags.c_contiguous and a.dtype == b.dtype:
        return partial(np.dot, a, b, out)
    return partial(np.matmul, a, b, out)


def _where(condition: Any, a: Any, b: Any, out: np.ndarray) -> None:
    if any(isinstance(x, np.ndarray) and np.may_share_memory(x, out) for x in (condition, a)):
        np.copyto(out, np.where(condition, a, b), "unsafe")
    else:
        np.copyto(out, b, "unsafe")
        np.copyto(out, a, "unsafe", condition)


def _compute_and_copy(function: Callable[..., Any], args: Any, kwargs: dict[str, Any], out: np.ndarray) -> None:
    np.copyto(out, function(*args, **kwargs), "unsafe")
