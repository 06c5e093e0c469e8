"""How weights begin. Each is drawn on the host from a generator that is handed in, so every backend gets the same bits.

fan_in and fan_out are the numbers of inputs and outputs of a weight. A sum of fan_in terms of variance v has the
variance fan_in·v; the scales below keep that near 1 on the way forward (LeCun; He for relu, which halves it) or
between forward and backward (Glorot). Zeros will not do for weights: all units of a layer would get the same gradient
and stay equal for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, Protocol

from bpnet.constructor import Written
from bpnet.names import look_up

Shape = tuple[int, ...]


class Initializer(Protocol):
    """Draws a parameter's first values."""

    def __call__(self, generator: Any, shape: Shape, fan_in: int, fan_out: int) -> Any:
        """Values of `shape` drawn from `generator` (numpy.random.Generator), or one number for all of them."""


@dataclass(frozen=True, repr=False)
class Constant(Written):
    """Every element is `value`."""

    value: float = 0.0

    def __call__(self, generator: Any, shape: Shape, fan_in: int, fan_out: int) -> Any:
        """One number."""
        return self.value


@dataclass(frozen=True, repr=False)
class Normal(Written):
    """N(mean, stddev²)."""

    mean: float = 0.0
    stddev: float = 0.05

    def __call__(self, generator: Any, shape: Shape, fan_in: int, fan_out: int) -> Any:
        """Independent draws."""
        return generator.normal(self.mean, self.stddev, shape)


@dataclass(frozen=True, repr=False)
class Uniform(Written):
    """U(low, high)."""

    low: float = -0.05
    high: float = 0.05

    def __call__(self, generator: Any, shape: Shape, fan_in: int, fan_out: int) -> Any:
        """Independent draws."""
        return generator.uniform(self.low, self.high, shape)


@dataclass(frozen=True, repr=False)
class VarianceScaling(Written):
    """Mean 0, variance scale / fan; fan is fan_in or the mean of fan_in and fan_out; normal or uniform.

    Glorot and Bengio 2010 (`fan="average"`, scale 1), He et al. 2015 (fan_in, 2), LeCun et al. 1998 (fan_in, 1). The
    normal is not truncated, and a uniform on ±l has the variance l²/3.
    """

    scale: float = 1.0
    fan: str = "in"
    distribution: str = "normal"

    def __post_init__(self) -> None:
        look_up("fan", self.fan, {"in": 0, "average": 0})
        look_up("distribution", self.distribution, {"normal": 0, "uniform": 0})

    def __call__(self, generator: Any, shape: Shape, fan_in: int, fan_out: int) -> Any:
        """Independent draws."""
        fan = fan_in if self.fan == "in" else (fan_in + fan_out) / 2
        stddev = sqrt(self.scale / fan)
        if self.distribution == "normal":
            return generator.normal(0.0, stddev, shape)
        return generator.uniform(-sqrt(3) * stddev, sqrt(3) * stddev, shape)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": Constant(0.0),
    "ones": Constant(1.0),
    "normal": Normal(),
    "uniform": Uniform(),
    "random_normal": Normal(),
    "random_uniform": Uniform(),
    "glorot_normal": VarianceScaling(1.0, "average", "normal"),
    "glorot_uniform": VarianceScaling(1.0, "average", "uniform"),
    "xavier_normal": VarianceScaling(1.0, "average", "normal"),
    "xavier_uniform": VarianceScaling(1.0, "average", "uniform"),
    "he_normal": VarianceScaling(2.0, "in", "normal"),
    "he_uniform": VarianceScaling(2.0, "in", "uniform"),
    "lecun_normal": VarianceScaling(1.0, "in", "normal"),
    "lecun_uniform": VarianceScaling(1.0, "in", "uniform"),
}


def initializer(which: str | Initializer) -> Initializer:
    """The initializer of that name, or the one given."""
    if callable(which) and not isinstance(which, type):
        return which
    return look_up("initializer", which, INITIALIZERS)
