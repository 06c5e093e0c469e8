"""Learning-rate schedules: η(t) = η₀ · factor(t), where t counts the updates made so far, from 0.

t lives on the device as a float64 scalar, so a step that is replayed follows its schedule.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import pi
from typing import Any

from bpnet.backend import Array
from bpnet.constructor import Written
from bpnet.nn.checks import require_number


@dataclass(frozen=True, repr=False)
class Schedule(Written, ABC):
    """η(t) = learning_rate · factor(t)."""

    learning_rate: float

    def __post_init__(self) -> None:
        require_number("learning_rate", self.learning_rate, above=0)

    @abstractmethod
    def factor(self, xp: Any, t: Array) -> Array | float:
        """What the initial learning rate is multiplied by at update t (0-d)."""


@dataclass(frozen=True, repr=False)
class Constant(Schedule):
    """factor = 1."""

    def factor(self, xp: Any, t: Array) -> Array | float:
        """1."""
        return 1.0


@dataclass(frozen=True, repr=False)
class InverseTimeDecay(Schedule):
    """factor = 1 / (1 + decay_rate · t / decay_steps); with `staircase`, the whole part of t / decay_steps."""

    decay_rate: float
    decay_steps: int = 1
    staircase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("decay_rate", self.decay_rate, least=0)
        require_number("decay_steps", self.decay_steps, above=0)

    def factor(self, xp: Any, t: Array) -> Array:
        """1 / (1 + decay_rate · t / decay_steps)."""
        return 1.0 / (1.0 + self.decay_rate * _periods(xp, t, self.decay_steps, self.staircase))


@dataclass(frozen=True, repr=False)
class ExponentialDecay(Schedule):
    """factor = decay_rate^(t / decay_steps); with `staircase`, the whole part of t / decay_steps."""

    decay_rate: float
    decay_steps: int
    staircase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("decay_rate", self.decay_rate, above=0)
        require_number("decay_steps", self.decay_steps, above=0)

    def factor(self, xp: Any, t: Array) -> Array:
        """decay_rate^(t / decay_steps)."""
        return self.decay_rate ** _periods(xp, t, self.decay_steps, self.staircase)


def StepDecay(learning_rate: float, drop: float = 0.5, every: int = 1000) -> ExponentialDecay:  # noqa: N802
    """factor = drop^⌊t / every⌋: the rate falls at once after every so many updates."""
    return ExponentialDecay(learning_rate, drop, every, staircase=True)


@dataclass(frozen=True, repr=False)
class CosineDecay(Schedule):
    """Warm-up, then half a cosine: Loshchilov and Hutter 2017.

    factor = (t + 1) / warmup_steps while t < warmup_steps; after that alpha + (1 - alpha) (1 + cos πs) / 2 with
    s = min((t - warmup_steps) / decay_steps, 1).
    """

    decay_steps: int
    alpha: float = 0.0
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("decay_steps", self.decay_steps, above=0)
        require_number("alpha", self.alpha, least=0)
        require_number("warmup_steps", self.warmup_steps, least=0)

    def factor(self, xp: Any, t: Array) -> Array:
        """The rising line, or the cosine."""
        s = xp.clip((t - self.warmup_steps) / self.decay_steps, 0.0, 1.0)
        cosine = self.alpha + (1.0 - self.alpha) * 0.5 * (1.0 + xp.cos(pi * s))
        return xp.where(t < self.warmup_steps, (t + 1.0) / max(self.warmup_steps, 1), cosine)


def schedule(learning_rate: float | Schedule) -> Schedule:
    """A schedule as given, or a constant one."""
    return learning_rate if isinstance(learning_rate, Schedule) else Constant(learning_rate)


def _periods(xp: Any, t: Array, steps: int, staircase: bool) -> Array:
    periods = t / steps
    return xp.floor(periods) if staircase else periods
