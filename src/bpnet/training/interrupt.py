"""Ctrl-C ends a loop between two steps, not inside one, so that no update is left half done."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class InterruptAfterStep:
    """While active, the first Ctrl-C sets `requested`; a second one interrupts at once, as usual.

    Only the main thread receives signals; in another thread nothing changes.
    """

    def __init__(self) -> None:
        self.requested = False
        self.agreed = False
        """Do all processes that train together end for it? One that is asked for meanwhile waits for the next time."""
        self._active = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> InterruptAfterStep:
        if self._active:
            self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, self._before)
