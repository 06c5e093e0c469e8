"""What a step does, call by call: written down while it runs for the first time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpnet_backends.on_numpy.reserved import Reserved


@dataclass(eq=False)
class Call:
    """One operation: what it reads and where it leaves its results."""

    kind: str
    """`elementwise` (a ufunc), `reduce` (a ufunc's), `matmul`, `take`, `where`, `copy`, `create` (a copy of contents
    that never change), `samples`, `custom` (a backend's own kernel, which `function` describes), `library` (a function
    that takes inputs and outputs), `host` (a function that changes its one input in place, and is called whatever
    comes of it) or `other`."""
    function: Any
    inputs: tuple[Any, ...]
    """Plain arrays, and numbers of Python; of `other`, the positional arguments and the dictionary of the rest."""
    outputs: tuple[np.ndarray, ...]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def reads(self) -> list[np.ndarray]:
        """The arrays among the inputs."""
        return list(arrays_in(self.inputs))


@dataclass
class Record:
    """The calls of a step in their order, and the arrays that they made."""

    calls: list[Call] = field(default_factory=list)
    made: dict[int, np.ndarray] = field(default_factory=dict)
    """By identity: arrays that did not exist before the step."""
    obstacle: str | None = None
    """What the step did that cannot be replayed."""
    before: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    """Memory of others that the step wrote, and a copy of what was there, in the order of the writing."""

    def is_own(self, array: np.ndarray) -> bool:
        """Did the step make the memory of `array`?"""
        return id(root(array)) in self.made

    def take_back(self) -> None:
        """Give all memory that is not the step's own the contents that it had before."""
        for target, contents in reversed(self.before):
            target[...] = contents
        self.before.clear()


_here = threading.local()


@contextmanager
def record() -> Iterator[Record]:
    """Write down what this thread does with arrays, until the block ends."""
    if listening():
        raise RuntimeError("a step is recorded already: one at a time in each thread")
    _here.record = Record()
    try:
        yield _here.record
    finally:
        _here.record = None


def listening() -> bool:
    """Is this thread's work being recorded?"""
    return getattr(_here, "record", None) is not None


def stop(what: str) -> None:
    """The step did `what`, so it cannot be replayed; the first reason is kept."""
    if listening() and _here.record.obstacle is None:
        _here.record.obstacle = what


def will_write(target: np.ndarray) -> None:
    """Keep what lies in `target`, which is about to be overwritten."""
    if listening() and not _here.record.is_own(target):
        _here.record.before.append((target, target.copy()))


def note_created(array: np.ndarray) -> None:
    """`array` begins with its present contents each time."""
    if listening():
        _here.record.made[id(array)] = array
        _here.record.calls.append(Call("create", np.copyto, (array.copy(),), (array,)))


def note_copy(source: Any, target: np.ndarray) -> None:
    """`source` was copied into `target`, converted to its type."""
    if listening():
        _here.record.calls.append(Call("copy", np.copyto, (source,), (target,)))


def note_conversion(source: np.ndarray, made: np.ndarray) -> None:
    """`made` is a new copy of `source`."""
    if listening():
        _here.record.made[id(made)] = made
        note_copy(source, made)


def note_ufunc(
    ufunc: np.ufunc,
    method: str,
    inputs: tuple[Any, ...],
    outputs: tuple[np.ndarray, ...],
    options: dict[str, Any],
    *,
    in_place: bool,
) -> None:
    """A ufunc was called, or one of its methods."""
    if not listening():
        return
    if not in_place:
        for made in outputs:
            _here.record.made[id(made)] = made
    if method == "__call__":
        kind = "matmul" if ufunc is np.matmul else "other" if ufunc.signature else "elementwise"
    elif method == "reduce" and set(options) <= {"axis", "keepdims", "dtype"} and len(inputs) == 1:
        kind = "reduce"
    else:
        kind = "other"
    function = ufunc if method == "__call__" else getattr(ufunc, method)
    if kind == "other" and len(outputs) > 1:
        stop(f"{ufunc.__name__}, which returns several arrays")
    call = (
        Call(kind, function, (inputs, options), outputs)
        if kind == "other"
        else Call(kind, function, inputs, outputs, options)
    )
    _here.record.calls.append(call)


def note_samples(call: Call, *, made: bool) -> None:
    """A kernel of the backend's own was called; `made` says that it made its outputs anew."""
    if listening():
        if made:
            _here.record.made |= {id(root(array)): root(array) for array in call.outputs}
        _here.record.calls.append(call)


def note_host(function: Callable[[np.ndarray], None], vector: np.ndarray) -> None:
    """`function` is called with `vector`, which it changes."""
    if listening():
        _here.record.calls.append(Call("host", function, (vector,), (vector,)))


def note_function(function: Callable[..., Any], args: Any, kwargs: dict[str, Any], result: np.ndarray) -> None:
    """One of NumPy's functions was called. A view of an argument needs no call: it shows what is in the memory."""
    if not listening() or any(np.may_share_memory(result, x) for x in arrays_in((args, kwargs))):
        return
    if function in (np.zeros_like, np.ones_like, np.empty_like):
        note_created(root(result))
        return
    owner = root(result)
    _here.record.made[id(owner)] = owner
    if function is np.where and len(args) == 3:
        call = Call("where", np.where, tuple(args), (result,))
    elif function is np.take and len(args) == 2 and kwargs == {"axis": 0}:
        call = Call("take", np.take, tuple(args), (result,))
    elif function in REDUCTIONS and len(args) == 1 and set(kwargs) <= {"axis", "keepdims", "dtype"}:
        options = {"axis": None, **{key: value for key, value in kwargs.items() if value is not None}}
        call = Call("reduce", REDUCTIONS[function].reduce, tuple(args), (result,), options)
    else:
        call = Call("other", function, (args, kwargs), (result,))
    _here.record.calls.append(call)


REDUCTIONS: dict[Any, np.ufunc] = {
    np.sum: np.add,
    np.max: np.maximum,
    np.min: np.minimum,
    np.prod: np.multiply,
    np.all: np.logical_and,
    np.any: np.logical_or,
}


def root(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def is_alone(owner: np.ndarray) -> bool:
    """Can no other root share the memory of this one? So it is where NumPy, or a stand-in, owns it."""
    return owner.flags.owndata or isinstance(owner.base, Reserved)


def with_arrays(x: Any, turned: Callable[[np.ndarray], Any]) -> Any:
    """`x` with each array within its lists, tuples and dictionaries replaced by `turned` of it."""
    if isinstance(x, np.ndarray):
        return turned(x)
    if isinstance(x, list | tuple):
        return type(x)(with_arrays(part, turned) for part in x)
    if isinstance(x, dict):
        return {key: with_arrays(part, turned) for key, part in x.items()}
    return x


def arrays_in(x: Any) -> Iterator[np.ndarray]:
    """All arrays within nested lists, tuples and dictionaries."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, list | tuple):
        for part in x:
            yield from arrays_in(part)
    elif isinstance(x, dict):
        yield from arrays_in(list(x.values()))
