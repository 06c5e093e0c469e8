"""The epochs: for each, an order of the samples, a step a batch, and one reading of the totals at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bpnet.backend import Array
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.training.callbacks import divergence_told, want_every_batch
from bpnet.training.course import Course
from bpnet.training.divergence import Guard
from bpnet.training.history import History
from bpnet.training.interrupt import InterruptAfterStep
from bpnet.training.micro_batch import learner, trial
from bpnet.training.objective import Objective
from bpnet.training.out_of_memory import OutOfMemoryError, is_out_of_memory, too_many_samples
from bpnet.training.repeating import can_repeat, groups, repeat
from bpnet.training.step import DeviceData, batch_sizes, training_step
from bpnet.training.totals import Totals


class Training:
    """A run: an objective, an optimizer and the data, all on the device."""

    def __init__(
        self,
        model: Any,
        objective: Objective,
        optimizer: BoundOptimizer,
        data: DeviceData,
        batch_size: int,
        micro_batch: int | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.data = data
        self.backend = objective.network.backend
        self.totals = Totals(self.backend, objective.metrics, objective.loss_names)
        self.samples = data.samples
        self._loss_divisor = self.samples if objective.is_mean else self.samples / data.rows
        self._sizes = batch_sizes(self.samples, batch_size)
        self._objective = objective
        self.micro_batch = micro_batch
        rows = min(1024, batch_size, micro_batch or batch_size)
        self._guard = Guard(objective, optimizer, data, self.totals, rows, self._any)
        self._steps = {size: self._capture(size) for size in set(self._sizes)}
        self._begun: set[int] = set()
        """The sizes whose step was called before."""

    def run(
        self,
        course: Course,
        *,
        order: Callable[[int], Array],
        validate: Callable[[], Mapping[str, float]] | None,
        bring: Callable[[], None] | None = None,
    ) -> History:
        """Train for the epochs that are missing; `order(epoch)` gives its samples, `validate` its held-out figures, if
        there are any.

        `bring` is called before each step, where the data are not all on the device.
        """
        history = course.history
        told_of = course.told(self.model, self.totals.figures(validate is not None))
        with told_of, self._guard, divergence_told(course.callbacks, history):
            with InterruptAfterStep() as interrupt:
                for epoch in (missing := course.missing):
                    for callback in course.callbacks:
                        callback.on_epoch_begin(epoch)
                    self._guard.begin_epoch()
                    done = self._pass(order(epoch), bring, course, interrupt)
                    self._guard.check_epoch(epoch, done, history)
                    if done < len(self._sizes):
                        course.batches, course.totals = done, self.totals.values()
                        break
                    logs = self.totals.read(self._loss_divisor, self.samples, self.data.weight is not None)
                    if validate is not None:
                        logs |= validate()
                    history.add(epoch, logs)
                    for callback in course.callbacks:
                        callback.on_epoch_end(epoch, logs)
                    self._decide(course, interrupt)
                    if self._is_interrupted(interrupt) or course.ended:
                        break
                if missing:
                    self._guard.check_end(epoch, done, history)
            if self._is_interrupted(interrupt):
                course.interrupted()
            course.complete = course.has_ended
        return history

    def _pass(
        self, order: Array, bring: Callable[[], None] | None, course: Course, interrupt: InterruptAfterStep
    ) -> int:
        """The steps of an epoch, or those that it lacks; returns how many it has then, which is fewer after Ctrl-C.

        Several are asked for at once where nothing has to be done between them.
        """
        callbacks = course.callbacks
        together = bring is None and can_repeat(self._steps[self._sizes[0]]) and not want_every_batch(callbacks)
        done = course.batches
        self.totals.clear()
        if done:
            self._go_on(course.totals)
        self.data.begin_epoch(order, sum(self._sizes[:done]))
        course.batches, course.totals = 0, []
        self.optimizer.begin()
        try:
            for size, times in groups(self._sizes[done:], together):
                if bring is not None:
                    bring()
                self._learn(size, times)
                done += times
                for callback in callbacks:
                    callback.on_batch_end(done - 1, times * size)
                if self._ends(interrupt, done):
                    break
            return done
        finally:
            self.optimizer.end()

    # What processes that train together decide together: see `parallel.py`. Here there is one.

    def _any(self, flag: bool) -> bool:
        """Is it so on any process?"""
        return flag

    def _go_on(self, totals: Sequence[float]) -> None:
        """From what an interrupted epoch adds up to so far."""
        self.totals.take(totals)

    def _is_interrupted(self, interrupt: InterruptAfterStep) -> bool:
        """Does Ctrl-C end the run?"""
        return interrupt.requested

    def _ends(self, interrupt: InterruptAfterStep, done: int) -> bool:
        """Does Ctrl-C end the epoch after `done` batches?"""
        return interrupt.requested

    def _decide(self, course: Course, interrupt: InterruptAfterStep) -> None:
        """At the end of an epoch: is it the last?"""
        if self.model.stop_training:
            course.ended = True

    def _learn(self, size: int, times: int) -> None:
        """So many steps on batches of `size`. OutOfMemoryError: the weights are then those of the last whole step."""
        step = self._steps[size]
        try:
            if size not in self._begun:
                self._first(step)
                self._begun.add(size)
                times -= 1
            repeat(step, times)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise self._too_large(error, size) from error

    def _first(self, step: Callable[[], None]) -> None:
        """The first call of a step: the one that takes memory, and so the one that may fail half-way."""
        network = self._objective.network
        vectors = [network.theta, network.state, network.keys, *self.optimizer.vectors()]
        before = [self.backend.xp.asarray(vector, copy=True) for vector in vectors]
        try:
            step()
        except Exception:
            for vector, kept in zip(vectors, before, strict=True):
                vector[...] = kept
            raise

    def _too_large(self, error: Exception, size: int) -> OutOfMemoryError:
        parts, layers = self.micro_batch, self._objective.network.graph.layers
        if parts is not None and parts < size:
            attempt = trial(self._objective, self.data, size)
            return too_many_samples(error, self.backend, "micro_batch", parts, attempt)
        other = "" if any(layer.mixes_samples for layer in layers) else ", or micro_batch='auto', the same in parts"
        return too_many_samples(error, self.backend, "batch_size", size, trial(self._objective, self.data), other)

    def _capture(self, batch_size: int) -> Callable[[], None]:
        learn = learner(self._objective, batch_size, self.micro_batch)
        step = training_step(self._objective, self.optimizer, self.data, self.totals, batch_size, learn)
        return self.backend.capture(step)
