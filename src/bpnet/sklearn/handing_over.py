"""Fits that were made before they are asked for: a search trains many networks at once, and each fit takes its own.

`BaseSearchCV` fits one estimator after another, in the order of candidates and folds. While a search hands over, the
fit of an estimator takes the network that was trained with its parameters on its samples; any other fit trains as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpnet.sklearn.warned import warn


@dataclass
class Run:
    """A fit of one candidate on one fold."""

    kind: type[Any]
    parameters: Mapping[str, Any]
    data: Callable[[], tuple[Any, Any]]
    """X and y of the fold, as they will come."""
    attributes: dict[str, Any] | None = None
    """What fit leaves in an estimator; None: the estimator trains alone."""
    seconds: float = 0.0
    """Its share of the time in which it was trained with others."""
    warned: list[tuple[str, type[Warning]]] = field(default_factory=list)

    def belongs_to(self, estimator: Any, x: Any, y: Any) -> bool:
        """Was it trained with these parameters on these samples?"""
        is_kind = type(estimator) is self.kind
        if not is_kind or not _same(estimator.get_params(deep=False), self.parameters):
            return False
        own_x, own_y = self.data()
        return _equal(x, own_x) and _equal(y, own_y)

    def give(self, estimator: Any) -> None:
        """Let the estimator be as if it had been fitted; its warnings come now."""
        vars(estimator).update(self.attributes or {})
        self.attributes = None
        for text, category in self.warned:
            warn(text, category)


class HandOver:
    """The runs of a search that nobody has asked for yet, in the order in which they will be."""

    def __init__(self) -> None:
        self._waiting: list[Run] = []

    def expect(self, runs: list[Run]) -> None:
        """These come next."""
        self._waiting += runs

    def take(self, estimator: Any, x: Any, y: Any, sample_weight: Any) -> Run | None:
        """The run that is this estimator's on these samples, if it has been trained.

        It is the first one, unless fits before it failed, or a scorer fits something of its own.
        """
        if sample_weight is not None:
            return None
        for place, run in enumerate(self._waiting):
            if run.belongs_to(estimator, x, y):
                del self._waiting[place]
                return None if run.attributes is None else run
        return None


_CURRENT: ContextVar[HandOver | None] = ContextVar("bpnet.sklearn.handing_over", default=None)


@contextmanager
def handing_over() -> Iterator[HandOver]:
    """While it lasts, fits in this thread ask the `HandOver` first."""
    made = HandOver()
    token = _CURRENT.set(made)
    try:
        yield made
    finally:
        _CURRENT.reset(token)


def handed_over(estimator: Any, x: Any, y: Any, sample_weight: Any) -> Run | None:
    """The run that this fit would repeat, if a search has made it."""
    current = _CURRENT.get()
    return None if current is None else current.take(estimator, x, y, sample_weight)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(_equal_values(one[name], other[name]) for name in one)


def _equal_values(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, np.random.RandomState) and isinstance(other, np.random.RandomState):
        return _equal_values(one.get_state(legacy=False), other.get_state(legacy=False))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _same(one, other)
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_equal_values, one, other))
    if isinstance(one, np.ndarray):
        return _equal(one, other)
    return bool(one == other) or repr(one) == repr(other)


def _equal(one: Any, other: Any) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other))
