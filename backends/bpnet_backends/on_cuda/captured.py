"""A step that is traced when it is first called, and replayed from then on."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_cuda.device import Device
from bpnet_backends.on_cuda.plan import NotPlannedError, Plan
from bpnet_backends.parts import Part

TOGETHER = 16
"""Steps in one graph where many follow one another."""


class Captured:
    """Called in place of `step`: the same results in the same memory, whose contents may be new.

    The first call traces the step, which computes nothing, plans it, and runs the plan launch by launch; that loads
    every kernel. The second captures the plan as a CUDA graph. A step that cannot be traced or planned runs as it is,
    with one warning that says why; one that cannot be captured is launched kernel by kernel, with a warning too.
    """

    def __init__(self, step: Callable[[], None], device: Device) -> None:
        self._step = step
        self._device = device
        self.plan: Plan | None = None
        """What a step launches; None until the first call, and where the step cannot be traced."""
        self._one: Callable[[], None] | None = None
        self._many: Callable[[], None] | None = None

    def __call__(self) -> None:
        """One step. Within a step that is being traced it is part of that one."""
        if tracing.listening():
            self._step()
        elif self._one is not None:
            self._one()
        elif self.plan is not None:
            self._one = self._graph(1)
            self._one()
        else:
            self._first()

    def repeat(self, times: int) -> None:
        """So many steps, several of them in a graph."""
        while times and (self._one is None or times < TOGETHER or tracing.listening()):
            self()
            times -= 1
        groups, rest = divmod(times, TOGETHER)
        if groups and self.plan is not None:
            self._many = self._many or self._graph(TOGETHER)
            for _ in range(groups):
                self._many()
            times = rest
        for _ in range(times):
            self()

    def parts(self) -> list[Part]:
        """The launches of a step; nothing where it cannot be traced. RuntimeError before the first call."""
        if self.plan is None and self._one is None:
            raise RuntimeError("parts: the step was never called. Mend: call it once; that tells what it is made of")
        launches = self.plan.launches if self.plan else ()
        return [Part(x.name, x.shape, x.bytes_read + x.bytes_written, x.flop, x.run) for x in launches]

    def _first(self) -> None:
        traced = tracing.trace(self._step, self._device)
        obstacle = traced.record.obstacle
        if obstacle is None:
            try:
                self.plan = Plan(traced, self._device)
            except NotPlannedError as error:
                obstacle = str(error)
        if self.plan is not None:
            self.plan.run()
            return
        _warn(f"{obstacle} cannot be replayed", "write it with functions of xp, or leave it to the end")
        self._one = self._step
        self._step()

    def _graph(self, times: int) -> Callable[[], None]:
        """`times` steps as a graph; where there can be none, launched one by one."""
        plan = self.plan
        assert plan is not None

        def work() -> None:
            for _ in range(times):
                plan.run()

        try:
            return self._device.graph(work)
        except RuntimeError as error:
            _warn(f"a step cannot be captured as a CUDA graph ({error})", "none is needed: the results are the same")
            return work


def _warn(reason: str, mend: str) -> None:
    warnings.warn(f"this step runs slower than it could: {reason}. Mend: {mend}", RuntimeWarning, stacklevel=4)
