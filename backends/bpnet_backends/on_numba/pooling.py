"""Pooling on the CPU, a sample at a time.

Taps beyond the image are moved onto its edge, which the window then covers too: the largest stays the same, and so does
the first element that has its value. In averages they count for nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet_backends.on_numba.planes import clear
from bpnet_backends.on_numba.samples import OWN
from bpnet_backends.on_numba.words import int64_at

REAL: Any = None
REAL_at: Any = None
BYTES: Any = None
HEIGHT: Any = None
WIDTH: Any = None
CHANNELS: Any = None
DOWN: Any = None
ACROSS: Any = None
SIZE_DOWN: Any = None
SIZE_ACROSS: Any = None
MOVED_DOWN: Any = None
MOVED_ACROSS: Any = None
TOP: Any = None
LEFT: Any = None
"""The geometry, settled for each kernel."""


def maximum(arguments: int, start: int, stop: int, chunk: int) -> None:
    """y = the largest; the arrays are x, y."""
    a = int64_at(arguments)
    x, y = REAL_at(a[OWN]), REAL_at(a[OWN + 1])
    for n in range(start, stop):
        for i in range(DOWN):
            for j in range(ACROSS):
                out = ((n * DOWN + i) * ACROSS + j) * CHANNELS
                for c in range(CHANNELS):
                    best = REAL(-np.inf)
                    for k in range(SIZE_DOWN):
                        for m in range(SIZE_ACROSS):
                            value = x[n * HEIGHT * WIDTH * CHANNELS + under(i, j, k, m) + c]
                            best = best if best >= value or best != best else value
                    y[out + c] = best


def maximum_gradient(arguments: int, start: int, stop: int, chunk: int) -> None:
    """dx = dy at the first of the largest; the arrays are x, y, dy, dx."""
    a = int64_at(arguments)
    x, y, dy, dx = REAL_at(a[OWN]), REAL_at(a[OWN + 1]), REAL_at(a[OWN + 2]), REAL_at(a[OWN + 3])
    for n in range(start, stop):
        image = n * HEIGHT * WIDTH * CHANNELS
        clear(a[OWN + 3] + BYTES * image, HEIGHT * WIDTH * CHANNELS)
        for i in range(DOWN):
            for j in range(ACROSS):
                out = ((n * DOWN + i) * ACROSS + j) * CHANNELS
                for c in range(CHANNELS):
                    left, largest = dy[out + c], y[out + c]
                    for k in range(SIZE_DOWN):
                        for m in range(SIZE_ACROSS):
                            here = image + under(i, j, k, m) + c
                            hit = x[here] == largest
                            dx[here] = dx[here] + (left if hit else REAL(0))
                            left = REAL(0) if hit else left


def average(arguments: int, start: int, stop: int, chunk: int) -> None:
    """y = the mean of what lies inside the image; the arrays are x, y."""
    a = int64_at(arguments)
    x, y = REAL_at(a[OWN]), REAL_at(a[OWN + 1])
    for n in range(start, stop):
        for i in range(DOWN):
            for j in range(ACROSS):
                out, share = ((n * DOWN + i) * ACROSS + j) * CHANNELS, REAL(1) / REAL(covered(i, j))
                for c in range(CHANNELS):
                    total = REAL(0)
                    for k in range(SIZE_DOWN):
                        for m in range(SIZE_ACROSS):
                            value = x[n * HEIGHT * WIDTH * CHANNELS + under(i, j, k, m) + c]
                            total = total + (value if inside(i, j, k, m) else REAL(0))
                    y[out + c] = total * share


def average_gradient(arguments: int, start: int, stop: int, chunk: int) -> None:
    """dx: dy / n from each window; the arrays are dy, dx."""
    a = int64_at(arguments)
    dy, dx = REAL_at(a[OWN]), REAL_at(a[OWN + 1])
    for n in range(start, stop):
        image = n * HEIGHT * WIDTH * CHANNELS
        clear(a[OWN + 1] + BYTES * image, HEIGHT * WIDTH * CHANNELS)
        for i in range(DOWN):
            for j in range(ACROSS):
                out, share = ((n * DOWN + i) * ACROSS + j) * CHANNELS, REAL(1) / REAL(covered(i, j))
                for c in range(CHANNELS):
                    part = dy[out + c] * share
                    for k in range(SIZE_DOWN):
                        for m in range(SIZE_ACROSS):
                            here = image + under(i, j, k, m) + c
                            dx[here] = dx[here] + (part if inside(i, j, k, m) else REAL(0))


def under(i: int, j: int, k: int, m: int) -> Any:
    """Where in the image tap (k, m) of place (i, j) lies, moved onto the edge if it is beyond."""
    row, column = on_axis(i * MOVED_DOWN + k - TOP, HEIGHT), on_axis(j * MOVED_ACROSS + m - LEFT, WIDTH)
    return (row * WIDTH + column) * CHANNELS


def on_axis(place: int, length: int) -> int:
    """The nearest place inside."""
    place = 0 if place < 0 else place
    return length - 1 if place >= length else place


def inside(i: int, j: int, k: int, m: int) -> Any:
    """Does tap (k, m) of place (i, j) lie in the image?"""
    row, column = i * MOVED_DOWN + k - TOP, j * MOVED_ACROSS + m - LEFT
    return 0 <= row < HEIGHT and 0 <= column < WIDTH


def covered(i: int, j: int) -> Any:
    """How many taps of place (i, j) do."""
    top, left = i * MOVED_DOWN - TOP, j * MOVED_ACROSS - LEFT
    bottom, right = top + SIZE_DOWN, left + SIZE_ACROSS
    rows = (HEIGHT if bottom > HEIGHT else bottom) - (0 if top < 0 else top)
    columns = (WIDTH if right > WIDTH else right) - (0 if left < 0 else left)
    return rows * columns
