"""L1 and L2: a penalty on the weights that is added to the loss, and its gradient.

P = Σ_w λ₁ |w| + λ₂ w²  and  dP/dw = λ₁ sign w + 2 λ₂ w, over weights only, never over biases or scales. Neighbouring
weights of `theta` with the same coefficients are one slice, so a network with one setting has one penalty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from numbers import Real

from bpnet.backend import Array, Backend
from bpnet.constructor import text
from bpnet.names import look_up
from bpnet.nn.op import op


@dataclass(frozen=True)
class Regularizer:
    """P = l1 Σ|w| + l2 Σw²."""

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        for name in ("l1", "l2"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and 0 <= float(value) < inf):
                raise ValueError(f"{name}: {value!r} was given, expected a finite number from 0")

    def __repr__(self) -> str:
        l1, l2 = text(self.l1), text(self.l2)
        if self.l1 and self.l2:
            return f"L1L2({l1}, {l2})"
        return f"L1({l1})" if self.l1 else f"L2({l2})" if self.l2 else "Regularizer()"


def L1(l1: float = 0.01) -> Regularizer:  # noqa: N802 - the name that everybody knows
    """P = l1 Σ|w|."""
    return Regularizer(l1=l1)


def L2(l2: float = 0.01) -> Regularizer:  # noqa: N802 - the name that everybody knows
    """P = l2 Σw². The gradient is 2 l2 w: for the notes' `dw += reg * w` take l2 = reg / 2."""
    return Regularizer(l2=l2)


def L1L2(l1: float = 0.01, l2: float = 0.01) -> Regularizer:  # noqa: N802 - the name that everybody knows
    """P = l1 Σ|w| + l2 Σw²."""
    return Regularizer(l1, l2)


REGULARIZERS = {"l1": L1(), "l2": L2(), "l1_l2": L1L2()}


def regularizer(which: str | Regularizer | None) -> Regularizer:
    """The regularizer of that name, or the one given; None is no penalty."""
    if which is None:
        return Regularizer()
    if isinstance(which, str):
        return look_up("regularizer", which, REGULARIZERS)
    if not isinstance(which, Regularizer):
        raise ValueError(f"regularizer: {text(which)} was given, expected a name or an object. Mend: L2(0.01)")
    return which


@dataclass(frozen=True)
class Penalty:
    """The coefficients of one slice of theta."""

    start: int
    stop: int
    l1: float
    l2: float


def penalties(coefficients: Sequence[tuple[int, int, tuple[float, float]]]) -> list[Penalty]:
    """Join neighbouring slices (start, stop, (l1, l2)) that have the same coefficients; leave out those without."""
    joined: list[Penalty] = []
    for start, stop, (l1, l2) in coefficients:
        if l1 == l2 == 0:
            continue
        if joined and (joined[-1].stop, joined[-1].l1, joined[-1].l2) == (start, l1, l2):
            start = joined.pop().start
        joined.append(Penalty(start, stop, l1, l2))
    return joined


@op
def penalty(be: Backend, w: Array, l1: float, l2: float) -> Array:
    """P = l1 Σ|w| + l2 Σw², 0-d."""
    xp = be.xp
    value = 0.0
    if l1:
        value = value + l1 * xp.sum(xp.abs(w))
    if l2:
        value = value + l2 * xp.sum(w * w)
    return value


@op
def add_penalty_grad(be: Backend, w: Array, dw: Array, l1: float, l2: float) -> None:
    """dw ← dw + l1 sign w + 2 l2 w."""
    if l1:
        dw[...] = dw + l1 * be.xp.sign(w)
    if l2:
        dw[...] = dw + 2.0 * l2 * w
