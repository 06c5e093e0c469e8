"""A step is traced: its Python code runs once, on stand-ins, and nothing is computed.

Only what it brings to the device (`backend.asarray`, `xp.arange`) is brought, once, and is there for every replay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet_backends.on_cuda import notes
from bpnet_backends.on_cuda.arrays import Array
from bpnet_backends.on_cuda.device import Device, Memory
from bpnet_backends.on_cuda.notes import listening as listening
from bpnet_backends.on_cuda.notes import stop as stop
from bpnet_backends.on_numpy.recording import Record


@dataclass(frozen=True, eq=False)
class Traced:
    """What a step does, on stand-ins.

    Nothing was computed: also what comes from constants alone has to be computed by each replay, or once before.
    """

    record: Record
    """Its `made` are the root stand-ins of arrays that the step makes anew; its `obstacle` says what stopped it."""
    memory: dict[int, Memory]
    """By the identity of their root stand-ins: memory on the device that was there before, and constants."""
    roots: dict[int, np.ndarray]
    """By identity: all root stand-ins, which have to live as long as their identities are used."""


def trace(step: Callable[[], None], device: Device) -> Traced:
    """Run `step` on stand-ins. An obstacle ends it early; nothing on the device has changed then.

    RuntimeError: a step is traced already in this thread.
    """
    found = notes.begin(device)
    try:
        step()
        found.close()
    except notes.UntraceableError:
        pass
    finally:
        notes.end()
    return Traced(found.record, found.memory, found.roots)


def constant(device: Device, own: Any) -> Array:
    """An array that has just been brought to the device. A traced step finds these contents in it at each replay."""
    found = notes.current()
    if found is not None:
        found.constant(own)
    return Array(own, device)
