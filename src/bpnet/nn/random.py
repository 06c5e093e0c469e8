"""Random numbers on the device, the same bits on every backend: SplitMix64, indexed by position.

    z = key + (i + 1)·0x9E3779B97F4A7C15;  z = (z ^ z>>30)·0xBF58476D1CE4E5B9
    z = (z ^ z>>27)·0x94D049BB133111EB;    bits(key, i) = z ^ z>>31          (all modulo 2⁶⁴)

Element i needs no other element, so a batch may be computed in any order and any parts (Steele, Lea and Flood 2014).
Not every library can do unsigned 64-bit arithmetic; int64 wraps the same, and a right shift by s that brings in zeros
is (z >> s) & (2⁶⁴⁻ˢ - 1).
"""

from __future__ import annotations

from functools import cache
from math import prod
from statistics import NormalDist
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.op import op


def signed(bits: int) -> int:
    """The int64 of these 64 bits."""
    return ((bits & ((1 << 64) - 1)) ^ (1 << 63)) - (1 << 63)


GOLDEN = signed(0x9E3779B97F4A7C15)
FIRST = signed(0xBF58476D1CE4E5B9)
SECOND = signed(0x94D049BB133111EB)
NEXT = signed(0xD1B54A32D192ED03)
"""What a key grows by from one draw to the next: odd, and no multiple of GOLDEN that a batch could reach."""

QUANTILES = 1 << 16


@op
def random_bits(be: Backend, key: Array, shape: tuple[int, ...]) -> Array:
    """bits(key, i), as int64, for the elements of an array of that shape, counted row by row;  key 0-d int64."""
    number = be.xp.reshape(be.asarray(range(1, prod(shape) + 1), "int64"), shape)
    z = key + GOLDEN * number
    z = (z ^ _shifted(z, 30)) * FIRST
    z = (z ^ _shifted(z, 27)) * SECOND
    return z ^ _shifted(z, 31)


def kept(be: Backend, key: Array, shape: tuple[int, ...], share: float) -> Array:
    """True with probability `share`, in integers alone: the upper 32 bits are below share·2³²."""
    return below(be, key, shape, threshold(share))


def below(be: Backend, key: Array, shape: tuple[int, ...], most: int | Array) -> Array:
    """True where the upper 32 bits are below `most`, one for all elements or an array of them."""
    return _shifted(random_bits(be, key, shape), 32) < most


def threshold(share: float) -> int:
    """The number of 32 bits below which a share of them is."""
    return round(share * 2**32)


def standard_normal(be: Backend, key: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """One of 65,536 quantiles of N(0, 1) that stand for equal shares: exact, where log and cos differ by library."""
    index = be.xp.reshape(_shifted(random_bits(be, key, shape), 48), (-1,))
    values = be.xp.take(be.xp.astype(be.asarray(quantiles(), "float64"), dtype), index, axis=0)
    return be.xp.reshape(values, shape)


def advance(key: Array) -> None:
    """The key of the next draw."""
    key[...] = key + NEXT


@cache
def quantiles() -> tuple[float, ...]:
    """Φ⁻¹((i + ½) / 65,536), scaled so that their variance is 1."""
    normal = NormalDist()
    values = [normal.inv_cdf((i + 0.5) / QUANTILES) for i in range(QUANTILES)]
    scale = (QUANTILES / sum(value * value for value in values)) ** 0.5
    return tuple(scale * value for value in values)


def _shifted(z: Array, by: int) -> Array:
    return (z >> by) & ((1 << 64 - by) - 1)
