"""Kernels written by hand, and calls of the library, which traced steps take up like other operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from bpnet_backends.on_cuda import notes
from bpnet_backends.on_cuda.arrays import Array
from bpnet_backends.on_cuda.device import Device, Launch
from bpnet_backends.on_numpy.reserved import reserved


@dataclass(frozen=True)
class Custom:
    """A kernel for arrays of certain shapes and types.

    `text` is CUDA C++ with `extern "C" __global__ void entry(const T* in0, ..., T* out0, ...)`. Arrays are contiguous.
    """

    entry: str
    """The name of the kernel, which no kernel of another text has."""
    text: str
    grid: tuple[int, int]
    """Blocks along x and y."""
    block: tuple[int, int]
    """Threads of a block along x and y."""


def empty(shape: Sequence[int], dtype: Any) -> Array:
    """An array for the output of a kernel or call, which gives it memory beside its inputs."""
    found, wanted = notes.current(), notes.numpy_type(dtype)
    if found is not None:
        return Array(None, found.device, found.made(shape, wanted))
    return Array(None, None, reserved(shape, wanted))


def launched(custom: Custom, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Launch the kernel, or write it down."""
    found = notes.current()
    _require_contiguous(custom, (*inputs, *outputs))
    if found is not None:
        found.note("custom", custom, *_stand_ins(inputs, outputs))
        return
    device = _with_memory(inputs, outputs)
    addresses = tuple(device.address_of(x.own) for x in (*inputs, *outputs))
    device.launch(Launch(loaded(device, custom), custom.grid, custom.block, addresses))


def by_library(function: Callable[..., Any], inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """function(*inputs, *outputs) on arrays of the library, or write it down; it fills the outputs in place."""
    found = notes.current()
    if found is not None:
        found.note("library", function, *_stand_ins(inputs, outputs))
        return
    _with_memory(inputs, outputs)
    function(*(x.own for x in (*inputs, *outputs)))


def _stand_ins(inputs: Sequence[Array], outputs: Sequence[Array]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    return tuple(x.stand_in for x in inputs), tuple(x.stand_in for x in outputs)


def _with_memory(inputs: Sequence[Array], outputs: Sequence[Array]) -> Device:
    """The arrays' device, on which outputs that have no memory yet get it."""
    first = next(x for x in (*inputs, *outputs) if x.home is not None)
    device: Device = first.home
    for x in outputs:
        x.settle(device, first.device)
    return device


def _require_contiguous(custom: Custom, arrays: Sequence[Array]) -> None:
    for x in arrays:
        if not x.is_contiguous:
            raise ValueError(
                f"kernel {custom.entry!r}: an array of shape {x.shape} was given that does not lie in rows, expected "
                "contiguous ones. Mend: write it into xp.empty of its shape"
            )


_kernels: WeakKeyDictionary[Device, dict[str, Any]] = WeakKeyDictionary()


def loaded(device: Device, custom: Custom) -> Any:
    """The compiled kernel, compiled once for each device."""
    kernels = _kernels.setdefault(device, {})
    if custom.entry not in kernels:
        (kernels[custom.entry],) = device.load(custom.text, [custom.entry])
    return kernels[custom.entry]
