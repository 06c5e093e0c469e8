"""PyTorch on an NVIDIA GPU as a device: its memory, products and graphs; kernels by CUDA's driver."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from bpnet_backends.on_cuda import driver
from bpnet_backends.on_cuda.compiler import compiled
from bpnet_backends.on_cuda.device import Launch, Matrix, Memory
from bpnet_backends.on_cuda.uploads import TorchUploads, WithUploads
from bpnet_backends.on_torch.capture_streams import streams_of


class TorchDevice(WithUploads):
    """One GPU, which becomes the thread's current one; `precision` is that of matrix products in captured steps."""

    name = "torch"

    def __init__(self, device: str, precision: str = "strict") -> None:
        import array_api_compat.torch as xp
        import torch

        self.xp: Any = xp
        self._torch = torch
        self._device = torch.device(device)
        if self._device == torch.device("cuda"):  # set_device takes none without a number
            self._device = torch.device("cuda", torch.cuda.current_device())
        self._precision = precision
        self._failed: list[Any] = []
        self._select()
        self.description = f"{torch.cuda.get_device_name(self._device)} (CUDA {torch.version.cuda})"
        if precision == "bf16":
            _require_out_dtype(torch, self._device)

    def asarray(self, x: Any, dtype: str) -> Any:
        """A contiguous tensor with memory of its own."""
        import numpy as np

        host = np.array(x, dtype=dtype, order="C")  # PyTorch takes no negative strides, no swapped bytes
        return self._torch.from_numpy(host).to(self._device)

    def to_numpy(self, x: Any) -> Any:
        """A NumPy copy; waits for the device."""
        return x.detach().cpu().numpy().copy()

    def synchronize(self) -> None:
        """Wait until the device has finished."""
        self._torch.cuda.synchronize(self._device)

    # ---- memory

    def memory_of(self, array: Any) -> Memory:
        """The allocation that a tensor lies in: its storage."""
        storage = array.untyped_storage()
        return Memory(storage, storage.data_ptr(), storage.nbytes())

    def address_of(self, array: Any) -> int:
        """Where its first element lies."""
        return int(array.data_ptr())

    def allocate(self, size: int) -> Memory:
        """Memory of so many bytes, aligned to 512."""
        torch = self._torch
        try:
            held = torch.empty(size, dtype=torch.uint8, device=self._device)
        except torch.cuda.OutOfMemoryError as error:
            free, total = torch.cuda.mem_get_info(self._device)
            raise MemoryError(
                f"{size:,} bytes were asked for, but {free:,} of {total:,} are free on the GPU. "
                "Mend: a smaller batch_size, or micro_batch"
            ) from error
        return self.memory_of(held)

    def view(self, memory: Memory, offset: int, dtype: str, shape: Sequence[int], strides: Sequence[int]) -> Any:
        """A tensor on this memory; `offset` and `strides` in bytes."""
        empty = self._torch.empty(0, dtype=getattr(self._torch, dtype), device=self._device)
        size = empty.element_size()
        start = memory.address - memory.owner.data_ptr() + offset
        return empty.set_(memory.owner, start // size, tuple(shape), tuple(stride // size for stride in strides))

    # ---- copies beside the steps

    def _new_uploads(self) -> TorchUploads:
        return TorchUploads(self._torch, self._device)

    # ---- work

    def load(self, text: str, names: Sequence[str]) -> list[Any]:
        """Compile CUDA C++; the kernels of these names."""
        self._select()
        major, minor = self._torch.cuda.get_device_capability(self._device)
        module = driver.Module(compiled(text, 10 * major + minor))
        return [module.function(name) for name in names]

    def launch(self, launch: Launch) -> None:
        """Start a kernel on the current stream."""
        driver.launch(launch, self._torch.cuda.current_stream(self._device).cuda_stream)

    def product(self, a: Matrix, b: Matrix, c: Matrix) -> Callable[[], None]:
        """What computes c = a b by PyTorch's mm, or bmm for a stack."""
        torch = self._torch
        multiply = torch.mm if c.stack == 1 else torch.bmm
        left, right, result = self._tensor(a), self._tensor(b), self._tensor(c)
        if self._precision == "bf16" and c.dtype == "float32":
            return self._product_of_halves(multiply, left, right, result)
        if self._precision == "tf32" and c.dtype == "float32":

            def product() -> None:
                with tf32(torch):
                    multiply(left, right, out=result)

            return product
        return lambda: multiply(left, right, out=result)

    def _product_of_halves(self, multiply: Any, left: Any, right: Any, result: Any) -> Callable[[], None]:
        half, whole = self._torch.bfloat16, self._torch.float32
        if result.is_contiguous():
            return lambda: multiply(left.to(half), right.to(half), whole, out=result)
        return lambda: result.copy_(multiply(left.to(half), right.to(half), whole))

    def graph(self, work: Callable[[], None]) -> Callable[[], None]:
        """Capture what `work` launches, and return what replays it on the then current stream.

        Work of other threads on the GPU, a prefetch for instance, is none of the capture's business.
        """
        torch = self._torch
        self._select()
        graph, pool, before = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle(), torch.cuda.current_stream()
        stream = streams_of(torch.cuda, self._device).stream_for(graph)
        failed: Exception | None = None
        try:
            with _no_collection(), torch.cuda.graph(graph, pool, stream, capture_error_mode="thread_local"):
                try:
                    work()
                except Exception as error:
                    failed = error
                    raise
        except RuntimeError as error:
            torch.cuda.set_stream(before)  # which PyTorch leaves as it is where the end of a capture fails
            self._abandon(graph, pool)
            if failed is not None and not isinstance(failed, RuntimeError):
                raise failed from None
            reason = failed or error
            raise RuntimeError(f"{type(reason).__name__}: {reason}") from error
        replay: Callable[[], None] = graph.replay
        return replay

    def _abandon(self, graph: Any, pool: Any) -> None:
        """Leave PyTorch's allocator in order where a capture failed.

        It believes that the capture is under way, asks its graph about allocations, and fails before the next capture
        (until PyTorch 2.12).
        """
        self._failed.append(graph)
        names = "_cuda_endAllocateToPool", "_cuda_releasePool"
        with suppress(AttributeError, RuntimeError):  # an older PyTorch; or it was ended, or never begun
            for close in [getattr(self._torch._C, name) for name in names]:
                close(self._device.index, pool)

    def _tensor(self, matrix: Matrix) -> Any:
        """The places of a matrix, or of a stack of them."""
        shape, strides = [matrix.rows, matrix.columns], [matrix.down, matrix.along]
        if matrix.stack > 1:
            shape, strides = [matrix.stack, *shape], [matrix.over, *strides]
        size = 4 if matrix.dtype == "float32" else 8
        return self.view(matrix.memory, matrix.offset, matrix.dtype, shape, [size * stride for stride in strides])

    def _select(self) -> None:
        """Make the GPU, and its context, the thread's current one: the driver's launches go there."""
        self._torch.cuda.set_device(self._device)
        self._torch.cuda.synchronize(self._device)


@contextmanager
def tf32(torch: Any) -> Iterator[None]:
    """TF32 for products and convolutions that are launched meanwhile; captured ones keep it."""
    use_tf32(torch, True)
    try:
        yield
    finally:
        use_tf32(torch, False)


def use_tf32(torch: Any, on: bool) -> None:
    """For products and convolutions, or IEEE float32.

    PyTorch's older switches set the newer ones too, and torch.compile reads either. But off they leave cuDNN to the
    switch above it, `torch.backends.fp32_precision`; so that one of the newer is set as well.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch 2.9, that there are newer ones
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = on
        for name in ("conv", "rnn"):
            switch: Any = getattr(torch.backends.cudnn, name, None)
            if not on and hasattr(switch, "fp32_precision"):
                switch.fp32_precision = "ieee"


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python collects no garbage meanwhile: a graph that is destroyed makes another's capture invalid."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _require_out_dtype(torch: Any, device: Any) -> None:
    """Raise RuntimeError where PyTorch's products of bfloat16 cannot leave float32."""
    one = torch.ones((1, 1), dtype=torch.bfloat16, device=device)
    try:
        torch.mm(one, one, torch.float32, out=torch.empty((1, 1), device=device))
    except (TypeError, RuntimeError) as error:
        raise RuntimeError(
            f"precision 'bf16' needs torch.mm with out_dtype, which PyTorch {torch.__version__} lacks here "
            f"({str(error).split('. ')[0]}). "
            "Mend: install a newer PyTorch (2.8), or use precision 'tf32'"
        ) from error
