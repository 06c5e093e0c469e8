"""Convolution on the CPU as sums of shifted planes (see `planes`), a few samples at a time.

    z_f[p]      = Σ_tc w[t, c, f] · x_c[p + shift_t] + b_f
    dx_c[q]     = Σ_tf w[t, c, f] · dz_f[q - shift_t]
    dw[t, c, f] = Σ_p x_c[p + shift_t] · dz_f[p],    db_f = Σ_p 1 · dz_f[p]

Their inner loops are in `microkernels`. In dz's planes all that is no place is zero, so it adds nothing; b is the
weight of a plane of ones. A depthwise convolution is one in as many groups as there are channels.
"""

from __future__ import annotations

from typing import Any

from bpnet_backends.on_numba.planes import (
    clear,
    image_to_planes,
    places_to_planes,
    planes_to_image,
    planes_to_places,
)
from bpnet_backends.on_numba.samples import AREA, AREAS, OWN, begin, end
from bpnet_backends.on_numba.words import call_c, int64_at

MICRO, OFFSETS, COUNTS, ARRAYS = OWN, OWN + 1, OWN + 2, OWN + 3
"""In a kernel's table: the address of the inner loop; tables of where the terms of its sums lie, and of how many there
are in each phase; then the arrays' addresses."""

REAL: Any = None
REAL_at: Any = None
BYTES: Any = None
"""The type of the numbers, the word for their memory, the bytes of one. These and what follows is settled for each
kernel."""

HEIGHT: Any = None
WIDTH: Any = None
CHANNELS: Any = None
DOWN: Any = None
ACROSS: Any = None
FILTERS: Any = None
GROUPS: Any = None
TAPS: Any = None
BIAS: Any = None
"""Sizes of an image, and of what is made of it; 1 where there is b, else 0."""

PHASES: Any = None
TOGETHER: Any = None
SIZE: Any = None
LENGTH: Any = None
MARGIN: Any = None
"""The geometry of planes."""

MANY: Any = None
AT_ONCE: Any = None
BLOCK: Any = None
"""How many planes the inner loop makes, of how many vectors or taps each, and the elements that it takes at a time."""


def forward(arguments: int, start: int, stop: int, chunk: int) -> None:
    """z of the samples from `start` to `stop`; the arrays are x, w, b, z."""
    a = int64_at(arguments)
    x, w, b, z = a[ARRAYS], a[ARRAYS + 1], a[ARRAYS + 2], a[ARRAYS + 3]
    area = begin(arguments)
    images = a[AREAS] + area * a[AREA]
    out = images + BYTES * CHANNELS * PHASES * LENGTH
    bias = out + BYTES * MANY * LENGTH
    coefficients = bias + BYTES * FILTERS
    own_channels, own_filters = CHANNELS // GROUPS, FILTERS // GROUPS
    blocks, terms = (own_filters + MANY - 1) // MANY, TAPS * own_channels

    clear(images, CHANNELS * PHASES * LENGTH)
    clear(bias, FILTERS)
    if BIAS == 1:
        given, kept = REAL_at(b), REAL_at(bias)
        for f in range(FILTERS):
            kept[f] = given[f]
    weights, packed = REAL_at(w), REAL_at(coefficients)
    for g in range(GROUPS):
        for block in range(blocks):
            for t in range(terms):
                for f in range(MANY):
                    own = block * MANY + f
                    own = own if own < own_filters else 0
                    to = ((g * blocks + block) * terms + t) * MANY + f
                    packed[to] = weights[t * FILTERS + g * own_filters + own]

    n = start
    while n < stop:
        count = stop - n if stop - n < TOGETHER else TOGETHER
        for s in range(count):
            image_to_planes(x + BYTES * (n + s) * HEIGHT * WIDTH * CHANNELS, images + BYTES * s * SIZE)
        parts = (count * SIZE + BLOCK - 1) // BLOCK
        for g in range(GROUPS):
            for block in range(blocks):
                offsets, of_block = a[OFFSETS] + 8 * g * terms, BYTES * (g * blocks + block) * terms * MANY
                call_c(a[MICRO], images, offsets, coefficients + of_block, out, terms, parts, BYTES * LENGTH)
                left = own_filters - block * MANY
                many = MANY if own_filters % MANY == 0 or left > MANY else left
                for s in range(count):
                    made = z + BYTES * (n + s) * DOWN * ACROSS * FILTERS
                    first = g * own_filters + block * MANY
                    planes_to_places(out + BYTES * s * SIZE, made, bias, first, many)
        n += count
    end(arguments, area)


