"""The optimizer that a solver's name, or an optimizer of bpnet's, stands for."""

from __future__ import annotations

from typing import Any

from bpnet.nn.lbfgs import LBFGS
from bpnet.nn.optimizers import Optimizer
from bpnet.nn.optimizers import optimizer as optimizer_named
from bpnet.sklearn.optimizers import EarlyAdam, Momentum, Optimization


def is_lbfgs(solver: str | Optimizer) -> bool:
    """Does it learn from all samples at once?"""
    return solver == "lbfgs" or isinstance(solver, LBFGS)


def optimization(estimator: Any) -> Optimization:
    """The optimizer of the estimator's parameters, with all its moments 0.

    sgd and adam are scikit-learn's; another name is bpnet's optimizer with the rate `learning_rate_init`, and an
    optimizer has its own rate.
    """
    solver, rate = estimator.solver, float(estimator.learning_rate_init)
    if solver == "sgd":
        made: Optimizer = Momentum(rate, estimator.momentum, estimator.nesterovs_momentum)
        return Optimization(made, rate, estimator.learning_rate, estimator.power_t)
    if solver == "adam":
        made = EarlyAdam(rate, beta_1=estimator.beta_1, beta_2=estimator.beta_2, epsilon=estimator.epsilon)
        return Optimization(made, rate, "constant", 0.0)
    named = isinstance(solver, str)
    return Optimization(optimizer_named(solver), rate if named else None, "constant", 0.0)


def lbfgs_options(estimator: Any) -> dict[str, float]:
    """SciPy's options: scikit-learn's for the name, those of the object for an `LBFGS`."""
    solver = estimator.solver
    if isinstance(solver, LBFGS):
        options: dict[str, float] = {"maxfun": solver.max_fun, "gtol": solver.gtol, "maxcor": solver.memory}
        return options if solver.ftol is None else {**options, "ftol": solver.ftol}
    return {"maxfun": estimator.max_fun, "gtol": estimator.tol}
