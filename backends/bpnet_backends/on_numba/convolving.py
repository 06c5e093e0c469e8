"""The ops of convolution: for each geometry the kernels of `convolution`, made once, with what their tables hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np

from bpnet_backends.on_numba import convolution, microkernels, samples, words
from bpnet_backends.on_numba.compiling import address_of_function
from bpnet_backends.on_numba.planes import Planes
from bpnet_backends.on_numba.samples import SampleKernel, contiguous, empty

PRODUCT, MOVE = 0.03, 0.3
"""Nanoseconds, about: of a multiplication and addition, and to bring a number into or out of a plane."""

NAMES = {"forward": "conv2d", "input_gradient": "conv2d input gradient", "gradients": "conv2d weight gradient"}
"""For people."""

MOST_WEIGHTS = 1 << 18
"""Of a layer: more of them no longer lie in a core's cache, and the BLAS is faster on patches."""


def conv2d(be: Any, x: Any, w: Any, b: Any, at: Any, groups: int) -> Any:
    """z = x ∗ w + b."""
    if w.size > MOST_WEIGHTS:
        return NotImplemented
    dtype = np.result_type(x, w)
    z = empty((x.shape[0], *at.places, w.shape[-1]), dtype)
    of = Convolution(at, x.shape[-1], w.shape[-1], groups, b is not None, dtype.name)
    inputs = [contiguous(array, dtype) for array in (x, w, w if b is None else b)]
    samples.call(forward(of), inputs, [z], made=True)
    return z


def conv2d_grads(be: Any, x: Any, dz: Any, dw: Any, db: Any, at: Any, groups: int) -> Any:
    """dw and db, written into the network's gradient."""
    if dw.size > MOST_WEIGHTS:
        return NotImplemented
    dtype = np.result_type(x, dz)
    of = Convolution(at, x.shape[-1], dw.shape[-1], groups, db is not None, dtype.name)
    outputs = [dw] if db is None else [dw, db]
    fits = [out.flags.c_contiguous and out.dtype == dtype for out in outputs]
    made = [out if fit else empty(out.shape, dtype) for out, fit in zip(outputs, fits, strict=True)]
    samples.call(gradients(of), [contiguous(x, dtype), contiguous(dz, dtype)], made, made=False)
    for out, part in zip(outputs, made, strict=True):
        if out is not part:
            out[...] = part
    return None


def conv2d_input_grad(be: Any, dz: Any, w: Any, at: Any, groups: int) -> Any:
    """dx."""
    if w.size > MOST_WEIGHTS:
        return NotImplemented
    dtype = np.result_type(dz, w)
    of = Convolution(at, w.shape[2] * groups, w.shape[-1], groups, False, dtype.name)
    dx = empty((dz.shape[0], *at.image, of.channels), dtype)
    samples.call(input_gradient(of), [contiguous(dz, dtype), contiguous(w, dtype)], [dx], made=True)
    return dx


def depthwise_conv2d(be: Any, x: Any, w: Any, b: Any, at: Any) -> Any:
    """z, a channel at a time."""
    return conv2d(be, x, _in_groups(w), b, at, x.shape[-1])


def depthwise_conv2d_grads(be: Any, x: Any, dz: Any, dw: Any, db: Any, at: Any) -> Any:
    """dw and db, a channel at a time."""
    together = _in_groups(dw)
    if conv2d_grads(be, x, dz, together, db, at, x.shape[-1]) is NotImplemented:
        return NotImplemented
    if not np.may_share_memory(together, dw):
        dw[...] = together.reshape(dw.shape)
    return None


def depthwise_conv2d_input_grad(be: Any, dz: Any, w: Any, at: Any) -> Any:
    """dx, a channel at a time."""
    return conv2d_input_grad(be, dz, _in_groups(w), at, w.shape[2])


def _in_groups(w: Any) -> Any:
    """(K, L, C, M) as (K, L, 1, C·M): the same memory."""
    return w.reshape(*w.shape[:2], 1, -1)


