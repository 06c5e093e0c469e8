"""A function as a captured step on the emulated GPU, next to the same function in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import array_api_compat.numpy as plain_xp
import numpy as np

from bpnet_backends.on_cuda.backend import CudaBackend
from bpnet_backends.on_cuda.plan import Plan
from emulator.device import EmulatedDevice


def replayed(
    f: Callable[..., Any], arrays: Sequence[np.ndarray], *, backwards: bool = False, calls: int = 2
) -> tuple[list[np.ndarray], list[np.ndarray], Plan]:
    """What f(xp, *arrays) gives as a captured step, what it leaves in its arguments, and the plan.

    f returns arrays; the results of the last of some calls, each of which begins with the same arguments.
    """
    backend = CudaBackend(EmulatedDevice(backwards=backwards))
    inputs = [backend.asarray(x, x.dtype.name) for x in arrays]
    shapes = expected(f, arrays)[0]
    outputs = [backend.asarray(np.zeros_like(x), x.dtype.name) for x in shapes]

    def step() -> None:
        for target, result in zip(outputs, f(backend.xp, *inputs), strict=True):
            target[...] = result

    captured: Any = backend.capture(step)
    for _ in range(calls):
        for x, contents in zip(inputs, arrays, strict=True):
            x[...] = backend.asarray(contents, contents.dtype.name)
        captured()
    return [backend.to_numpy(x) for x in outputs], [backend.to_numpy(x) for x in inputs], captured.plan


def expected(f: Callable[..., Any], arrays: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The same by NumPy."""
    copies = [x.copy() for x in arrays]
    return [np.array(x) for x in f(plain_xp, *copies)], copies


def check(f: Callable[..., Any], *arrays: np.ndarray, limit: float = 1e-12) -> Plan:
    """`f` gives as a captured step what it gives in NumPy; what is no float is the same. `limit` is relative."""
    outputs, inputs, plan = replayed(f, arrays)
    by_numpy, left = expected(f, arrays)
    for x, y in zip([*outputs, *inputs], [*by_numpy, *left], strict=True):
        assert x.dtype == y.dtype
        if y.dtype.kind == "f":
            np.testing.assert_allclose(x, y, rtol=limit, atol=limit)
        else:
            np.testing.assert_array_equal(x, y)
    return plan
