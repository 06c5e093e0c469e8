"""A window that slides over images: where it stands, and which elements lie under it.

Along an axis of n elements a window of k taps, d apart, spans (k-1)·d + 1 elements and is moved by s. With p elements
of padding before and q behind it stands in ⌊(n + p + q - span) / s⌋ + 1 places. "valid" pads nothing; "same" pads so
that there are ⌈n / s⌉ places, the odd element behind, as Keras does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.names import look_up

Pair = tuple[int, int]
PADDINGS = {"valid": False, "same": True}


@dataclass(frozen=True)
class Window:
    """A window on images of one size: (height, width) each."""

    image: Pair
    size: Pair
    strides: Pair
    dilation: Pair
    before: Pair
    """Padding above and on the left."""
    behind: Pair

    @property
    def places(self) -> Pair:
        """How many places there are, down and across."""
        down, across = (
            (n + p + q - (k - 1) * d - 1) // s + 1
            for n, p, q, k, d, s in zip(
                self.image, self.before, self.behind, self.size, self.dilation, self.strides, strict=True
            )
        )
        return down, across

    @property
    def is_padded(self) -> bool:
        """Does it reach beyond the image?"""
        return any(self.before) or any(self.behind)

    def taps(self) -> Iterator[tuple[Pair, tuple[slice, slice]]]:
        """Each element of the window, and the rows and columns of the padded image that lie under it in all places."""
        (down, across), (s, t), (d, e) = self.places, self.strides, self.dilation
        for i in range(self.size[0]):
            for j in range(self.size[1]):
                rows = slice(i * d, i * d + (down - 1) * s + 1, s)
                columns = slice(j * e, j * e + (across - 1) * t + 1, t)
                yield (i, j), (rows, columns)


@cache
def window(image: Pair, size: Pair, strides: Pair, dilation: Pair, padding: str) -> Window:
    """The window on images of that size; it may be larger than the image, and then has no place."""
    before, behind = [], []
    for n, k, s, d in zip(image, size, strides, dilation, strict=True):
        missing = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0) if PADDINGS[padding] else 0
        before.append(missing // 2)
        behind.append(missing - missing // 2)
    return Window(image, size, strides, dilation, (before[0], before[1]), (behind[0], behind[1]))


def padded(be: Backend, x: Array, at: Window, value: float = 0.0) -> Array:
    """x (N, H, W, C) with the window's padding around it."""
    if not at.is_padded:
        return x
    (height, width), (top, left), (bottom, right) = at.image, at.before, at.behind
    batch, *_, channels = x.shape
    shape = (batch, top + height + bottom, left + width + right, channels)
    y = be.xp.full(shape, value, dtype=x.dtype, device=x.device)
    y[:, top : top + height, left : left + width, :] = x
    return y


def scattered(be: Backend, parts: Callable[[Pair], Array], like: Array, at: Window) -> Array:
    """dx (N, H, W, C): the sum of what each tap sends back to the elements that lay under it."""
    (height, width), (top, left), (bottom, right) = at.image, at.before, at.behind
    batch, *_, channels = like.shape
    shape = (batch, top + height + bottom, left + width + right, channels)
    dx = be.xp.zeros(shape, dtype=like.dtype, device=like.device)
    for tap, (rows, columns) in at.taps():
        dx[:, rows, columns, :] = dx[:, rows, columns, :] + parts(tap)
    return dx[:, top : top + height, left : left + width, :] if at.is_padded else dx


def pair(name: str, given: int | Sequence[int], least: int = 1) -> Pair:
    """One whole number for both axes, or two."""
    both: tuple[Any, ...] = tuple(given) if isinstance(given, Sequence) else (given, given)
    numbers = all(isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= least for n in both)
    if len(both) != 2 or not numbers:
        raise ValueError(f"{name}: {given!r} was given, expected a whole number from {least}, or two: (3, 3)")
    return int(both[0]), int(both[1])


def padding_named(given: str) -> str:
    """`valid` or `same`."""
    look_up("padding", given, PADDINGS)
    return given
