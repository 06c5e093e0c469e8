"""Who is told of a fit: what `verbose` prints, bpnet's callbacks, and those of scikit-learn 1.9."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpnet.callbacks.progress import progress
from bpnet.training.callbacks import Callback

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
    from sklearn.callback import with_callbacks as with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """scikit-learn before 1.9 has no callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """The method itself."""
        return method


class Lines(Callback):
    """scikit-learn's lines: `Iteration 3, loss = 0.12345678`, and the score where samples are held out."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """One line, or two."""
        print(f"Iteration {epoch + 1}, loss = {logs['loss']:.8f}")
        if "val_score" in logs:
            print(f"Validation score: {logs['val_score']:f}")


def printed(verbose: int | bool) -> list[Callback]:
    """Nothing, lines, or from 2 on a bar, in whose place lines stand where there is no terminal."""
    if int(verbose) >= 2:
        return progress(1)
    return [Lines()] if verbose else []


class Tasks:
    """The tasks that scikit-learn's callbacks are told of: the fit, and in it each iteration; of no estimator, none."""

    def __init__(self, estimator: Any, x: Any, y: Any, sample_weight: Any, iterations: int) -> None:
        self._estimator = estimator
        self._given = {"X": x, "y": y, "metadata": {"sample_weight": sample_weight}}
        self._fit: Any = None
        self._one: Any = None
        if getattr(estimator, "_skl_callbacks", None) or hasattr(estimator, "_parent_callback_ctx"):
            self._fit = estimator._init_callback_context(max_subtasks=iterations)

    @property
    def are_told(self) -> bool:
        """Does anybody listen?"""
        return self._fit is not None

    def begin(self) -> None:
        """The fit begins."""
        if self._fit is not None:
            self._fit.call_on_fit_task_begin(estimator=self._estimator, **self._given)

    def begin_iteration(self) -> None:
        """An iteration begins."""
        if self._fit is not None:
            self._one = self._fit.subcontext(task_name="iteration")
            self._one.call_on_fit_task_begin(estimator=self._estimator, **self._given)

    def end_iteration(self, fitted: Callable[[], dict[str, Any]]) -> bool:
        """An iteration has ended, with these attributes; does a callback want to stop?"""
        if self._fit is None:
            return False
        asked = self._one.call_on_fit_task_end
        return bool(asked(estimator=self._estimator, reconstruction_attributes=fitted, **self._given))

    def end(self, fitted: Callable[[], dict[str, Any]]) -> None:
        """The fit has ended."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(estimator=self._estimator, reconstruction_attributes=fitted, **self._given)
