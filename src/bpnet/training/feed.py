"""Batches come from the host into the arrays that a step reads; a thread makes them while the steps before them run.

Any backend: each batch is copied to the device and from there into the step's arrays.

A backend with `pinned` and `upload` (`Uploads`): two buffers in page-locked memory take turns, and two on the device.
The copy of batch i + 1 is asked for before step i is, and runs beside it:

    host    gather i+1        gather i+2
    copies          copy i+1 →           copy i+2 →
    steps           step i               step i+1
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

from bpnet.backend import Array, Backend
from bpnet.training.prefetch import Prefetch
from bpnet.training.step import Batch, DeviceData, arrays_of

HostBatch: TypeAlias = tuple[tuple[Any, ...], tuple[Any, ...], Any]
"""As `Batch`, of arrays of the host."""


class Upload(Protocol):
    """A copy from the host to the device that is under way."""

    def ready(self) -> None:
        """What the device is asked for from now on comes after the copy; the host does not wait."""

    def wait(self) -> None:
        """Let the host wait until the source has been read; may be called in another thread."""


class Uploads(Protocol):
    """What a backend may offer beyond `Backend`, so that copies to the device run beside its other work."""

    def pinned(self, shape: Sequence[int], dtype: str) -> Any:
        """A NumPy array in page-locked memory."""

    def upload(self, source: Any, target: Array) -> Upload:
        """Begin to copy `source`, from `pinned`, to `target`, of the same shape and type, both contiguous.

        The copy comes after all that the device was asked for before, and runs beside what it is asked for next.
        """


@contextmanager
def feed(
    backend: Backend, data: DeviceData, put: Callable[[HostBatch], Batch], batches: Iterator[HostBatch], count: int
) -> Iterator[Callable[[], None]]:
    """What brings the next of `count` batches into `data`. `put` copies a batch to the device."""
    uploads: Any = backend
    if hasattr(backend, "pinned") and hasattr(backend, "upload"):
        with _Beside(uploads, backend, data, count) as beside, Prefetch(beside.gather(batches)) as prefetch:
            try:
                yield lambda: beside.bring(prefetch)
            finally:
                beside.stop()
    else:
        with Prefetch(batches) as prefetch:
            yield lambda: data.take_in(put(prefetch.next()))


class _Slot:
    """A buffer on the host, its like on the device, and the copies from the one to the other."""

    def __init__(self, uploads: Uploads, backend: Backend, data: DeviceData) -> None:
        self._uploads = uploads
        self.arrays = arrays_of((data.x, data.y, data.weight))
        self._cursor = data.cursor
        self.device = [backend.xp.zeros_like(array) for array in self.arrays]
        self.host = [uploads.pinned(tuple(array.shape), str(array.dtype).rpartition(".")[2]) for array in self.arrays]
        self._filled = 0
        """The samples in the buffer on the host."""
        self._copied = 0
        """Those of the last copy to the device; the thread may have filled the host's buffer anew since."""
        self._under_way: list[Upload] = []

    def fill(self, batch: HostBatch) -> None:
        """Take a batch in, once the one before has been read."""
        self.wait()
        arrays = arrays_of(batch)
        self._filled = len(arrays[0])
        for own, new in zip(self.host, arrays, strict=True):
            own[: self._filled] = new

    def begin(self) -> None:
        """Ask for the copies."""
        self._copied = self._filled
        pairs = zip(self.host, self.device, strict=True)
        self._under_way = [self._uploads.upload(source, target) for source, target in pairs]

    def take_in(self) -> None:
        """Ask for the batch to be moved to where the step reads it."""
        for upload in self._under_way:
            upload.ready()
        for own, new in zip(self.arrays, self.device, strict=True):
            own[: self._copied, ...] = new[: self._copied, ...]
        self._cursor[...] = 0

    def wait(self) -> None:
        """Until the host's buffer has been read."""
        for upload in self._under_way:
            upload.wait()


class _Beside:
    """Two slots in turn."""

    def __init__(self, uploads: Uploads, backend: Backend, data: DeviceData, count: int) -> None:
        self._slots = [_Slot(uploads, backend, data) for _ in range(2)]
        self._free: queue.SimpleQueue[_Slot | None] = queue.SimpleQueue()
        for slot in self._slots:
            self._free.put(slot)
        self._left = count
        self._next: _Slot | None = None

    def __enter__(self) -> _Beside:
        return self

    def __exit__(self, *_: object) -> None:
        """No buffer may go while a copy reads it."""
        for slot in self._slots:
            slot.wait()

    def stop(self) -> None:
        """Let the thread go that waits for a slot."""
        self._free.put(None)

    def gather(self, batches: Iterator[HostBatch]) -> Iterator[_Slot]:
        """In the thread: each batch in a slot."""
        for batch in batches:
            slot = self._free.get()
            if slot is None:
                return
            slot.fill(batch)
            yield slot

    def bring(self, prefetch: Prefetch[_Slot]) -> None:
        """The next batch into place, after the copy of the one that follows was asked for."""
        slot = self._next or self._begin(prefetch)
        self._next = self._begin(prefetch) if self._left else None
        slot.take_in()

    def _begin(self, prefetch: Prefetch[_Slot]) -> _Slot:
        slot = prefetch.next()
        self._left -= 1
        slot.begin()
        self._free.put(slot)  # the thread waits for its copy before it fills it again
        return slot
