"""Training by N processes, the ranks: each learns from its share of every batch, and the run is that of one process.

The loss of a batch of b samples is L = Σᵢ lᵢ / b + penalty. Its gradient is a sum over samples too, so that rank r
computes the part of its samples, which are divided by the b of the whole batch, and one sum over the ranks makes the
gradient of the batch:

    gradᵣ = Σ_{i in its share} ∂lᵢ/∂θ / b        each rank, for rows [r·b // N, (r + 1)·b // N)
    grad  = Σᵣ gradᵣ                             all-reduce: one vector, because all gradients are
    grad += ∂penalty/∂θ;  θ ← optimizer(θ, grad)   each rank the same, on the same bits

The weights are never sent: they begin equal and get equal updates. Why the numbers are those of one process:

- The order of the samples, and with it what is in each batch, is drawn by seed and epoch alone.
- A random layer draws for element i of the batch bits(key, i); a share that begins at sample s has the key of s, as in
  `micro_batch.py`. So masks do not depend on N.
- Batch normalization adds up its sums over the ranks (`nn/normalization.py`).
- Losses and metrics are sums over samples, added up at an epoch's end; the penalty is counted by rank 0. All that
  follows, the history, callbacks and what ends a run, then knows the same on each rank.

What differs is the order in which floating-point numbers are added, as between two batch sizes of `micro_batch`.
A rank without samples, because b < N, takes one that is another's and sends zeros: it has to come to every sum.

A captured step would be one replay; here it is two, with a sum on the host between them, because a sum waits for other
processes. Sums within the first, of batch normalization and of slices of the gradient (`overlap.py`), are calls of the
host (`call_host`) that the replays of numpy and numba make.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bpnet.backend import Array
from bpnet.nn.op import call_host
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.training.communicator import Communicator
from bpnet.training.course import Course
from bpnet.training.fit import Training
from bpnet.training.interrupt import InterruptAfterStep
from bpnet.training.micro_batch import InParts, key_shift
from bpnet.training.objective import Found, Objective
from bpnet.training.overlap import Slices, Whole
from bpnet.training.ranks import Share, add_up, any_of, averaged
from bpnet.training.repeating import TOGETHER
from bpnet.training.step import DeviceData, count, counting, next_batch


class ParallelTraining(Training):
    """The run of one rank. `batch_size` is that of all ranks together; `micro_batch` divides a rank's share."""

    def __init__(
        self,
        model: Any,
        objective: Objective,
        optimizer: BoundOptimizer,
        data: DeviceData,
        batch_size: int,
        micro_batch: int | None,
        communicator: Communicator,
    ) -> None:
        self._communicator = communicator
        network = objective.network
        self._per_process = [
            network.state[place.start : place.stop]
            for place in network.state_layout.places
            if getattr(network.graph.layers[place.layer], "per_process", False)
        ]
        super().__init__(model, objective, optimizer, data, batch_size, micro_batch)

    def _capture(self, batch_size: int) -> Callable[[], None]:
        objective, optimizer, totals = self._objective, self.optimizer, self.totals
        network, backend, communicator = objective.network, self.backend, self._communicator
        share = Share.of(communicator, batch_size)
        take = next_batch(backend, self.data, batch_size, share.rows)
        part = _PartOfBatch(objective, communicator, share, self.micro_batch)
        times, of_penalty = counting(batch_size, self.data.rows, is_mean=objective.is_mean)

        def learn() -> None:
            x, y, weight = take()
            loss, found = part.gradient(x, y, weight)
            penalty = network.penalty() if communicator.rank == 0 else 0.0
            if share.is_empty:
                nothing = [
                    [backend.xp.zeros_like(value) for value in sums]
                    for sums in objective.metric_sums(y, found.outputs, weight)
                ]
                totals.add([[(penalty, of_penalty)], *([] for _ in found.losses)], None, nothing)
            else:
                count(totals, objective, y, weight, (loss, penalty, found), times, of_penalty)

        def update() -> None:
            network.add_penalty_gradient()
            optimizer.step()

        first = part.captured(learn)
        second = backend.capture(update)

        def step() -> None:
            first()
            part.reduction.wait()
            second()

        return step

    # ---- what the ranks decide together

    def _any(self, flag: bool) -> bool:
        return any_of(self._communicator, self.backend, [flag])[0]

    def _go_on(self, totals: Sequence[float]) -> None:
        """What an interrupted epoch adds up to so far, of all ranks: one of them takes it."""
        super()._go_on(totals)
        if self._communicator.rank > 0:
            finite = self.totals.first_bad_batch() - 1
            self.totals.clear()
            self.totals.finite_batches[...] = float(finite)

    def _pass(self, *given: Any) -> int:
        done = super()._pass(*given)
        add_up(self._communicator, self.totals)
        averaged(self._communicator, self._per_process)
        return done

    def _ends(self, interrupt: InterruptAfterStep, done: int) -> bool:
        """Ctrl-C on one rank ends all; they ask each other now and then, after the same step."""
        if done % TOGETHER == 0 and done < len(self._sizes):
            interrupt.agreed = self._any(interrupt.requested)
        return interrupt.agreed

    def _is_interrupted(self, interrupt: InterruptAfterStep) -> bool:
        """What a rank is asked for after they have agreed is no ground to end before the others do."""
        return interrupt.agreed

    def _decide(self, course: Course, interrupt: InterruptAfterStep) -> None:
        super()._decide(course, interrupt)
        flags = any_of(self._communicator, self.backend, [course.ended, interrupt.requested])
        course.ended, interrupt.agreed = flags