@dataclass(frozen=True)
class Convolution:
    """One geometry."""

    window: Any
    channels: int
    filters: int
    groups: int
    has_bias: bool
    dtype: str

    @property
    def own(self) -> tuple[int, int]:
        """The channels and filters of a group."""
        return self.channels // self.groups, self.filters // self.groups

    def planes(self, vectors: int) -> Planes:
        """Planes that an inner loop goes through by so many vectors at a time."""
        return Planes(self.window, vectors * microkernels.lanes(self.dtype))

    def kernel(
        self,
        function: Callable[..., Any],
        planes: Planes,
        micro: tuple[int, int, int],
        tables: tuple[list[int], list[int]],
        by_rows: tuple[bool, ...],
        scratch: int,
    ) -> SampleKernel:
        """`function` for this geometry.

        `micro` is the inner loop: its address, how many planes it makes, of how many vectors or taps; `tables` says
        where its terms lie, and what else the function looks up; `scratch` is in numbers.
        """
        address, many, at_once = micro
        constants = planes.constants() | {
            "CHANNELS": self.channels,
            "FILTERS": self.filters,
            "GROUPS": self.groups,
            "BIAS": int(self.has_bias),
            "TAPS": len(planes.taps),
            "PHASES": planes.phases,
            "TOGETHER": planes.together,
            "SIZE": planes.size,
            "MARGIN": planes.margin,
            "MANY": many,
            "AT_ONCE": at_once,
            "BLOCK": planes.block,
            **words.of_type(self.dtype),
        }
        products = len(planes.taps) * planes.size * self.channels * self.own[1]
        moves = planes.size * (self.channels * planes.phases + self.filters)
        places = prod(self.window.places) * self.filters
        memory = tuple(np.array(table, np.int64) for table in tables)
        return SampleKernel(
            address=address_of_function(function, **constants),
            numbers=(address, *(table.ctypes.data for table in memory)),
            by_rows=by_rows,
            scratch=np.dtype(self.dtype).itemsize * scratch,
            cost=PRODUCT * products + MOVE * moves,
            name=NAMES[function.__name__] + (f" in {self.groups} groups" if self.groups > 1 else ""),
            flop=places * (2 * len(planes.taps) * self.own[0] + self.has_bias),
            together=planes.together,
            memory=memory,
        )


@cache
def forward(of: Convolution) -> SampleKernel:
    """The kernel of z."""
    filters = of.own[1]
    many, vectors = microkernels.shape(filters)
    planes = of.planes(vectors)
    offsets = [place for g in range(of.groups) for place in _images(of, planes, g)]
    coefficients = -(-filters // many) * many * len(offsets)
    scratch = (of.channels * planes.phases + many) * planes.length + of.filters + coefficients
    micro = microkernels.correlation(of.dtype, many, vectors), many, vectors
    by_rows = True, False, False, True
    return of.kernel(convolution.forward, planes, micro, (offsets, []), by_rows, scratch)


@cache
def input_gradient(of: Convolution) -> SampleKernel:
    """The kernel of dx: the taps of one phase after those of another."""
    channels, filters = of.own
    many, vectors = microkernels.shape(channels)
    planes = of.planes(vectors)
    order = sorted(range(len(planes.taps)), key=lambda tap: planes.taps[tap][0])
    offsets = [
        (g * filters + f) * planes.length + planes.margin - planes.taps[tap][1]
        for g in range(of.groups)
        for tap in order
        for f in range(filters)
    ]
    counts = [sum(phase == number for phase, _ in planes.taps) for number in range(planes.phases)]
    coefficients = -(-channels // many) * many * len(offsets)
    scratch = (of.filters + many * planes.phases) * planes.length + coefficients
    micro = microkernels.correlation(of.dtype, many, vectors), many, vectors
    by_rows = True, False, True
    return of.kernel(convolution.input_gradient, planes, micro, (offsets, [*counts, *order]), by_rows, scratch)


@cache
def gradients(of: Convolution) -> SampleKernel:
    """The kernel of dw and db: each group's taps are filled up with the last one."""
    many, taps = microkernels.shape(of.own[1])
    planes = of.planes(1)
    ones = [of.channels * planes.phases * planes.length] * of.has_bias
    offsets: list[int] = []
    for g in range(of.groups):
        places = _images(of, planes, g) + ones
        offsets += places + places[-1:] * (-len(places) % taps)
    sums = -(-of.own[1] // many) * many * len(offsets)
    scratch = (of.channels * planes.phases + 1 + of.filters + many) * planes.length + sums
    micro = microkernels.products(of.dtype, many, taps), many, taps
    by_rows = (True, True, *[False] * (1 + of.has_bias))
    return of.kernel(convolution.gradients, planes, micro, (offsets, []), by_rows, scratch)


def _images(of: Convolution, planes: Planes, group: int) -> list[int]:
    """Where the taps of a group lie in the planes of images: a tap and channel after the other."""
    channels, _ = of.own
    return [
        ((group * channels + c) * planes.phases + phase) * planes.length + shift
        for phase, shift in planes.taps
        for c in range(channels)
    ]
