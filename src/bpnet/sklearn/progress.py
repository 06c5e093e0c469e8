"""How scikit-learn counts a fit's epochs, judges them, and ends it; the numbers are the estimator's own attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def count_epoch(est: Any, loss: float, samples: int) -> None:
    """One more epoch, with this loss, over so many samples."""
    est.n_iter_ += 1
    est.loss_ = loss
    est.t_ += samples
    est.loss_curve_.append(loss)


def judge_loss(est: Any) -> None:
    """Was the last loss better than the best before it by more than `tol`?"""
    loss = est.loss_curve_[-1]
    _judged(est, worse=loss > est.best_loss_ - est.tol)
    est.best_loss_ = min(est.best_loss_, loss)


def judge_score(est: Any, score: float, loss: float, weights: Callable[[], np.ndarray]) -> None:
    """Was the held-out score better than the best before it by `tol`? The best `weights` are kept."""
    est.validation_scores_.append(score)
    est.validation_loss_curve_.append(loss)
    _judged(est, worse=score < est.best_validation_score_ + est.tol)
    if score > est.best_validation_score_:
        est.best_validation_score_ = score
        est._best = weights()


def _judged(est: Any, *, worse: bool) -> None:
    est._no_improvement_count = est._no_improvement_count + 1 if worse else 0
    est._optimizer.epoch_ends(est.t_)


def is_over(est: Any, what: str) -> bool:
    """Has `what` not improved for too long, and is the learning rate not lowered instead?"""
    if est._no_improvement_count <= est.n_iter_no_change:
        return False
    message = f"{what} did not improve more than tol={est.tol:f} for {est.n_iter_no_change} consecutive epochs."
    if est._optimizer.lower():
        message += f" Setting learning rate to {est._optimizer.learning_rate:f}"
        est._no_improvement_count = 0
        over = False
    else:
        message += " Learning rate too small. Stopping." if est._optimizer.is_adaptive else " Stopping."
        over = True
    if est.verbose:
        print(message)
    return over


def not_converged(est: Any) -> str:
    """The ConvergenceWarning's text: `max_iter` epochs were not enough."""
    return (
        f"Stochastic Optimizer: Maximum iterations ({est.max_iter}) reached and the optimization hasn't converged yet."
    )
