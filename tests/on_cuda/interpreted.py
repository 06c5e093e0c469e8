"""Traced steps on NumPy's memory, call by call; what a step makes begins as garbage, so that nothing else is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_cuda.namespace import namespace
from bpnet_backends.on_cuda.tracing import Traced
from bpnet_backends.on_numpy.program import with_results_in_place, without_unread
from bpnet_backends.on_numpy.recording import Call, root, with_arrays
from bpnet_backends.on_numpy.replay import bind
from on_cuda.numpy_device import NumPyDevice

GARBAGE = 0xFF
"""Bytes of which floats are not numbers, whole numbers -1, and truth values true."""


class Interpreted:
    """A backend of wrapped arrays whose captured steps are replays of their records, the first call too."""

    device = "CPU"
    kernels: dict[str, Callable[..., Any]] = {}  # noqa: RUF012

    def __init__(self, device: NumPyDevice | None = None, *, shortened: bool = False) -> None:
        self.home = device or NumPyDevice()
        self.name = self.home.name
        self.xp = namespace(self.home)
        self.shortened = shortened
        self.traced: list[Traced] = []

    def asarray(self, x: Any, dtype: str) -> Any:
        return tracing.constant(self.home, self.home.asarray(x, dtype))

    def to_numpy(self, x: Any) -> Any:
        tracing.stop("to_numpy")
        return self.home.to_numpy(x.own)

    def fuse(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return f

    def synchronize(self) -> None:
        pass

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        replay: Callable[[], None] | None = None

        def captured() -> None:
            nonlocal replay
            if tracing.listening():
                step()
                return
            if replay is None:
                traced = tracing.trace(step, self.home)
                self.traced.append(traced)
                assert traced.record.obstacle is None, traced.record.obstacle
                replay = interpretation(traced, self.home, shortened=self.shortened)
            replay()

        return captured


def interpretation(traced: Traced, device: NumPyDevice, *, shortened: bool = False) -> Callable[[], None]:
    """The step, on the memory of `device` and new memory."""
    record = traced.record
    made = {key: np.empty(owner.nbytes, np.uint8) for key, owner in record.made.items()}

    def place(array: np.ndarray) -> np.ndarray:
        owner = root(array)
        offset = array.ctypes.data - owner.ctypes.data
        if id(owner) in made:
            return np.ndarray(array.shape, array.dtype, made[id(owner)], offset, array.strides)
        found = device.view(traced.memory[id(owner)], offset, array.dtype.name, array.shape, array.strides)
        assert found.ctypes.data % 256 == array.ctypes.data % 256 or not array.size
        return found

    calls = record.calls
    if shortened:
        calls = with_results_in_place(record, without_unread(record, calls))
    bound = [_bound(call, place) for call in calls]

    def replay() -> None:
        for memory in made.values():
            memory.fill(GARBAGE)
        for call in bound:
            call()

    return replay


def _bound(call: Call, place: Callable[[np.ndarray], np.ndarray]) -> Callable[[], Any]:
    if call.kind == "library":
        return partial(call.function, *with_arrays(call.inputs, place), *with_arrays(call.outputs, place))
    return bind(call, place)
