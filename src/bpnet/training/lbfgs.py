"""The epochs of L-BFGS: each is one iteration, which evaluates the loss and its gradient on all samples a few times.

The iterations themselves are handed in as a function of the host, `minimize`; it calls back for every evaluation and
after every iteration. An evaluation is one captured call, and the only place where theta and its gradient go to the
host and back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, TypeAlias

from bpnet.backend import Array
from bpnet.nn.lbfgs import BoundLBFGS
from bpnet.training.callbacks import divergence_told
from bpnet.training.course import Course
from bpnet.training.history import History, TrainingDivergedError
from bpnet.training.interrupt import InterruptAfterStep
from bpnet.training.micro_batch import learner
from bpnet.training.objective import Objective
from bpnet.training.step import DeviceData, count
from bpnet.training.totals import Totals

HostVector: TypeAlias = Any
Minimize: TypeAlias = Callable[
    [
        Callable[[HostVector], tuple[float, HostVector]],
        HostVector,
        Callable[[HostVector], None],
        int,
        Mapping[str, float],
    ],
    tuple[bool, str],
]
"""minimize(value_and_gradient, theta, after_iteration, iterations, options) → (converged, message)."""


class Minimization:
    """A run of L-BFGS: an objective and the data, on the device, and what minimizes, on the host."""

    def __init__(
        self,
        model: Any,
        objective: Objective,
        optimizer: BoundLBFGS,
        data: DeviceData,
        minimize: Minimize,
        micro_batch: int | None = None,
    ) -> None:
        self.model = model
        self.data = data
        self.network = objective.network
        self.totals = Totals(self.network.backend, objective.metrics, objective.loss_names)
        self.samples = data.rows
        self.micro_batch = micro_batch
        self._options = optimizer.options
        self._minimize = minimize

        learn = learner(objective, data.rows, micro_batch)

        def evaluation() -> None:
            """The gradient, and the totals of one batch of all samples."""
            learned = learn(data.x, data.y, data.weight)
            self.totals.clear()
            count(self.totals, objective, data.y, data.weight, learned, 1, 1)

        self._evaluation = self.network.backend.capture(evaluation)

    def run(
        self, course: Course, *, order: Callable[[int], Array], validate: Callable[[], Mapping[str, float]] | None
    ) -> History:
        """Up to the course's number of iterations. `order` is not asked: each evaluation is of all samples."""
        history = course.history
        told_of = course.told(self.model, self.totals.figures(validate is not None))
        with told_of, divergence_told(course.callbacks, history):
            with InterruptAfterStep() as interrupt:
                iterations = _Iterations(self, course, validate, interrupt)
                try:
                    if course.ended:
                        raise _Ended
                    most = max(course.epochs, len(history.epoch))
                    history.converged, history.message = self._minimize(
                        iterations.evaluate, iterations.start, iterations.end, most, self._options
                    )
                except _Ended:
                    course.ended = course.ended or self.model.stop_training
                else:
                    course.ended = len(history.epoch) < course.epochs
                    _tell(history, course.epochs)
                finally:
                    iterations.go_back()
            if interrupt.requested:
                course.interrupted()
            course.complete = course.has_ended
        return history

    def evaluate(self, theta: HostVector) -> float:
        """The loss at theta, penalty included; its gradient is then in `network.grad`. Waits for the device."""
        network = self.network
        network.theta[...] = network.backend.asarray(theta, network.dtype)
        self._evaluation()
        return float(network.backend.to_numpy(self.totals.losses["loss"]))

    def figures(self) -> dict[str, float]:
        """The loss and the metrics at the last evaluation."""
        return self.totals.read(1, self.samples, self.data.weight is not None)


class _Ended(Exception):  # noqa: N818 - nothing went wrong
    """Ctrl-C or a callback has ended the run."""


class _Iterations:
    """What is called back: it keeps theta and the running statistics of the last whole iteration."""

    def __init__(
        self,
        run: Minimization,
        course: Course,
        validate: Callable[[], Mapping[str, float]] | None,
        interrupt: InterruptAfterStep,
    ) -> None:
        self._run = run
        self._course = course
        self._history = course.history
        self._validate = validate
        self._callbacks = course.callbacks
        self._interrupt = interrupt
        self._network = network = run.network
        self._begun = self._before = len(course.history.epoch)
        self._ended = 0
        self.theta: HostVector = network.backend.to_numpy(network.theta)
        self._state = network.backend.xp.asarray(network.state, copy=True)
        self._known = course.evaluations
        if self._known is not None:
            self._known.told = 0
            if self._known.start is None:
                self._known.start = self.theta
        self.start: HostVector = self.theta if self._known is None else self._known.start
        """Where the run began, whose first iterations may have been made before."""

    def evaluate(self, theta: HostVector) -> tuple[float, HostVector]:
        """The loss and its gradient at theta, as the training of the present epoch."""
        if self._known is not None and (found := self._known.known(theta)) is not None:
            return found
        if self._ended < self._before:
            raise ValueError(
                f"resume: the checkpoint has the evaluations of {self._ended} iterations of L-BFGS, expected those of "
                f"{self._before}. Mend: an earlier checkpoint, or fit without resume"
            )
        first = self._begun == 0
        epoch = len(self._history.epoch)
        if self._begun == epoch:
            self._begun += 1
            for callback in self._callbacks:
                callback.on_epoch_begin(epoch)
        # Each evaluation starts from the statistics of the iteration before, so that they move once in an iteration.
        self._network.state[...] = self._state
        loss = self._run.evaluate(theta)
        if first and not isfinite(loss):
            raise TrainingDivergedError(1, 1, None, None, self._history)
        if self._interrupt.requested:
            raise _Ended
        gradient = self._network.backend.to_numpy(self._network.grad)
        if self._known is not None:
            self._known.add(theta, loss, gradient)
        return loss, gradient

    def end(self, theta: HostVector) -> None:
        """The end of an epoch, whose last evaluation was at theta."""
        self.theta = theta
        self._ended += 1
        if self._ended <= self._before:  # it was told of before
            return
        self._state[...] = self._network.state
        if self._known is not None:
            self._known.end_iteration()
        epoch = len(self._history.epoch)
        logs = self._run.figures() | (dict(self._validate()) if self._validate else {})
        self._history.add(epoch, logs)
        for callback in self._callbacks:
            callback.on_batch_end(0, self._run.samples)
            callback.on_epoch_end(epoch, logs)
        if self._interrupt.requested or self._run.model.stop_training:
            raise _Ended

    def go_back(self) -> None:
        """The weights and statistics of the last whole iteration; a line search may have been at others."""
        self._network.theta[...] = self._network.backend.asarray(self.theta, self._network.dtype)
        self._network.state[...] = self._state


def _tell(history: History, epochs: int) -> None:
    """RuntimeWarning where the run ended early, but not because nothing was left to gain."""
    done = len(history.epoch)
    if done < epochs and not history.converged:
        warnings.warn(
            f"L-BFGS ended after {done} of {epochs} iterations: {history.message}. Mend: a larger max_fun if that was "
            "the limit; else dtype='float64', or standardised inputs",
            RuntimeWarning,
            stacklevel=4,
        )
