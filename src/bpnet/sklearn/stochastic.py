"""Training by small steps, as scikit-learn ends it: when the loss, or the held-out score, has not improved enough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.utils import shuffle

from bpnet.nn.network import Network
from bpnet.sklearn.descent import Descent
from bpnet.sklearn.early_stopping import HeldOut, split
from bpnet.sklearn.objective import WeightedObjective
from bpnet.sklearn.parameters import EXACT, check_callbacks
from bpnet.sklearn.placed import read, write
from bpnet.sklearn.progress import count_epoch, is_over, judge_loss, judge_score, not_converged
from bpnet.sklearn.rows import RowsOnDevice, by_rows, joined, rows
from bpnet.sklearn.solvers import optimization
from bpnet.sklearn.warned import warn
from bpnet.sklearn.watching import Tasks, printed
from bpnet.training.callbacks import told
from bpnet.training.interrupt import InterruptAfterStep


def fit_stochastic(
    est: Any,
    network: Network,
    x: Any,
    y: np.ndarray,
    targets: np.ndarray,
    weight: np.ndarray | None,
    by_class: np.ndarray | None,
    incremental: bool,
) -> None:
    """Epochs until nothing improves or `max_iter` are done; one, if `incremental`."""
    if est.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    continues = incremental or est.warm_start == EXACT
    if not continues or not hasattr(est, "_optimizer"):
        est._optimizer = optimization(est)
    objective = WeightedObjective(network, est._loss_on(network.dtype), est.alpha)
    held_out = None
    if est.early_stopping:
        x, targets, weight, by_class, held_out = _held_out(est, objective, x, y, targets, weight, by_class)
    weight = joined(weight, by_class)
    size = batch_size_of(est.batch_size, x.shape[0])
    optimizer = est._optimizer.bind(network)
    samples = rows(network.backend, x, targets, weight, size, network.dtype, objective.target_type)

    def make() -> Descent:
        return Descent(objective, optimizer, samples, size, est.max_grad_norm)

    if incremental and isinstance(samples, RowsOnDevice):
        # The next call often brings as many samples, and its step need not be captured anew.
        kind = (objective.loss, est.alpha, size, est.max_grad_norm, optimizer)
        with est._placed.kept.run(kind, samples.batch, make) as descent:
            _Epochs(est, network, descent, None, weight, size, incremental).run(x, y, weight)
        return
    _Epochs(est, network, make(), held_out, weight, size, incremental).run(x, y, weight)


class _Epochs:
    """The epochs of one call of fit or partial_fit."""

    def __init__(
        self,
        est: Any,
        network: Network,
        descent: Descent,
        held_out: HeldOut | None,
        weight: np.ndarray | None,
        batch_size: int,
        incremental: bool,
    ) -> None:
        self.est = est
        self.network = network
        self.descent = descent
        self.held_out = held_out
        self.incremental = incremental
        self.samples = int(descent.data.order.shape[0])
        self.model = est._placed.in_training(network.dtype)
        self.scorer = check_scoring(est, scoring=est.scoring) if est.scoring is not None else None
        self._weight = weight if weight is not None and not weight.all() else None
        self._batch_size = batch_size

    def run(self, x: Any, y: Any, weight: Any) -> None:
        """Train, and leave the estimator with the weights that it is to have."""
        est = self.est
        callbacks = [*check_callbacks(est.callbacks), *printed(est.verbose)]
        epochs = 1 if self.incremental else est.max_iter
        tasks = Tasks(None if self.incremental else est, x, y, weight, epochs)
        order = self._first_order()
        self.model.stop_training = False
        self.model.optimization = est._optimizer
        tasks.begin()
        try:
            with (
                told(callbacks, self.model, epochs, self.samples, self._figures()),
                self._best_at_the_end(),
                InterruptAfterStep() as interrupt,
            ):
                est.n_iter_ = 0
                for epoch in range(epochs):
                    tasks.begin_iteration()
                    for callback in callbacks:
                        callback.on_epoch_begin(epoch)
                    if est.shuffle:
                        order = shuffle(order, random_state=est._random_state)
                    self._require_weight(order)
                    loss = self.descent.epoch(order, callbacks, interrupt)
                    if loss is None:
                        raise KeyboardInterrupt
                    est._order = order
                    logs = self._take_in(loss, watched=bool(callbacks) or tasks.are_told)
                    for callback in callbacks:
                        callback.on_epoch_end(epoch, logs)
                    asked = tasks.end_iteration(est._fitted) or self.model.stop_training
                    if self._is_over() or asked or self.incremental:
                        break
                    if epoch + 1 == epochs:
                        warn(not_converged(est), ConvergenceWarning)
                    if interrupt.requested:
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            warn("Training interrupted by user.")
        finally:
            est._take_from(self.network)
        tasks.end(est._fitted)

    def _figures(self) -> dict[str, bool | None]:
        """What the callbacks are told of an epoch; of a score, larger is better."""
        return {"loss": False, **({} if self.held_out is None else {"val_loss": False, "val_score": True})}

    @contextmanager
    def _best_at_the_end(self) -> Iterator[None]:
        """Where samples are held out, training leaves the weights of the best score, however it ends.

        The callbacks are told of the end after that, and may decide otherwise.
        """
        try:
            yield
        finally:
            if self.held_out is not None:
                write(self.network, self.est._best)

    def _take_in(self, loss: float, *, watched: bool) -> dict[str, float]:
        """An epoch's figures, into the estimator's attributes."""
        est = self.est
        count_epoch(est, loss, self.samples)
        logs = {"loss": loss}
        if watched or self.scorer is not None:
            est._take_from(self.network)
        if self.held_out is None:
            judge_loss(est)
        else:
            score = self._score(self.held_out)
            logs |= {"val_loss": self.held_out.loss(), "val_score": score}
            judge_score(est, score, logs["val_loss"], lambda: read(self.network))
        return logs

    def _score(self, held_out: HeldOut) -> float:
        if self.scorer is not None:
            return held_out.score(self.scorer, self.est)
        return float(self.est._score_outputs(held_out.labels, held_out.outputs(), held_out.weight))

    def _is_over(self) -> bool:
        return is_over(self.est, "Training loss" if self.held_out is None else "Validation score")

    def _first_order(self) -> np.ndarray:
        kept = getattr(self.est, "_order", None) if self.est.warm_start == EXACT else None
        return kept if kept is not None and len(kept) == self.samples else np.arange(self.samples)

    def _require_weight(self, order: np.ndarray) -> None:
        """ZeroDivisionError where all samples of a batch weigh nothing: its loss is no number."""
        if self._weight is None:
            return
        sums = np.add.reduceat(self._weight[order], np.arange(0, self.samples, self._batch_size))
        if not sums.all():
            raise ZeroDivisionError(
                "sample_weight: all weights of a batch are 0, so that its mean is no number. "
                "Mend: leave samples of weight 0 out, or a larger batch_size"
            )


def _held_out(
    est: Any,
    objective: WeightedObjective,
    x: Any,
    y: np.ndarray,
    targets: np.ndarray,
    weight: np.ndarray | None,
    by_class: np.ndarray | None,
) -> tuple[Any, np.ndarray, np.ndarray | None, np.ndarray | None, HeldOut]:
    """The training part, and the one held out; when training goes on exactly, the same split as before."""
    state = est._random_state.get_state()
    again = getattr(est, "_split_state", None) if est.warm_start == EXACT else None
    if again is not None:
        est._random_state.set_state(again)
    else:
        est._split_state = state
    left, out = split(
        y,
        est.validation_fraction,
        stratify=is_classifier(est) and est.n_outputs_ == 1,
        random_state=est._random_state,
    )
    if again is not None:
        est._random_state.set_state(state)
    x = by_rows(x)
    weight_out = None if weight is None else weight[out]
    measured = HeldOut(objective, x[out], targets[out], weight_out, est._labels(y[out]))
    weight, by_class = (None if array is None else array[left] for array in (weight, by_class))
    return x[left], targets[left], weight, by_class, measured


def batch_size_of(given: Any, samples: int) -> int:
    """The size of a batch that `batch_size` stands for; a warning where there are not so many samples."""
    if given == "auto":
        return min(200, samples)
    if given > samples:
        warn(f"batch_size: {given} is larger than the sample size; it is clipped to {samples}")
    return int(np.clip(given, 1, samples))
