"""The values that a setting may have in a search, and how one of them is drawn.

A value is drawn by u from U(0, 1):  log-uniform  exp(log a + u (log b - log a)),  uniform  a + u (b - a),  choice  the
⌊u n⌋-th of n. Drawn numbers are rounded to four significant digits: what a table says can be typed, and the last bits
of a machine's exp do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from numbers import Real
from typing import Any, ClassVar, Protocol

MOST_SEEDS = 1_000_000


class Range(Protocol):
    """The values of one setting."""

    is_log: ClassVar[bool]
    """Are they drawn by their logarithms?"""

    @property
    def values(self) -> tuple[Any, ...] | None:
        """All of them, where they can be counted."""

    def at(self, u: float) -> Any:
        """The value that u from [0, 1) draws."""


@dataclass(frozen=True)
class Choice:
    """One of some values; a single one is fixed."""

    values: tuple[Any, ...]
    is_log: ClassVar[bool] = False

    def at(self, u: float) -> Any:
        """The ⌊u n⌋-th."""
        return self.values[int(u * len(self.values))]


@dataclass(frozen=True)
class LogUniform:
    """Every ratio is as likely: as many values from 0.001 to 0.01 as from 0.01 to 0.1."""

    low: float
    high: float
    values: None = None
    is_log: ClassVar[bool] = True

    def at(self, u: float) -> float:
        """exp(log a + u (log b - log a))."""
        return _rounded(exp(log(self.low) + u * (log(self.high) - log(self.low))), self.low, self.high)


@dataclass(frozen=True)
class Uniform:
    """Every value is as likely."""

    low: float
    high: float
    values: None = None
    is_log: ClassVar[bool] = False

    def at(self, u: float) -> float:
        """a + u (b - a)."""
        return _rounded(self.low + u * (self.high - self.low), self.low, self.high)


def _rounded(value: float, low: float, high: float) -> float:
    return min(max(float(f"{value:.4g}"), low), high)


@dataclass(frozen=True)
class Setting:
    """What values a setting takes at all, and how a range of them is drawn."""

    form: type[LogUniform] | type[Uniform] | None
    """None: whole numbers, of which a range has all."""
    zero: bool
    """May it be 0?"""
    below: float | None = None

    def require(self, name: str, value: Any) -> Any:
        """The value as a number. ValueError: it is none, or not one for this setting."""
        kind = "a whole number" if self.form is None else "a number"
        bounds = [f"from {0:g}" if self.zero else "above 0", *([] if self.below is None else [f"below {self.below:g}"])]
        given = value
        try:
            if isinstance(value, str):
                value = int(value) if self.form is None else float(value)
            whole = self.form is None
            good = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
            good = good and (not whole or int(value) == value)
            value = int(value) if good and whole else float(value) if good else value
            good = good and (value > 0 or (self.zero and value == 0)) and (self.below is None or value < self.below)
        except (ValueError, TypeError, OverflowError):
            good = False
        if not good:
            raise ValueError(f"{name}: {given!r} was given, expected {kind} {' and '.join(bounds)}. {EXPECTED}")
        return value


EXPECTED = "A range is LOW:HIGH, a choice A,B,C, a fixed value a number"

SETTINGS = {
    "learning_rate": Setting(LogUniform, zero=False),
    "l2": Setting(LogUniform, zero=True),
    "weight_decay": Setting(LogUniform, zero=True),
    "dropout": Setting(Uniform, zero=True, below=1.0),
    "seed": Setting(None, zero=True),
}
"""What is searched within an architecture; a range of the first three is log-uniform, of dropout uniform."""


def range_of(setting: str, given: Any, name: str | None = None) -> Range:
    """The range that text, a number, a sequence of numbers or a Range stands for; `name` is what errors call it."""
    name = name or setting
    what = SETTINGS[setting]
    if isinstance(given, Choice | LogUniform | Uniform):
        return given
    if isinstance(given, str) and ":" in given:
        return _between(name, what, given)
    if isinstance(given, str):
        given = given.split(",")
    parts: Sequence[Any] = list(given) if hasattr(given, "__iter__") else [given]
    values = tuple(what.require(name, part.strip() if isinstance(part, str) else part) for part in parts)
    if not values:
        raise ValueError(f"{name}: nothing was given, expected values. {EXPECTED}")
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ValueError(f"{name}: {twice:g} stands there twice, expected values that differ. Mend: leave one out")
    return Choice(values)


def _between(name: str, what: Setting, given: str) -> Range:
    parts = given.split(":")
    if len(parts) != 2 or "," in given:
        raise ValueError(f"{name}: {given!r} was given, expected LOW:HIGH. {EXPECTED}")
    low, high = (what.require(name, part.strip()) for part in parts)
    if low >= high:
        mend = f"{parts[1].strip()}:{parts[0].strip()}" if low > high else f"{parts[0].strip()} for a fixed value"
        raise ValueError(f"{name}: {given!r} was given, expected LOW:HIGH with LOW below HIGH. Mend: {mend}")
    if what.form is None:
        if high - low >= MOST_SEEDS:
            raise ValueError(f"{name}: {given!r} was given, expected at most {MOST_SEEDS:,} numbers. Mend: fewer")
        return Choice(tuple(range(low, high + 1)))
    if what.form is LogUniform and low == 0:
        raise ValueError(
            f"{name}: {given!r} was given, expected a LOW above 0, because its logarithm is drawn. Mend: "
            f"{high / 1000:g}:{high:g}, or choices: 0,{high / 10:g},{high:g}"
        )
    return what.form(low, high)
