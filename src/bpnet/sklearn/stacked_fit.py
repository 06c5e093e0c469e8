"""Fits of many estimators as one stack: each is counted, judged and ended as it would be alone.

A model that has ended leaves its place in the stack to the next one that waits. When none waits and half of the places
are empty, the rest moves into a smaller stack.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.utils import shuffle

from bpnet.backend import Array, Backend
from bpnet.nn.losses import Loss
from bpnet.sklearn.placed import Architecture, packed
from bpnet.sklearn.progress import count_epoch, is_over, judge_loss, judge_score
from bpnet.sklearn.stack import Stack, StackedDescent
from bpnet.sklearn.stacked_update import StackedUpdate


@dataclass
class Member:
    """An estimator whose fit has begun, on rows of the samples that all members share."""

    estimator: Any
    rows: np.ndarray
    """Of the samples to train on."""
    shift: int
    """From a row of x to its row of the targets."""
    held_out: np.ndarray = field(default_factory=lambda: np.arange(0))
    """The rows to stop by."""
    labels: Any = None
    """The targets of these, as the score takes them."""
    seconds: float = 0.0
    reached_the_end: bool = False
    """Were all `max_iter` epochs made?"""
    order: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.order = np.arange(len(self.rows))

    def next_rows(self) -> np.ndarray:
        """The rows in the order of the next epoch."""
        if self.estimator.shuffle:
            self.order = shuffle(self.order, random_state=self.estimator._random_state)
        return np.asarray(self.rows[self.order])


@dataclass(frozen=True)
class Kind:
    """What the members of a stack have in common."""

    architecture: Architecture
    dtype: str
    batch_size: int
    samples: int
    held_out: int
    """How many samples are held out."""
    loss: Loss
    update: type[StackedUpdate]

    def bytes_of_model(self) -> int:
        """About what a step of one model touches."""
        units = self.architecture.units
        parameters = sum(a * b + b for a, b in pairwise(units))
        size = 4 if self.dtype == "float32" else 8
        return size * (self.batch_size * (units[0] + 2 * sum(units[1:])) + 4 * parameters)

    def bytes_of_score(self) -> int:
        """About what one model's outputs for the samples held out take, which are asked for at once."""
        units = self.architecture.units
        return (4 if self.dtype == "float32" else 8) * self.held_out * (units[0] + 2 * sum(units[1:]))


class StackedFit:
    """The members of one kind in training; x (rows, features) and y (sets · rows, ...) are on the device."""

    def __init__(self, members: Sequence[Member], kind: Kind, backend: Backend, x: Array, y: Array) -> None:
        self._waiting = deque(members)
        self._kind, self._backend, self._x, self._y = kind, backend, x, y
        self._members: list[Member | None] = []

    def run(self, at_once: int) -> None:
        """Train all, so many at once."""
        self._make(min(at_once, len(self._waiting)))
        for place in range(len(self._members)):
            self._enter(place, self._waiting.popleft())
        while active := [place for place, member in enumerate(self._members) if member is not None]:
            if len(active) <= len(self._members) // 2:
                active = self._move(active)
            start = time.perf_counter()
            self._epoch(active)
            share = (time.perf_counter() - start) / len(active)
            for place in active:
                self._of(place).seconds += share
                self._end_epoch(place)

    # ---- places

    def _make(self, places: int) -> None:
        """An empty stack."""
        kind, be = self._kind, self._backend
        self._stack = Stack(places, kind.architecture, be, kind.dtype, kind.loss)
        self._update = kind.update(be, self._stack.theta, self._stack.grad, kind.dtype)
        self._descent = StackedDescent(self._stack, self._update, self._x, self._y, kind.samples, kind.batch_size)
        self._members = [None] * places
        self._rows = np.zeros((places, kind.samples), np.int64)

    def _of(self, place: int) -> Member:
        member = self._members[place]
        assert member is not None, "only places that are taken are asked for"
        return member

    def _vectors(self) -> list[Array]:
        """All that a model takes along: theta, moments, number of updates."""
        return [self._stack.theta, *self._update.moments, self._update.t]

    def _enter(self, place: int, member: Member, vectors: Sequence[np.ndarray] | None = None) -> None:
        """The member takes the place, with what it brings along, or begins."""
        est, be = member.estimator, self._backend
        if vectors is None:
            est.n_iter_ = 0
            vectors = [packed(est.coefs_, est.intercepts_)]
        for own, new in zip(self._vectors(), [*vectors, *[0.0] * len(self._vectors())], strict=False):
            own[place : place + 1, ...] = be.asarray(new, str(own.dtype).rpartition(".")[2])
        columns = [self._stack.alpha, self._descent.shift, self._update.rate, *self._update.coefficients]
        numbers = [est.alpha, member.shift, est._optimizer.learning_rate]
        numbers += [getattr(est, name) for name in self._update.COEFFICIENTS]
        for column, number in zip(columns, numbers, strict=True):
            column[place : place + 1, ...] = number
        self._members[place] = member

    def _move(self, active: Sequence[int]) -> list[int]:
        """These members into a stack of their own."""
        moved = [self._of(place) for place in active]
        vectors = [[self._row(vector, place) for vector in self._vectors()] for place in active]
        self._make(len(moved))
        for place, (member, brought) in enumerate(zip(moved, vectors, strict=True)):
            self._enter(place, member, brought)
        return list(range(len(moved)))

    def _row(self, vectors: Array, place: int) -> np.ndarray:
        return np.array(self._backend.to_numpy(vectors[place, ...]))

    # ---- epochs

    def _epoch(self, active: Sequence[int]) -> None:
        """One epoch, counted and judged."""
        for place in active:
            self._rows[place] = self._of(place).next_rows()
        losses = self._descent.epoch(self._rows)
        for place in active:
            count_epoch(self._of(place).estimator, float(losses[place]), self._kind.samples)
        if not self._kind.held_out:
            for place in active:
                judge_loss(self._of(place).estimator)
            return
        rows = np.zeros((len(self._members), self._kind.held_out), np.int64)
        for place in active:
            rows[place] = self._of(place).held_out
        x, y = self._descent.taken(self._backend.asarray(rows, "int64"))
        outputs = np.asarray(self._backend.to_numpy(self._stack.outputs(x)))
        totals = np.asarray(self._backend.to_numpy(self._stack.total_loss(x, y)))
        for place in active:
            member = self._of(place)
            score = float(member.estimator._score_outputs(member.labels, outputs[place], None))
            loss = float(totals[place]) / self._kind.held_out
            judge_score(member.estimator, score, loss, partial(self._row, self._stack.theta, place))

    def _end_epoch(self, place: int) -> None:
        """Set the next rate; a member that is done leaves, and the next one enters."""
        member = self._of(place)
        est = member.estimator
        over = is_over(est, "Validation score" if self._kind.held_out else "Training loss")
        member.reached_the_end = not over and est.n_iter_ == est.max_iter
        if not over and not member.reached_the_end:
            self._update.rate[place : place + 1, ...] = est._optimizer.learning_rate
            return
        est._take(est._best if self._kind.held_out else self._row(self._stack.theta, place))
        self._members[place] = None
        if self._waiting:
            self._enter(place, self._waiting.popleft())
