"""Batches are made in a background thread while the steps before them run."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")

WAITING = 4
"""How many batches are made ahead."""


class Prefetch(Generic[Item]):
    """The items of an iterable, made ahead by a thread that lives as long as the `with` block; each is given once.

    What the iterable raises is raised by `next`, in the order of the items. Leaving the block, however that happens,
    ends the thread after the item at hand.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self._ready: queue.Queue[Item | _Ended] = queue.Queue(WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._make, name="bpnet-prefetch", daemon=True)

    def __enter__(self) -> Prefetch[Item]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        # The thread may be waiting for room. Once it has some, an item and the end may follow: there is room for both.
        while not self._ready.empty():
            self._ready.get()
        self._thread.join()

    def next(self) -> Item:
        """The next item, as soon as it is made. RuntimeError: there are no more."""
        item = self._ready.get()
        if not isinstance(item, _Ended):
            return item
        self._ready.put(item)
        raise RuntimeError("prefetch: one more item was asked for than there are") if item.error is None else item.error

    def _make(self) -> None:
        try:
            for item in self._items:
                if self._stop.is_set():
                    return
                self._ready.put(item)
            self._ready.put(_Ended(None))
        except BaseException as error:  # whatever it is, it belongs to the thread that trains
            self._ready.put(_Ended(error))


class _Ended:
    """In place of an item: there are no more, or this is why."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
