"""scikit-learn's search over parameters, for which the networks of all candidates and folds are trained together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from joblib import parallel_config
from sklearn import neural_network
from sklearn.base import _fit_context, clone
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils._param_validation import Interval, InvalidParameterError
from sklearn.utils.parallel import Parallel

from bpnet.sklearn.classifier import MLPClassifier
from bpnet.sklearn.handing_over import HandOver, Run, handing_over
from bpnet.sklearn.regressor import MLPRegressor
from bpnet.sklearn.together import Split, stackable, trained_together

OURS: dict[type, type] = {
    neural_network.MLPClassifier: MLPClassifier,
    neural_network.MLPRegressor: MLPRegressor,
}
"""What is searched in place of scikit-learn's own."""

DRAWN = 10
"""Candidates of a random search, where `n_iter` does not say."""


class MLPSearchCV(BaseSearchCV):  # type: ignore[misc]
    """`GridSearchCV` and `RandomizedSearchCV` over multi-layer perceptrons that are trained together.

    `param_grid`, a dictionary of lists or a list of such, is searched whole. With `n_iter`, with distributions among
    its values, or given as `param_distributions`, so many candidates are drawn from it (10 by default) by
    `random_state`. All other parameters, the attributes and the numbers are those of scikit-learn's searches;
    `mean_fit_time` is a network's share of the time of all that were trained with it.

    `estimator` is an MLPClassifier or an MLPRegressor of bpnet.sklearn; scikit-learn's own are exchanged for these.
    Candidates of one architecture and batch size are trained on all folds as one stack, each with its own draws, rates
    and end; `n_jobs` of joblib's workers share the stacks. What cannot be stacked (lbfgs, bpnet's optimizers and
    losses, dropout, callbacks, verbose, warm_start, sparse X, class and sample weights) is trained one by one.

    >>> from sklearn.datasets import load_iris
    >>> from bpnet.sklearn import MLPClassifier, MLPSearchCV
    >>> x, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((8,), solver="sgd", max_iter=300, tol=1e-2, random_state=0)
    >>> search = MLPSearchCV(net, {"learning_rate_init": [0.001, 0.03], "alpha": [1e-4, 1e-2]}, cv=3).fit(x, y)
    >>> search.best_params_["learning_rate_init"], round(float(search.best_score_), 2)
    (0.03, 0.97)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseSearchCV._parameter_constraints,
        "param_grid": [dict, list, None],
        "param_distributions": [dict, list, None],
        "n_iter": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any = None,
        *,
        param_distributions: Any = None,
        n_iter: int | None = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_grid = param_grid
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **params: Any) -> MLPSearchCV:
        """Evaluate all candidates on all folds, and fit the best on all samples. Returns self.

        `params`: `groups` for the folds, and `sample_weight`, as scikit-learn's searches take them.
        """
        if type(self.estimator) in OURS:
            return self._fit_translated(X, y, params)
        if type(self.estimator) not in OURS.values():
            raise InvalidParameterError(
                "The 'estimator' parameter of MLPSearchCV must be an MLPClassifier or an MLPRegressor of bpnet.sklearn "
                f"or scikit-learn. Got {self.estimator!r} instead. GridSearchCV searches any estimator, pipelines too."
            )
        candidates = self._listed()
        weighed = any(value is not None for name, value in params.items() if name != "groups")
        together = not weighed and any(stackable(self._set_to(each), X) for each in candidates)
        workers = Parallel(n_jobs=self.n_jobs, pre_dispatch=self.pre_dispatch)
        # The workers train the stacks. What they have trained is then here, in this process.
        here = parallel_config("sequential") if together else nullcontext()
        with handing_over() as hand_over, here:
            self._present = _Present(candidates, hand_over, together, workers)
            try:
                super().fit(X, y, **params)
            finally:
                del self._present
        return self

    # ---- within

    def _listed(self) -> list[dict[str, Any]]:
        """The candidates, in scikit-learn's order."""
        given = self.param_grid if self.param_distributions is None else self.param_distributions
        if given is None or (self.param_grid is not None and self.param_distributions is not None):
            raise InvalidParameterError(
                "MLPSearchCV takes one of the parameters 'param_grid' and 'param_distributions'. Got "
                f"{'neither' if given is None else 'both'}."
            )
        drawn = self.param_distributions is not None or self.n_iter is not None or _has_distributions(given)
        if not drawn:
            return list(ParameterGrid(given))
        n_iter = DRAWN if self.n_iter is None else self.n_iter
        return list(ParameterSampler(given, n_iter, random_state=self.random_state))

    def _set_to(self, candidate: Mapping[str, Any]) -> Any:
        """The estimator with the candidate's parameters, as scikit-learn makes it for a fit."""
        return clone(self.estimator).set_params(**clone(dict(candidate), safe=False))

    def _fit_translated(self, X: Any, y: Any, params: Mapping[str, Any]) -> MLPSearchCV:
        """Search over bpnet's estimator in place of scikit-learn's."""
        estimator = OURS[type(self.estimator)](**self.estimator.get_params(deep=False))
        search = clone(self).set_params(estimator=estimator).fit(X, y, **params)
        self.__dict__.update({name: each for name, each in vars(search).items() if name not in self.get_params(False)})
        return self

    def _run_search(self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None) -> None:
        """Evaluate the candidates; where scikit-learn has callbacks, tell them."""
        candidates = self._present.candidates
        more: dict[str, Any] = {"cv": _TrainingSplits(self)} if self._present.together else {}
        if callback_ctx is None:
            evaluate_candidates(candidates, **more)
            return
        fits = len(candidates) * self.n_splits_
        context = callback_ctx.subcontext(task_name="search", max_subtasks=fits, sequential_subtasks=False)
        context.call_on_fit_task_begin(estimator=self)
        evaluate_candidates(candidates, callback_ctx=context, **more)
        context.call_on_fit_task_end(estimator=self)

    def _train(self, X: Any, y: Any, splits: Sequence[Split]) -> None:
        """Train together what can be."""
        estimators = [self._set_to(candidate) for candidate in self._present.candidates for _ in splits]
        folds = [split for _ in self._present.candidates for split in splits]
        self._present.runs = trained_together(estimators, X, y, folds, self._present.workers)
        self._present.hand_over.expect(self._present.runs)

    def _format_results(self, candidate_params: Any, n_splits: int, out: Any, more_results: Any = None) -> Any:
        """Add to each fit's time its share of that of the stack."""
        for result, run in zip(out, self._present.runs, strict=self._present.together):
            result["fit_time"] += run.seconds
        return super()._format_results(candidate_params, n_splits, out, more_results)


@dataclass
class _Present:
    """A search that is going on."""

    candidates: list[dict[str, Any]]
    hand_over: HandOver
    together: bool
    """Is there anything to train together?"""
    workers: Parallel
    runs: list[Run] = field(default_factory=list)
    """Of all candidates and folds, in scikit-learn's order."""


class _TrainingSplits:
    """The folds of a search, which train all candidates on them when they are asked for.

    `BaseSearchCV` asks once, when it has checked everything else, with X, y and what is meant for the splitter.
    """

    def __init__(self, search: MLPSearchCV) -> None:
        self._search = search

    def split(self, X: Any, y: Any = None, **params: Any) -> list[Split]:
        """The folds of the search's own splitter."""
        search = self._search
        splits = list(search._checked_cv_orig.split(X, y, **params))
        if len(splits) == search.n_splits_:  # otherwise scikit-learn raises an error
            search._train(X, y, splits)
        return splits


def _has_distributions(given: Any) -> bool:
    grids = given if isinstance(given, list) else [given]
    return any(hasattr(value, "rvs") for grid in grids if isinstance(grid, Mapping) for value in grid.values())
