"""Every hand-written derivative against central differences, (L(θ+ε) - L(θ-ε)) / 2ε.

The figure is the relative distance ‖a-b‖ / (‖a‖+‖b‖) of the two gradients, a layer and parameter at a time. In float64
with ε near the cube root of the unit roundoff, the truncation error (∝ ε²) and the rounding error (∝ 1/ε) are both near
1e-11 where the loss and its gradient are near 1, so 1e-7 separates a right formula from a wrong one. At a kink (relu at
0, the hinge at its margin) the difference quotient itself is wrong; another batch then tells.

Near a minimum, or where the loss is large against its gradient, the rounding of L alone moves the quotient: by at most
about c u |L| / ε an element, u the unit roundoff and c a few. `rounding` is what that makes of the relative distance,
√n c u |L| / (ε (‖a‖+‖b‖)), and a distance counts as within the limit if it is at most limit + rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot, sqrt

from bpnet.backend import Array

EPSILON = 6e-6
LIMIT = 1e-7
UNIT_ROUNDOFF = 1.1e-16
ROUNDINGS = 8
"""c: how many units the last bits of a loss are taken to be off."""


@dataclass(frozen=True)
class Distance:
    """The relative distance of one parameter's two gradients."""

    layer: str
    parameter: str
    checked: int
    """How many of its elements were checked."""
    relative: float
    rounding: float
    """How much of that the rounding of the loss may explain."""


@dataclass(frozen=True, repr=False)
class GradientReport:
    """The distances of all parameters."""

    distances: tuple[Distance, ...]
    limit: float

    @property
    def worst(self) -> Distance:
        """The parameter whose two gradients are farthest apart; one that is not a number counts as farthest."""
        return max(self.distances, key=lambda d: d.relative if d.relative == d.relative else float("inf"))

    @property
    def ok(self) -> bool:
        """True where every distance is within the limit, but for rounding."""
        return all(d.relative <= self.limit + d.rounding for d in self.distances)

    @property
    def _verdict(self) -> str:
        return f"{'all' if self.ok else 'NOT'} within {self.limit:.0e}"

    def __repr__(self) -> str:
        return f"GradientReport({len(self.distances)} parameters, {self._verdict})"

    def __str__(self) -> str:
        if not self.distances:
            return "the model has no parameters"
        rows = [f"{'layer':<20} {'parameter':<10} {'checked':>8}  {'relative distance':>17}  {'rounding up to':>14}"]
        for d in self.distances:
            rows.append(f"{d.layer:<20} {d.parameter:<10} {d.checked:>8}  {d.relative:>17.2e}  {d.rounding:>14.0e}")
        rows.append(f"{self._verdict}; the worst is {self.worst.layer}.{self.worst.parameter}")
        return "\n".join(rows)


def compare(
    loss_at: Callable[[], float],
    theta: Array,
    gradient: list[float],
    places: list[tuple[str, str, list[int]]],
    *,
    epsilon: float = EPSILON,
    limit: float = LIMIT,
) -> GradientReport:
    """Move the elements of theta one by one, and compare the differences with `gradient`.

    `places` has (layer, parameter, indices into theta); `loss_at` computes the loss from theta as it stands.
    """
    distances = []
    size = abs(loss_at())
    for layer, parameter, indices in places:
        numeric = [central_difference(loss_at, theta, index, epsilon) for index in indices]
        analytic = [gradient[index] for index in indices]
        wobble = sqrt(len(indices)) * ROUNDINGS * UNIT_ROUNDOFF * size / epsilon
        scale = norm(analytic) + norm(numeric)
        rounding = wobble / scale if scale else 0.0
        distances.append(Distance(layer, parameter, len(indices), relative_distance(analytic, numeric), rounding))
    return GradientReport(tuple(distances), limit)


def central_difference(loss_at: Callable[[], float], theta: Array, index: int, epsilon: float) -> float:
    """(L(θᵢ+ε) - L(θᵢ-ε)) / 2ε; theta is left as it was."""
    here = float(theta[index])
    theta[index] = here + epsilon
    above = loss_at()
    theta[index] = here - epsilon
    below = loss_at()
    theta[index] = here
    return (above - below) / (2 * epsilon)


def relative_distance(a: list[float], b: list[float]) -> float:
    """‖a-b‖ / (‖a‖+‖b‖); 0 where both are 0."""
    scale = norm(a) + norm(b)
    return norm([x - y for x, y in zip(a, b, strict=True)]) / scale if scale else 0.0


def norm(a: list[float]) -> float:
    """‖a‖, the root of the sum of squares."""
    return hypot(*a)
