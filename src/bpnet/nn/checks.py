"""One check of a numeric argument, with an error that names it."""

from __future__ import annotations

from math import isfinite, nan
from numbers import Real


def require_number(
    name: str, value: object, *, least: float | None = None, above: float | None = None, below: float | None = None
) -> None:
    """ValueError unless `value` is a finite real number with least <= value, above < value, value < below."""
    bounds = [f"{sign} {bound}" for sign, bound in ((">=", least), (">", above), ("<", below)) if bound is not None]
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    ok = (
        isfinite(number)
        and (least is None or number >= least)
        and (above is None or number > above)
        and (below is None or number < below)
    )
    if not ok:
        raise ValueError(
            f"{name}: {value!r} was given, expected a finite number{' ' if bounds else ''}{' and '.join(bounds)}"
        )
