"""What the compiled step asks of a GPU, and of the library that holds its memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, eq=False)
class Memory:
    """An allocation on the device."""

    owner: Any
    """What keeps it alive."""
    address: int
    size: int
    """Bytes."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """A stack of matrices: element (s, i, j) lies `offset` + s · `over` + i · `down` + j · `along` into the memory.

    `offset` counts bytes, the others elements. A stack of one has `over` = 0.
    """

    memory: Memory
    offset: int
    dtype: str
    stack: int
    rows: int
    columns: int
    over: int
    down: int
    along: int

    @property
    def address(self) -> int:
        """Where element (0, 0, 0) lies."""
        return self.memory.address + self.offset


@dataclass(frozen=True, eq=False)
class Launch:
    """A kernel with its grid and its arguments, each of 8 bytes: an address, a whole number, or a float64."""

    kernel: Any
    """What `Device.load` returned for it."""
    grid: tuple[int, int]
    """Blocks along x and y."""
    block: tuple[int, int]
    """Threads of a block along x and y, at most 1024 together."""
    arguments: tuple[int | float, ...]


class Device(Protocol):
    """A GPU by way of a library. All work goes to the library's current stream, in order."""

    name: str
    """For people: `cupy`, `torch`."""
    description: str
    """For people: `NVIDIA H100 (CUDA 12.4)`."""
    xp: Any
    """The library's array-API namespace, from array-api-compat."""

    def asarray(self, x: Any, dtype: str) -> Any:
        """A contiguous array of the library with memory of its own."""

    def to_numpy(self, x: Any) -> Any:
        """A NumPy copy of an array of the library; waits for the device."""

    def synchronize(self) -> None:
        """Wait until the device has finished."""

    def memory_of(self, array: Any) -> Memory:
        """The whole allocation that an array of the library lies in."""

    def address_of(self, array: Any) -> int:
        """Where the first element of an array of the library lies."""

    def allocate(self, size: int) -> Memory:
        """Memory of so many bytes, aligned to 256; MemoryError with what was asked and what is free."""

    def view(self, memory: Memory, offset: int, dtype: str, shape: Sequence[int], strides: Sequence[int]) -> Any:
        """An array of the library on this memory: `offset` and `strides` in bytes."""

    def load(self, text: str, names: Sequence[str]) -> list[Any]:
        """Compile CUDA C++; the `extern "C" __global__` functions of these names."""

    def launch(self, launch: Launch) -> None:
        """Start a kernel; does not wait."""

    def product(self, a: Matrix, b: Matrix, c: Matrix) -> Callable[[], None]:
        """What computes c = a b for these places in memory, each time it is called; it may be captured."""

    def graph(self, work: Callable[[], None]) -> Callable[[], None]:
        """Capture what `work` launches, without running it, and return what replays it on the current stream.

        RuntimeError: something in `work` cannot be captured.
        """


class Upload(Protocol):
    """A copy from page-locked memory that is under way."""

    def ready(self) -> None:
        """What is launched from now on waits for the copy; the host does not."""

    def wait(self) -> None:
        """Let the host wait until the source has been read; may be called in another thread."""


@runtime_checkable
class Uploading(Protocol):
    """What a device offers so that copies to it run beside its other work; `on_cuda.uploads` has both libraries'."""

    def free_memory(self) -> int:
        """The bytes that could still be allocated."""

    def pinned(self, shape: Sequence[int], dtype: str) -> Any:
        """A NumPy array in page-locked memory."""

    def upload(self, source: Any, target: Any) -> Upload:
        """Begin to copy `source`, from `pinned`, to the library's array `target`, on a stream of its own.

        The copy waits for what was launched before; what is launched next does not wait for it until `ready`.
        """
