"""What a traced step launches: a few generated kernels, matrix products, hand-written kernels and calls of the library.

All kernels of a step are compiled together, and what the step makes anew lies in one workspace, whose parts are used
again as soon as their contents are no longer needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bpnet_backends.fusion.items import Item, items
from bpnet_backends.fusion.kept import Readers
from bpnet_backends.fusion.operations import Operation
from bpnet_backends.fusion.products import Product
from bpnet_backends.fusion.rows import RowKernel
from bpnet_backends.on_cuda.custom import Custom, loaded
from bpnet_backends.on_cuda.device import Device, Launch
from bpnet_backends.on_cuda.elementwise import elementwise
from bpnet_backends.on_cuda.joining import joining
from bpnet_backends.on_cuda.kernel import Kernel, Pointer
from bpnet_backends.on_cuda.later import later
from bpnet_backends.on_cuda.places import Places
from bpnet_backends.on_cuda.preparation import prepared
from bpnet_backends.on_cuda.reductions import reduction
from bpnet_backends.on_cuda.source import Source
from bpnet_backends.on_cuda.tracing import Traced
from bpnet_backends.on_cuda.translation import TranslationError
from bpnet_backends.on_numpy.arena import offsets_in_block
from bpnet_backends.on_numpy.recording import Call, Record, root

ALIGNMENT = 256
"""Bytes: what CUDA gives each allocation, and what products ask for."""


class NotPlannedError(Exception):
    """There is no kernel for an operation of the step."""


@dataclass(frozen=True, eq=False)
class Launched:
    """Something that a step launches."""

    name: str
    """For people."""
    shape: tuple[int, ...]
    """Of what it goes through; of a product (M, N, K), or (stack, M, N, K)."""
    bytes_read: int
    bytes_written: int
    flop: int
    """Operations on floats; 0 where it is not known."""
    run: Callable[[], None]
    """Launch it on the current stream."""


@dataclass(frozen=True, eq=False)
class Part:
    """A launch before it is known where its arrays lie."""

    work: Kernel | Product | Call
    reads: Sequence[np.ndarray]
    outputs: Sequence[np.ndarray]


class Plan:
    """The launches of a traced step. NotPlannedError: there is none for something that it does."""

    def __init__(self, traced: Traced, device: Device) -> None:
        self._device = device
        record = prepared(traced.record)
        parts = list(_parts(record))
        kernels = {part.work.entry: part.work for part in parts if isinstance(part.work, Kernel)}
        self.text = "\n".join([_header(), *(kernel.text for kernel in kernels.values())]) if kernels else ""
        """The CUDA C++ of all generated kernels."""
        self._functions = dict(zip(kernels, device.load(self.text, list(kernels)), strict=True)) if kernels else {}
        offsets, size = offsets_in_block(record, parts, ALIGNMENT)
        if any(record.is_own(x) and id(root(x)) not in offsets for part in parts for x in part.reads):
            raise NotPlannedError("a look at an array that nothing was written into")
        self.workspace = device.allocate(size)
        """Where the step keeps what it makes anew."""
        self._places = Places(device, traced.memory, self.workspace, offsets)
        self.launches = [self._launched(part) for part in parts]
        """What is launched, in this order."""

    def run(self) -> None:
        """One step: launch everything on the device's current stream."""
        for launched in self.launches:
            launched.run()

    # ---- parts with their places

    def _launched(self, part: Part) -> Launched:
        work = part.work
        if isinstance(work, Kernel):
            return self._kernel(work)
        if isinstance(work, Product):
            return self._product(work.a, work.b, work.out)
        if work.kind == "matmul":
            a, b = work.inputs
            return self._product(a, b, work.outputs[0])
        read, written = (sum(x.nbytes for x in arrays) for arrays in (part.reads, part.outputs))
        run = self._custom(work) if work.kind == "custom" else self._library(work)
        name = work.function.entry if work.kind == "custom" else getattr(work.function, "__name__", "library")
        return Launched(name, part.outputs[0].shape, read, written, 0, run)

    def _kernel(self, kernel: Kernel) -> Launched:
        arguments = tuple(self._places.address(x) if isinstance(x, Pointer) else float(x) for x in kernel.arguments)
        launch = Launch(self._functions[kernel.entry], kernel.grid, kernel.block, arguments)
        run = partial(self._device.launch, launch)
        return Launched(kernel.title, kernel.shape, kernel.bytes_read, kernel.bytes_written, kernel.flop, run)

    def _product(self, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Launched:
        stack = out.shape[:-2]
        run = self._device.product(*(self._places.matrix(x, stack) for x in (a, b, out)))
        m, n, k = a.shape[-2], b.shape[-1], a.shape[-1]
        shape = (*((prod(stack),) if stack else ()), m, n, k)
        return Launched("product", shape, a.nbytes + b.nbytes, out.nbytes, 2 * prod(shape), run)

    def _custom(self, call: Call) -> Callable[[], None]:
        custom: Custom = call.function
        pointers = [Pointer(x, x.ctypes.data) for x in (*call.inputs, *call.outputs)]
        addresses = tuple(map(self._places.address, pointers))
        launch = Launch(loaded(self._device, custom), custom.grid, custom.block, addresses)
        return partial(self._device.launch, launch)

    def _library(self, call: Call) -> Callable[[], None]:
        arrays = [self._places.view(x) for x in (*call.inputs, *call.outputs)]
        return partial(call.function, *arrays)


def _header() -> str:
    return Path(__file__).with_name("mathematics.cuh").read_text(encoding="utf-8")


def _parts(record: Record) -> Iterator[Part]:
    """What is launched for each item of the step. The parts of sums become arrays that the step makes."""
    found = later(items(record.calls))
    readers = Readers(found)
    for item in found:
        work = item.work
        if isinstance(work, RowKernel):
            yield from _row_kernel(work, _kept(work, readers, record), record)
        elif isinstance(work, Product):
            yield Part(work, [work.a, work.b], [work.out])
        else:
            assert isinstance(work, Call), "items of other kinds are Numba's"
            yield _alone(work, item)


def _row_kernel(kernel: RowKernel, kept: Collection[Operation], record: Record) -> Iterator[Part]:
    source = Source(kernel.operations, kept)
    yield Part(source.kernel, source.kernel.reads, source.kernel.outputs)
    if source.partials:
        record.made |= {id(part.array): part.array for part in source.partials}
        kernel_after = joining(source.partials)
        yield Part(kernel_after, kernel_after.reads, kernel_after.outputs)


def _kept(kernel: RowKernel, readers: Readers, record: Record) -> set[Operation]:
    return {op for op in kernel.operations if readers.needed_elsewhere(op, kernel, record)}


def _alone(call: Call, item: Item) -> Part:
    """A call that no kernel of rows could take."""
    arrays = [access.array for access in item.reads()], list(call.outputs)
    if call.kind in ("custom", "library"):
        return Part(call, *arrays)
    if call.kind == "matmul" and call.outputs[0].dtype.name in ("float32", "float64"):
        return Part(call, *arrays)
    kernel = None
    try:
        if call.kind in ("elementwise", "where", "copy", "take"):
            kernel = elementwise(call)
        elif call.kind in ("reduce", "other"):
            kernel = reduction(call)
    except TranslationError as error:
        raise NotPlannedError(f"{_described(call)} ({error})") from error
    if kernel is None:
        raise NotPlannedError(_described(call))
    return Part(kernel, kernel.reads, kernel.outputs)


def _described(call: Call) -> str:
    """For people: the operation, and what it is applied to."""
    name: Any = getattr(call.function, "__self__", call.function)
    kinds = ", ".join(f"{x.dtype.name} {x.shape}" for x in call.reads)
    return f"{getattr(name, '__name__', call.kind)} of {kinds}"
