"""Training by L-BFGS, from the estimator's parameters to its attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet.nn.network import Network
from bpnet.sklearn.lbfgs import FullBatch, minimize
from bpnet.sklearn.objective import WeightedObjective
from bpnet.sklearn.parameters import check_callbacks
from bpnet.sklearn.placed import packed, write
from bpnet.sklearn.rows import joined
from bpnet.sklearn.solvers import lbfgs_options
from bpnet.sklearn.watching import Tasks, printed
from bpnet.training.callbacks import told


def fit_full_batch(
    est: Any,
    network: Network,
    x: Any,
    y: np.ndarray,
    targets: np.ndarray,
    weight: np.ndarray | None,
    by_class: np.ndarray | None,
    incremental: bool,
) -> None:
    """Up to `max_iter` iterations on all samples."""
    for name in ("dropout", "max_grad_norm"):
        if getattr(est, name):
            raise ValueError(
                f"{name}: {getattr(est, name)} was given with the solver lbfgs, whose line search needs a loss that is "
                "the same whenever it is evaluated, and its own gradient. Mend: solver='adam'"
            )
    weight = joined(weight, by_class)
    objective = WeightedObjective(network, est._loss_on(network.dtype), est.alpha)
    evaluate = FullBatch(objective, x, targets, weight)
    callbacks = [*check_callbacks(est.callbacks), *printed(est.verbose)]
    tasks = Tasks(est, x, y, weight, est.max_iter)
    model = est._placed.in_training(network.dtype)
    model.stop_training = False
    model.optimization = None
    last = [0.0]
    iterations = 0

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = evaluate(theta)
        last[0] = value
        return value, gradient

    def after(theta: np.ndarray) -> None:
        nonlocal iterations
        if callbacks or tasks.are_told:
            est._take(theta)
            for callback in callbacks:
                callback.on_batch_end(0, x.shape[0])
                callback.on_epoch_end(iterations, {"loss": last[0]})
        iterations += 1
        stop = tasks.end_iteration(est._fitted) or model.stop_training
        if stop:
            raise StopIteration
        if iterations < est.max_iter:
            begin()

    def begin() -> None:
        tasks.begin_iteration()
        for callback in callbacks:
            callback.on_epoch_begin(iterations)

    tasks.begin()
    with told(callbacks, model, est.max_iter, x.shape[0], {"loss": False}):
        if callbacks or tasks.are_told:
            begin()
        theta = packed(est.coefs_, est.intercepts_)
        theta, est.loss_, est.n_iter_ = minimize(loss, theta, after, est.max_iter, lbfgs_options(est))
        write(network, theta.astype(network.dtype))
    est._take_from(network)  # a callback may have brought the best weights back
    tasks.end(est._fitted)
