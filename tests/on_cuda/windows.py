"""Windows that Hypothesis draws, arrays for them, and a backend whose ops are those of the GPU on the emulator."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import Phase, assume, settings
from hypothesis import strategies as st

from bpnet.backend import Backend, load
from bpnet.nn.op import OPS
from bpnet.nn.window import Window
from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_cuda.namespace import namespace
from emulator.device import EmulatedDevice
from limits import LIMITS, relative

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
PADDING = st.tuples(st.integers(0, 2), st.integers(0, 2))
WINDOWS = st.builds(
    Window,
    image=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=PAIRS,
    strides=PAIRS,
    dilation=PAIRS,
    before=PADDING,
    behind=PADDING,
)
drawn = settings(derandomize=True, deadline=None, max_examples=15, phases=[Phase.generate])
"""Each example is compiled: few, and failing ones are not made smaller."""
plain = load("numpy")


def on_gpu(backwards: bool = False) -> Any:
    """What an op takes for its backend; `device` is the emulated GPU."""
    device = EmulatedDevice(backwards=backwards)

    def asarray(x: Any, dtype: str) -> Any:
        return tracing.constant(device, device.asarray(x, dtype))

    return SimpleNamespace(xp=namespace(device), asarray=asarray, device=device, kernels={})


def arrays(seed: int, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Normal numbers that are exact in float32."""
    draw = np.random.default_rng(seed)
    return [draw.normal(size=shape).astype(np.float32) for shape in shapes]


def needs_places(at: Window) -> None:
    """Let Hypothesis draw another window where this one has no place."""
    assume(min(at.places) > 0)


def compare(
    be: Any, kernel: Callable[..., Any], given: tuple[Any, ...], settings_: tuple[Any, ...], written: int, dtype: str
) -> None:
    """The kernel against the plain op of the same name in float64; the last `written` of the arrays are written."""
    ours = [None if x is None else be.asarray(x, dtype) for x in given]
    theirs: list[Any] = [None if x is None else np.array(x, "float64") for x in given]
    for x in ours[len(ours) - written :]:
        if x is not None:
            x[...] = np.nan
    before = be.device.counts.launches
    made = kernel(be, *ours, *settings_)
    assert made is not NotImplemented
    assert be.device.counts.launches > before
    expected = OPS[kernel.__name__](_plain(), *theirs, *settings_)
    pairs = list(zip(ours, theirs, strict=True))[-written:] if written else [(made, expected)]
    for own, other in pairs:
        if own is not None:
            assert own.own.dtype == np.dtype(dtype)
            assert relative(_finite(own.own), _finite(other)) <= LIMITS[dtype]


def _finite(x: Any) -> np.ndarray:
    """With -10⁶ for -∞, the largest of a window that has only padding; NaN stays."""
    return np.nan_to_num(np.asarray(x, "float64"), nan=np.nan, neginf=-1e6)


def _plain() -> Backend:
    """NumPy's backend without kernels of its own."""
    return SimpleNamespace(xp=plain.xp, kernels={}, asarray=plain.asarray)  # type: ignore[return-value]
