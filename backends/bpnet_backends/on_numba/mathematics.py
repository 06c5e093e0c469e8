"""Elementary functions that a loop over float32 can vectorise: compilers call the C library once an element.

Each is within a few units in the last place of the exact value; the tests state how many. Of float64 the C library's
are used.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bpnet_backends.on_numba.words import bits_of_float32, float32_of_bits

F = np.float32
LN2_HIGH = F(0.693359375)
"""ln 2 to 10 bits: its product with a whole number below 2¹³ is exact."""
LN2_LOW = F(math.log(2) - 0.693359375)
LOG2_E = F(1 / math.log(2))
ROOT_HALF = F(math.sqrt(0.5))
INFINITY = F(math.inf)
NAN = F(math.nan)


def power_of_two(n: Any) -> Any:
    """2ⁿ for -126 <= n <= 127: the exponent's bits."""
    return float32_of_bits(np.int32(n + np.int32(127)) << np.int32(23))


def expm1_of_small(r: Any) -> Any:
    """exp(r) - 1 for |r| <= ½ ln 2: Taylor's polynomial of degree 7, which is wrong by about r⁸/8! at most."""
    p = F(1 / 5040)
    p = p * r + F(1 / 720)
    p = p * r + F(1 / 120)
    p = p * r + F(1 / 24)
    p = p * r + F(1 / 6)
    p = p * r + F(1 / 2)
    return p * r * r + r


def reduced(x: Any, least: Any) -> Any:
    """n and r with x = n ln 2 + r, n whole and |r| <= ½ ln 2; x is bounded to [least, 89] first."""
    x = least if x < least else x
    x = F(89.0) if x > F(89.0) else x
    whole = np.floor(x * LOG2_E + F(0.5))
    whole = F(0.0) if whole != whole else whole  # what is no number stays so in r
    return np.int32(whole), (x - whole * LN2_HIGH) - whole * LN2_LOW


def exp(x: Any) -> Any:
    """e to the x: 2ⁿ eʳ; 2ⁿ in two factors, so neither over- nor underflows alone."""
    n, r = reduced(x, F(-104.0))
    half = n >> np.int32(1)
    return (expm1_of_small(r) + F(1.0)) * power_of_two(half) * power_of_two(n - half)


def expm1(x: Any) -> Any:
    """exp(x) - 1 = 2ⁿ (exp(r) - 1) + (2ⁿ - 1), which loses nothing near 0; above n = 30 the 1 is lost in rounding."""
    n, r = reduced(x, F(-30.0))
    half = n >> np.int32(1)
    small = expm1_of_small(r)
    scale = power_of_two(half) * power_of_two(n - half)
    large = (small + F(1.0)) * power_of_two(half) * power_of_two(n - half)
    return large if n > np.int32(30) else scale * small + (scale - F(1.0))


def tanh(x: Any) -> Any:
    """tanh x = -t / (2 + t) with t = exp(-2|x|) - 1, and the sign of x."""
    t = expm1(F(-2.0) * abs(x))
    y = (F(0.0) - t) / (F(2.0) + t)
    return -y if x < F(0.0) else y


def log(x: Any) -> Any:
    """ln x = n ln 2 + ln m with √½ <= m < √2, and ln m = 2 atanh s = 2 (s + s³/3 + … + s⁹/9), s = (m - 1) / (m + 1)."""
    tiny = x < F(1.1754944e-38)  # a denormal number has no exponent of its own
    bits = bits_of_float32(x * F(8388608.0) if tiny else x)
    n = (bits >> np.int32(23)) - np.int32(127) - (np.int32(23) if tiny else np.int32(0))
    m = float32_of_bits((bits & np.int32(0x007FFFFF)) | np.int32(0x3F800000))
    large = m > F(2.0) * ROOT_HALF
    m = F(0.5) * m if large else m
    whole = F(n + (np.int32(1) if large else np.int32(0)))
    s = (m - F(1.0)) / (m + F(1.0))
    q = s * s
    p = F(1 / 9)
    p = p * q + F(1 / 7)
    p = p * q + F(1 / 5)
    p = p * q + F(1 / 3)
    y = whole * LN2_HIGH + (F(2.0) * s + (F(2.0) * s * q * p + whole * LN2_LOW))
    y = x if x == INFINITY else y
    y = -INFINITY if x == F(0.0) else y
    return y if x >= F(0.0) else NAN


def log1p(x: Any) -> Any:
    """ln(1 + x) = ln(u) x / (u - 1) with u = 1 + x rounded: the quotient undoes the rounding. x itself where u is 1."""
    u = F(1.0) + x
    d = u - F(1.0)
    y = log(u) * (x / (F(1.0) if d == F(0.0) else d))
    y = x if u == INFINITY else y
    return x if d == F(0.0) else y