class _PartOfBatch:
    """The gradient of a rank's share of a batch, to be summed over the ranks by `reduction.wait()`."""

    def __init__(self, objective: Objective, communicator: Communicator, share: Share, micro_batch: int | None) -> None:
        self._objective = objective
        self._network = network = objective.network
        self._share = share
        self._communicator = communicator
        self._mixing = [layer for layer in objective.graph.layers if layer.mixes_samples]
        for layer in self._mixing:
            if not hasattr(layer, "whole"):
                raise ValueError(
                    f"distributed: layer {layer.name!r} makes samples depend on the others of their batch, but adds up "
                    "nothing over processes. Mend: as BatchNormalization does, by `whole`, or train in one process"
                )
        self._parts: InParts | None = None
        if micro_batch is not None and micro_batch < share.computed:
            self._parts = InParts(objective, share.samples, micro_batch, share.rows)
        self._shift = key_shift(network, share.start) if self._parts is None and share.start > 0 else None
        slices = Slices(network, communicator, is_empty=share.is_empty)
        in_parts = micro_batch is not None and micro_batch < Share.largest(communicator, share.samples)
        self._slices = slices if not in_parts and slices.are_several and self._replays else None
        self.reduction = self._slices or Whole(network, communicator, is_empty=share.is_empty)
        self.samples = share.samples
        self.is_empty = share.is_empty

    def gradient(self, x: Sequence[Array], y: Sequence[Array], weight: Array | None) -> tuple[Array, Found]:
        """The loss, this share's part of it, and what it was made of; the gradient goes to `network.grad`."""
        network, slices = self._network, self._slices
        if slices is not None:
            slices.begin()
        if self._shift is not None:
            network.keys[...] = network.keys + self._shift
        with self._joined():
            if self._parts is not None:
                learned = self._parts.gradient(x, y, weight)
            else:
                finished = None if slices is None else slices.finished
                learned = self._objective.gradient(x, y, weight, self.samples, finished)
        if self._shift is not None:  # now they are the next batch's, but for this
            network.keys[...] = network.keys - self._shift
        self.reduction.end()
        return learned

    def captured(self, learn: Callable[[], None]) -> Callable[[], None]:
        """`learn`, replayed where the backend can replay what it does."""

        def whole() -> None:
            learn()
            if self._slices is not None:  # where it is written down, what was begun has to end before its replay
                self._slices.wait()

        if self._replays or all(getattr(layer, "per_process", False) for layer in self._mixing):
            return self._network.backend.capture(whole)
        names = ", ".join(repr(layer.name) for layer in self._mixing)
        warnings.warn(
            f"this step runs slower than it could: {names} normalizes over the batch of all processes, and a sum over "
            f"processes cannot be replayed on {self._network.backend.name}. "
            "Mend: BatchNormalization(per_process=True), or LayerNormalization",
            RuntimeWarning,
            stacklevel=5,
        )
        return whole

    def add_up(self, part: Array) -> Array:
        """The sum of the ranks' parts."""
        total = self._network.backend.xp.zeros_like(part) if self.is_empty else part
        call_host(self._network.backend, self._communicator.all_reduce, total)
        return total

    @property
    def _replays(self) -> bool:
        """Can a step call the host, because it is never captured, or because a replay calls it too?"""
        backend = self._network.backend
        return "call_host" in backend.kernels or backend.capture(_nothing) is _nothing

    @contextmanager
    def _joined(self) -> Iterator[None]:
        """While it lasts, layers know that x is a part of a batch."""
        mixing: list[Any] = list(self._mixing)
        for layer in mixing:
            layer.whole = self
        try:
            yield
        finally:
            for layer in mixing:
                layer.whole = None


def _nothing() -> None:
    pass
