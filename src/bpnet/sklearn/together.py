"""Which fits of a search can be trained together, and in which stacks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils.metaestimators import _safe_split

from bpnet.sklearn.handing_over import Run
from bpnet.sklearn.parameters import STOCHASTIC
from bpnet.sklearn.rows import is_sparse

Split: TypeAlias = tuple[np.ndarray, np.ndarray]
"""The rows of a fold to train on, and those to test on."""


def stackable(estimator: Any, x: Any) -> bool:
    """Can its fit on x be a part of a stack? It learns by scikit-learn's steps, and nobody watches."""
    unusual = ("verbose", "warm_start", "dropout", "max_grad_norm", "scoring", "callbacks")
    return (
        isinstance(estimator.solver, str)
        and estimator.solver in STOCHASTIC
        and not any(getattr(estimator, name) for name in unusual)
        and getattr(estimator, "class_weight", None) is None
        and estimator.loss in (None, "log_loss", "squared_error", "poisson")
        and not getattr(estimator, "_skl_callbacks", None)
        and not is_sparse(x)
    )


def trained_together(estimators: Sequence[Any], x: Any, y: Any, splits: Sequence[Split]) -> list[Run]:
    """A run for each estimator on its fold; those that could not be stacked are without attributes."""
    return [
        Run(type(estimator), estimator.get_params(deep=False), partial(fold, estimator, x, y, train))
        for estimator, (train, _) in zip(estimators, splits, strict=True)
    ]


def fold(estimator: Any, x: Any, y: Any, train: np.ndarray) -> tuple[Any, Any]:
    """X and y of the rows to train on, as scikit-learn's searches make them."""
    found: tuple[Any, Any] = _safe_split(estimator, x, y, train)
    return found
