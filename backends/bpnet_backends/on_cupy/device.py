"""CuPy as a device: its memory, its streams and its graphs; kernels by CUDA's driver, products by cuBLASLt."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from bpnet_backends.on_cuda import cublaslt, driver, own_products
from bpnet_backends.on_cuda.compiler import compiled
from bpnet_backends.on_cuda.cublaslt import CublasLt
from bpnet_backends.on_cuda.device import Launch, Matrix, Memory
from bpnet_backends.on_cuda.own_products import OwnProducts
from bpnet_backends.on_cuda.uploads import CuPyUploads, WithUploads


class CuPyDevice(WithUploads):
    """One GPU, which becomes the thread's current one; `precision` is that of matrix products in captured steps."""

    name = "cupy"

    def __init__(self, index: int, precision: str = "strict") -> None:
        import array_api_compat.cupy as xp
        import cupy

        self.xp: Any = xp
        self._cupy = cupy
        self._precision = precision
        self._gpu = cupy.cuda.Device(index)
        self._gpu.use()
        self._pool = cupy.cuda.MemoryPool()
        name = cupy.cuda.runtime.getDeviceProperties(index)["name"].decode()
        version = cupy.cuda.runtime.runtimeGetVersion()
        self.description = f"{name} (CUDA {version // 1000}.{version % 1000 // 10})"

    def asarray(self, x: Any, dtype: str) -> Any:
        """A contiguous array with memory of its own."""
        return self._cupy.array(x, dtype=dtype, order="C")

    def to_numpy(self, x: Any) -> Any:
        """A NumPy copy; waits for the device."""
        return self._cupy.asnumpy(x)

    def synchronize(self) -> None:
        """Wait until the device has finished."""
        self._gpu.synchronize()

    # ---- memory

    def memory_of(self, array: Any) -> Memory:
        """The allocation that an array lies in: its chunk of CuPy's pool."""
        memory = array.data.mem
        return Memory(memory, memory.ptr, memory.size)

    def address_of(self, array: Any) -> int:
        """Where its first element lies."""
        return int(array.data.ptr)

    def allocate(self, size: int) -> Memory:
        """Memory of so many bytes, aligned to 512, from a pool that CuPy's own arrays do not use."""
        try:
            pointer = self._pool.malloc(size)
        except MemoryError:
            self._cupy.get_default_memory_pool().free_all_blocks()
            try:
                pointer = self._pool.malloc(size)
            except MemoryError as error:
                free, total = self._cupy.cuda.runtime.memGetInfo()
                raise MemoryError(
                    f"{size:,} bytes were asked for, but {free:,} of {total:,} are free on the GPU. "
                    "Mend: a smaller batch_size, or micro_batch"
                ) from error
        return Memory(pointer.mem, pointer.ptr, size)

    def view(self, memory: Memory, offset: int, dtype: str, shape: Sequence[int], strides: Sequence[int]) -> Any:
        """An array on this memory; `offset` and `strides` in bytes."""
        place = self._cupy.cuda.MemoryPointer(memory.owner, memory.address - memory.owner.ptr + offset)
        return self._cupy.ndarray(tuple(shape), dtype, memptr=place, strides=tuple(strides))

    # ---- copies beside the steps

    def free_memory(self) -> int:
        """The bytes that could still be allocated; CuPy's own pool cannot take what a step of before left in ours."""
        self._pool.free_all_blocks()
        return super().free_memory()

    def _new_uploads(self) -> CuPyUploads:
        return CuPyUploads(self._cupy, self._gpu)

    # ---- work

    def load(self, text: str, names: Sequence[str]) -> list[Any]:
        """Compile CUDA C++; the kernels of these names."""
        self._gpu.use()  # makes the GPU's context the thread's current one, which the driver asks for
        module = driver.Module(compiled(text, int(self._gpu.compute_capability)))
        return [module.function(name) for name in names]

    def launch(self, launch: Launch) -> None:
        """Start a kernel on the current stream."""
        driver.launch(launch, self._stream())

    def product(self, a: Matrix, b: Matrix, c: Matrix) -> Callable[[], None]:
        """What computes c = a b: by cuBLASLt, or by our kernel where the product is tiny or its layout unusual."""
        if not own_products.is_tiny(a, c) and self._library is not None:
            work = self._library.prepared(a, b, c)
            if work is not None:
                return work
        return self._own.prepared(a, b, c)

    def graph(self, work: Callable[[], None]) -> Callable[[], None]:
        """Capture what `work` launches, and return what replays it on the then current stream.

        Nothing runs while it is captured, so that the capture waits for no stream, and none waits for it. What a
        library allocates meanwhile comes from a pool of the graph's own.
        """
        cuda = self._cupy.cuda
        self._gpu.use()
        stream, pool = cuda.Stream(non_blocking=True), cuda.MemoryPool()
        try:
            with stream, cuda.using_allocator(pool.malloc):
                stream.begin_capture()
                try:
                    work()
                except BaseException:
                    with suppress(RuntimeError):  # the capture may be invalid by now, which is no news
                        stream.end_capture()
                    raise
                graph = stream.end_capture()
        except (RuntimeError, MemoryError) as error:
            raise RuntimeError(f"{type(error).__name__}: {error}") from error

        def replay() -> None:
            graph.launch()
            assert pool  # lives as long as the graph

        return replay

    def _stream(self) -> int:
        return int(self._cupy.cuda.get_current_stream().ptr)

    @cached_property
    def _workspace(self) -> Memory:
        """Of all products, which follow one another."""
        return self.allocate(cublaslt.WORKSPACE)

    @cached_property
    def _own(self) -> OwnProducts:
        return OwnProducts(self, self._workspace)

    @cached_property
    def _library(self) -> CublasLt | None:
        self._gpu.use()
        try:
            return CublasLt(self._workspace, self._stream, self._precision)
        except (ImportError, RuntimeError) as error:
            text = f"cuBLASLt cannot be used ({error}): large matrix products run slower than they could"
            if self._precision != "strict":
                text = f"{text}, and in IEEE float32 instead of {self._precision}"
            warnings.warn(f"{text}. {cublaslt.INSTALL}", RuntimeWarning, stacklevel=2)
            return None
