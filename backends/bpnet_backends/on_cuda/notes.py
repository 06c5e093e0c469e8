"""What a step does, written down without being done: its arrays are stand-ins, which have a place and no contents."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

import numpy as np

from bpnet_backends.on_cuda.device import Device, Memory
from bpnet_backends.on_numpy.recording import Call, Record, arrays_in, root
from bpnet_backends.on_numpy.reserved import reserved


class UntraceableError(BaseException):
    """The step does what cannot be written down. No `except Exception` of the step's own is to catch this."""


@dataclass
class Notes:
    """The record of a step on a device, and the memory behind its stand-ins."""

    device: Device
    record: Record = field(default_factory=Record)
    memory: dict[int, Memory] = field(default_factory=dict)
    """By the identity of the root stand-in: memory that exists on the device."""
    roots: dict[int, np.ndarray] = field(default_factory=dict)
    """By identity: all root stand-ins."""
    constants: dict[int, tuple[np.ndarray, int]] = field(default_factory=dict)
    """By the identity of the root: arrays that the step brought to the device, and how many calls came before."""
    _by_address: dict[int, np.ndarray] = field(default_factory=dict)

    def stand_in(self, own: Any) -> np.ndarray:
        """The stand-in for an array of the library."""
        shape, dtype = tuple(int(length) for length in own.shape), numpy_type(own.dtype)
        if 0 in shape:
            empty = reserved(shape, dtype)
            return self._known(empty, Memory(own, 0, 0))
        memory = self.device.memory_of(own)
        offset = self.device.address_of(own) - memory.address
        return np.ndarray(shape, dtype, self._root_of(memory), offset, strides_of(own, dtype.itemsize))

    def constant(self, own: Any) -> np.ndarray:
        """The stand-in for an array that the step has just brought to the device."""
        found = self.stand_in(own)
        self.constants[id(root(found))] = found, len(self.record.calls)
        return found

    def made(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        """The stand-in for a new array, in rows; whoever asks for it notes what fills it."""
        found = reserved(shape, dtype)
        self.roots[id(found)] = self.record.made[id(found)] = found
        return found

    def note(
        self,
        kind: str,
        function: Any,
        inputs: tuple[Any, ...],
        outputs: tuple[np.ndarray, ...],
        options: dict[str, Any] | None = None,
    ) -> None:
        """Write down a call, unless it has nothing to write."""
        for array in arrays_in((inputs, outputs)):
            owner = root(array)
            if self.roots.get(id(owner)) is not owner:
                self.stop("an array that is none of this backend's, or of an earlier traced step,")
        if any(array.size for array in outputs):
            self.record.calls.append(Call(kind, function, inputs, outputs, options or {}))

    def stop(self, what: str) -> NoReturn:
        """The step did `what`: it cannot be replayed, and ends here."""
        self.record.obstacle = what
        raise UntraceableError(what)

    def close(self) -> None:
        """A constant that the step writes begins with its contents each time, which are therefore kept elsewhere."""
        written = {id(root(array)) for call in self.record.calls for array in call.outputs}
        for owner, (array, position) in reversed(self.constants.items()):
            if owner not in written or owner in self.record.made:
                continue
            memory = self.memory.pop(owner)
            kept = self._known(reserved((memory.size,), np.uint8, memory.address), memory)
            self.record.made[owner] = self.roots[owner]
            offset = array.ctypes.data - self.roots[owner].ctypes.data
            contents = np.ndarray(array.shape, array.dtype, kept, offset, array.strides)
            self.record.calls.insert(position, Call("create", np.copyto, (contents,), (array,)))

    def _root_of(self, memory: Memory) -> np.ndarray:
        found = self._by_address.get(memory.address)
        if found is not None and self.memory[id(found)].size == memory.size:
            return found
        end = memory.address + memory.size
        for other in self.memory.values():
            if memory.address < other.address + other.size and other.address < end:
                self.stop("memory that has two owners")
        found = self._by_address[memory.address] = reserved((memory.size,), np.uint8, memory.address)
        return self._known(found, memory)

    def _known(self, owner: np.ndarray, memory: Memory) -> np.ndarray:
        self.roots[id(owner)], self.memory[id(owner)] = owner, memory
        return owner


_here = threading.local()


def current() -> Notes | None:
    """The notes of the step that this thread traces; None where it traces none."""
    return getattr(_here, "notes", None)


def present() -> Notes:
    """The notes of the step that this thread traces."""
    notes = current()
    assert notes is not None, "rules are for traced steps"
    return notes


def begin(device: Device) -> Notes:
    """Write down what this thread does from now on."""
    if current() is not None:
        raise RuntimeError("a step is traced already: one at a time in each thread. Mend: call it within that step")
    _here.notes = Notes(device)
    return _here.notes  # type: ignore[no-any-return]


def end() -> None:
    """Write down no more."""
    _here.notes = None


def listening() -> bool:
    """Is this thread's work being traced?"""
    return current() is not None


def stop(what: str) -> None:
    """The step did `what`, so it cannot be replayed. Where one is traced, the trace ends here."""
    notes = current()
    if notes is not None:
        notes.stop(what)


@cache
def numpy_type(dtype: Any) -> np.dtype:
    """A library's type, or the name of one, as NumPy's."""
    for name in (dtype, str(dtype).rpartition(".")[2]):  # torch.float32
        try:
            found: np.dtype = np.dtype(name)
        except TypeError:
            continue
        return found
    stop(f"an array of {name}")
    raise TypeError(f"dtype: {name} was given, expected a type that NumPy has too")


def strides_of(own: Any, itemsize: int) -> tuple[int, ...]:
    """In bytes; PyTorch counts elements."""
    strides = getattr(own, "strides", None)
    return tuple(itemsize * int(n) for n in own.stride()) if strides is None else tuple(int(n) for n in strides)
