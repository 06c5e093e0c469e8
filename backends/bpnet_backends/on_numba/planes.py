"""Images as planes: how convolutions see them.

A plane holds one channel of a few images, side by side: element (i, j) of image s lies at s · size + i · pitch + j. A
convolution then needs no patches. With the places of the window numbered like the elements, the element under tap
(a, b) of place p lies at p + a · pitch + b, whatever p is:

    z[p] = Σ_abc w[a, b, c] · plane_c[p + a · pitch + b]

is a sum of shifted planes, in which a register of the processor takes many places at once. Numbers p that are no place,
at the right and lower edges, are computed with the others and left behind.

A window that is moved by more than 1 sees every s-th row and t-th column: a channel becomes s · t planes, one for each
remainder ("phase"), and in each the window is moved by 1. Padding is written into the planes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

TOGETHER = 1024
"""Elements that a plane should have: images are put side by side until it has."""

MOST_TOGETHER = 16

LINE = 16
"""Elements in a line of the cache or two, for float32 or float64."""

REAL: Any = None
REAL_at: Any = None
"""float32 or float64, the type of the images, and the word for its memory. These and what follows is settled for each
kernel by `Planes.constants`."""

HEIGHT: Any = None
WIDTH: Any = None
CHANNELS: Any = None
"""Of an image."""

TOP: Any = None
LEFT: Any = None
MOVED_DOWN: Any = None
MOVED_ACROSS: Any = None
"""The window's padding and strides."""

DOWN: Any = None
ACROSS: Any = None
FILTERS: Any = None
"""Of what a convolution makes of an image."""

PITCH: Any = None
LENGTH: Any = None
"""Elements from row to row of a plane, and from plane to plane."""


@dataclass(frozen=True)
class Planes:
    """Where the elements of images, and those under a window's taps, lie in planes.

    `window` has image, size, strides, dilation, before, behind and places, each (down, across).
    """

    window: Any
    block: int
    """Elements that are computed together: planes end with room for a whole block."""

    @property
    def phases(self) -> int:
        """Planes a channel."""
        down, across = self.window.strides
        return int(down * across)

    @cached_property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of one image's part of a plane; the columns are the pitch."""
        at = self.window
        down, across = (
            -(-(n + p + q) // s) for n, p, q, s in zip(at.image, at.before, at.behind, at.strides, strict=True)
        )
        return down, across

    @property
    def size(self) -> int:
        """Elements of one image's part of a plane."""
        return self.sides[0] * self.sides[1]

    @property
    def together(self) -> int:
        """How many images lie side by side."""
        return max(1, min(MOST_TOGETHER, TOGETHER // self.size))

    @cached_property
    def taps(self) -> list[tuple[int, int]]:
        """Of each element of the window, row by row: its phase, and how far it lies behind its place."""
        (s, t), (d, e) = self.window.strides, self.window.dilation
        return [
            ((a * d % s) * t + b * e % t, (a * d // s) * self.sides[1] + b * e // t)
            for a in range(self.window.size[0])
            for b in range(self.window.size[1])
        ]

    @property
    def margin(self) -> int:
        """The farthest that a tap lies behind its place: what has to be readable before and behind the images."""
        return max(shift for _, shift in self.taps)

    @property
    def length(self) -> int:
        """Elements from one plane to the next: an odd number of lines, so that planes lie in all parts of a cache."""
        room = 2 * self.margin + -(-self.together * self.size // self.block) * self.block
        return (-(-room // LINE) | 1) * LINE

    def constants(self) -> dict[str, int]:
        """What the functions below need to know."""
        at = self.window
        return {
            "HEIGHT": at.image[0],
            "WIDTH": at.image[1],
            "TOP": at.before[0],
            "LEFT": at.before[1],
            "MOVED_DOWN": at.strides[0],
            "MOVED_ACROSS": at.strides[1],
            "DOWN": at.places[0],
            "ACROSS": at.places[1],
            "PITCH": self.sides[1],
            "LENGTH": self.length,
        }


def clear(address: int, size: int) -> None:
    """Zeros."""
    numbers = REAL_at(address)
    for i in range(size):
        numbers[i] = REAL(0)


def place_of_image(i: int, j: int) -> Any:
    """Where element (i, j) of an image lies in the first of its channel's planes, or in one of those that follow."""
    row, column = i + TOP, j + LEFT
    plane = row % MOVED_DOWN * MOVED_ACROSS + column % MOVED_ACROSS
    return plane * LENGTH + row // MOVED_DOWN * PITCH + column // MOVED_ACROSS


def image_to_planes(x: int, planes: int) -> None:
    """The channels of one image."""
    image, target = REAL_at(x), REAL_at(planes)
    for i in range(HEIGHT):
        for j in range(WIDTH):
            for c in range(CHANNELS):
                apart = c * MOVED_DOWN * MOVED_ACROSS * LENGTH
                target[apart + place_of_image(i, j)] = image[(i * WIDTH + j) * CHANNELS + c]


def planes_to_image(planes: int, x: int, first: int, many: int) -> None:
    """The channels of one image from `first` on, `many` of them; `planes` are theirs."""
    image, source = REAL_at(x), REAL_at(planes)
    for i in range(HEIGHT):
        for j in range(WIDTH):
            for c in range(many):
                apart = c * MOVED_DOWN * MOVED_ACROSS * LENGTH
                image[(i * WIDTH + j) * CHANNELS + first + c] = source[apart + place_of_image(i, j)]


def places_to_planes(z: int, planes: int) -> None:
    """What a convolution makes, or its gradient, of one image."""
    places, target = REAL_at(z), REAL_at(planes)
    for i in range(DOWN):
        for j in range(ACROSS):
            for f in range(FILTERS):
                target[f * LENGTH + i * PITCH + j] = places[(i * ACROSS + j) * FILTERS + f]


def planes_to_places(planes: int, z: int, b: int, first: int, many: int) -> None:
    """The filters from `first` on, `many` of them, each with its bias added; `planes` are theirs."""
    places, source, bias = REAL_at(z), REAL_at(planes), REAL_at(b)
    for i in range(DOWN):
        for j in range(ACROSS):
            for f in range(many):
                places[(i * ACROSS + j) * FILTERS + first + f] = source[f * LENGTH + i * PITCH + j] + bias[first + f]