def input_gradient(arguments: int, start: int, stop: int, chunk: int) -> None:
    """dx of the samples from `start` to `stop`; the arrays are dz, w, dx."""
    a = int64_at(arguments)
    dz, w, dx = a[ARRAYS], a[ARRAYS + 1], a[ARRAYS + 2]
    area = begin(arguments)
    places = a[AREAS] + area * a[AREA]
    out = places + BYTES * FILTERS * LENGTH
    coefficients = out + BYTES * MANY * PHASES * LENGTH
    own_channels, own_filters = CHANNELS // GROUPS, FILTERS // GROUPS
    blocks, terms = (own_channels + MANY - 1) // MANY, TAPS * own_filters

    clear(places, FILTERS * LENGTH)
    weights, packed, order = REAL_at(w), REAL_at(coefficients), int64_at(a[COUNTS] + 8 * PHASES)
    for g in range(GROUPS):
        for block in range(blocks):
            for t in range(TAPS):
                for f in range(own_filters):
                    for c in range(MANY):
                        own = block * MANY + c
                        own = own if own < own_channels else 0
                        to = ((g * blocks + block) * terms + t * own_filters + f) * MANY + c
                        packed[to] = weights[(order[t] * own_channels + own) * FILTERS + g * own_filters + f]

    n = start
    while n < stop:
        count = stop - n if stop - n < TOGETHER else TOGETHER
        for s in range(count):
            places_to_planes(dz + BYTES * (n + s) * DOWN * ACROSS * FILTERS, places + BYTES * (MARGIN + s * SIZE))
        parts = (count * SIZE + BLOCK - 1) // BLOCK
        for g in range(GROUPS):
            for block in range(blocks):
                begun = 0
                for phase in range(PHASES):
                    in_phase = int64_at(a[COUNTS])[phase] * own_filters
                    offsets, of_phase = a[OFFSETS] + 8 * (g * terms + begun), (g * blocks + block) * terms + begun
                    target = out + BYTES * phase * LENGTH
                    apart = BYTES * PHASES * LENGTH
                    call_c(
                        a[MICRO],
                        places,
                        offsets,
                        coefficients + BYTES * of_phase * MANY,
                        target,
                        in_phase,
                        parts,
                        apart,
                    )
                    begun += in_phase
                left = own_channels - block * MANY
                many = MANY if own_channels % MANY == 0 or left > MANY else left
                for s in range(count):
                    made = dx + BYTES * (n + s) * HEIGHT * WIDTH * CHANNELS
                    first = g * own_channels + block * MANY
                    planes_to_image(out + BYTES * s * SIZE, made, first, many)
        n += count
    end(arguments, area)


def gradients(arguments: int, start: int, stop: int, chunk: int) -> None:
    """This chunk's part of dw and db; the arrays are x, dz, dw and, where there is b, db."""
    a = int64_at(arguments)
    x, dz, dw, db = a[ARRAYS], a[ARRAYS + 1], a[ARRAYS + 2], a[ARRAYS + 3]
    area = begin(arguments)
    images = a[AREAS] + area * a[AREA]
    ones = images + BYTES * CHANNELS * PHASES * LENGTH
    places = ones + BYTES * LENGTH
    sums = places + BYTES * (FILTERS + MANY) * LENGTH
    own_channels, own_filters = CHANNELS // GROUPS, FILTERS // GROUPS
    blocks, terms = (own_filters + MANY - 1) // MANY, TAPS * own_channels + BIAS
    rows = (terms + AT_ONCE - 1) // AT_ONCE * AT_ONCE

    clear(images, CHANNELS * PHASES * LENGTH)
    clear(places, (FILTERS + MANY) * LENGTH)
    clear(sums, GROUPS * blocks * rows * MANY)
    one = REAL_at(ones)
    for i in range(LENGTH):
        one[i] = REAL(1)

    n = start
    while n < stop:
        count = stop - n if stop - n < TOGETHER else TOGETHER
        if count < TOGETHER:
            clear(places, FILTERS * LENGTH)
        for s in range(count):
            image_to_planes(x + BYTES * (n + s) * HEIGHT * WIDTH * CHANNELS, images + BYTES * s * SIZE)
            places_to_planes(dz + BYTES * (n + s) * DOWN * ACROSS * FILTERS, places + BYTES * s * SIZE)
        parts = (count * SIZE + BLOCK - 1) // BLOCK
        for g in range(GROUPS):
            for block in range(blocks):
                other = places + BYTES * (g * own_filters + block * MANY) * LENGTH
                t = 0
                while t < rows:
                    to = sums + BYTES * ((g * blocks + block) * rows + t) * MANY
                    call_c(a[MICRO], images, a[OFFSETS] + 8 * (g * rows + t), other, to, parts, BYTES * LENGTH)
                    t += AT_ONCE
        n += count

    made, of_weights = REAL_at(sums), REAL_at(dw + BYTES * chunk * TAPS * own_channels * FILTERS)
    for g in range(GROUPS):
        for f in range(own_filters):
            first = (g * blocks + f // MANY) * rows * MANY + f % MANY
            for t in range(TAPS * own_channels):
                of_weights[t * FILTERS + g * own_filters + f] = made[first + t * MANY]
            if BIAS == 1:
                REAL_at(db + BYTES * chunk * FILTERS)[g * own_filters + f] = made[first + TAPS * own_channels * MANY]
    end(arguments, area)
