"""Steps of one size that follow one another are asked for together, where the backend can replay several in a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

Step: TypeAlias = Callable[[], None]

TOGETHER = 64
"""The most steps of a group: Ctrl-C is looked at between groups."""


def can_repeat(step: Step) -> bool:
    """Has the captured step a method `repeat(times)`?"""
    return hasattr(step, "repeat")


def repeat(step: Step, times: int) -> None:
    """So many steps: by the step's own `repeat` where it has one and there are several."""
    if times > 1 and can_repeat(step):
        step.repeat(times)  # type: ignore[attr-defined]
    else:
        for _ in range(times):
            step()


def groups(sizes: Sequence[int], together: bool) -> Iterator[tuple[int, int]]:
    """(batch size, how many batches of it follow one another): at most TOGETHER, and 1 if not `together`."""
    most = TOGETHER if together else 1
    for size, run in groupby(sizes):
        rest = sum(1 for _ in run)
        while rest:
            times = min(rest, most)
            yield size, times
            rest -= times
